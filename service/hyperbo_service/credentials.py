"""The server's TLS: certificates and keys from PEM files, checked before anybody connects."""

import ssl
from pathlib import Path

import grpc

from hyperbo_service.config import ServerConfig
from hyperbo_service.errors import SettingError


def server_credentials(config: ServerConfig) -> grpc.ServerCredentials | None:
    """The credentials that a server shows and asks for; None without TLS.

    Raises:
        SettingError: If a file is missing or not PEM, or the key is not the certificate's.
    """
    if config.tls_certificate is None or config.tls_key is None:
        return None
    certificate = _read(config.tls_certificate, "tls_certificate", "CERTIFICATE")
    key = _read(config.tls_key, "tls_key", "PRIVATE KEY")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _check_pair(context, config.tls_certificate, config.tls_key)
    authority = None
    if config.tls_client_authority is not None:
        authority = _read(config.tls_client_authority, "tls_client_authority", "CERTIFICATE")
        _check_authority(context, config.tls_client_authority)
    return grpc.ssl_server_credentials(
        [(key, certificate)],
        root_certificates=authority,
        require_client_auth=authority is not None,
    )


def _read(path: Path, setting: str, what: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SettingError(
            f"{setting} is {path}, which cannot be read: {error.strerror}. Check the path and its "
            "permissions."
        ) from error
    first = next((line for line in content.splitlines() if line.startswith(b"-----BEGIN ")), b"")
    if what.encode() not in first:
        raise SettingError(
            f"{setting} is {path}, which is no PEM file of a {what.lower()}; wanted text that "
            f"begins with '-----BEGIN {what}-----'."
        )
    return content


class _EncryptedKeyError(Exception):
    """A private key asks for a password."""


def _ask_password() -> str:
    raise _EncryptedKeyError


def _check_pair(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        context.load_cert_chain(certificate, key, password=_ask_password)
    except _EncryptedKeyError:
        raise SettingError(
            f"tls_key is {key}, which is protected by a password. Give a key without one, that "
            "only the server's user may read."
        ) from None
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise SettingError(
                f"The key {key} does not belong to the certificate {certificate}. Set tls_key and "
                "tls_certificate to a pair; the server's own certificate comes first in its file."
            ) from error
        raise SettingError(
            f"TLS cannot be set up from {certificate} and {key}: {error.reason or error}. One of "
            "the two is damaged; make or copy it again."
        ) from error


def _check_authority(context: ssl.SSLContext, authority: Path) -> None:
    try:
        context.load_verify_locations(authority)
    except ssl.SSLError as error:
        raise SettingError(
            f"tls_client_authority is {authority}, which holds no certificate that can be used: "
            f"{error.reason or error}. Make or copy it again."
        ) from error
