"""Where a server is, and how it is spoken to: in clear or over TLS, with a token or without."""

from __future__ import annotations

import os
from typing import TypeAlias

from hyperbo_service.errors import InvalidArgumentError

DEFAULT_SERVER = "localhost:8080"
DEFAULT_PORT = 8080
_SECURE = ("grpcs://", "https://")
_CLEAR = ("grpc://", "http://")
Bytes: TypeAlias = bytes | str | os.PathLike[str]


class Endpoint:
    """A server's address and what is needed to be let in.

    Without a target it is the one in the environment variable `HYPERBO_SERVER`, else
    `localhost:8080`; without a token it is that of `HYPERBO_TOKEN`, if there is one. TLS is used
    where it is asked for, where certificates are given, and for addresses `grpcs://host:port`.

    Example:
        >>> Endpoint("grpcs://tuning.example.org").target
        'tuning.example.org:8080'
        >>> Endpoint("grpcs://tuning.example.org").is_secure
        True
        >>> Endpoint("tuning.example.org:8080", token="secret")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        hyperbo_service.errors.InvalidArgumentError: A token would go to tuning.example.org:8080 ...
    """

    def __init__(
        self,
        target: str | None = None,
        *,
        token: str | None = None,
        tls: bool | None = None,
        root_certificates: Bytes | None = None,
        private_key: Bytes | None = None,
        certificate_chain: Bytes | None = None,
        insecure: bool = False,
    ) -> None:
        """Check the address and the credentials; nothing is sent.

        Args:
            target: `host:port`, `grpc://host:port`, `grpcs://host:port` or `unix:path`; of several
                replicas of a server `ipv4:10.0.0.1:8080,10.0.0.2:8080`, or a name that stands for
                all of them, `dns:///host:port`.
            token: Bearer token.
            tls: Whether to use TLS; None decides as above.
            root_certificates: PEM, or a path to it, of who signed the server's certificate;
                None trusts those that gRPC trusts.
            private_key: PEM of the client's key, or a path to it, for mutual TLS.
            certificate_chain: PEM of the client's certificate, or a path to it.
            insecure: Whether a token may go over the network in clear.

        Raises:
            InvalidArgumentError: If these contradict each other, or a token would be readable on
                the network.
        """
        given = target or os.environ.get("HYPERBO_SERVER") or DEFAULT_SERVER
        scheme, self.target = _split(given)
        self.token = token or os.environ.get("HYPERBO_TOKEN") or None
        self.root_certificates = _pem(root_certificates, "root_certificates")
        self.private_key = _pem(private_key, "private_key")
        self.certificate_chain = _pem(certificate_chain, "certificate_chain")
        has_files = bool(self.root_certificates or self.private_key or self.certificate_chain)
        self.is_secure = (has_files or scheme == "grpcs") if tls is None else tls
        self._check(scheme, has_files=has_files, insecure=insecure)

    @property
    def is_loopback(self) -> bool:
        """Whether what is sent stays on this machine."""
        return is_loopback(self.target)

    def _check(self, scheme: str, *, has_files: bool, insecure: bool) -> None:
        if not self.is_secure and (has_files or scheme == "grpcs"):
            raise InvalidArgumentError(
                "tls is False, but certificates or an address grpcs:// are given; leave tls out.",
                field="tls",
            )
        if bool(self.private_key) != bool(self.certificate_chain):
            raise InvalidArgumentError(
                "Mutual TLS needs both private_key and certificate_chain; one is missing.",
                field="private_key",
            )
        if self.token and not (self.is_secure or self.is_loopback or insecure):
            raise InvalidArgumentError(
                f"A token would go to {self.target} in clear, for everyone on the way to read. "
                "Use TLS (tls=True, or an address grpcs://...), or allow it by insecure=True.",
                field="token",
            )


def is_loopback(target: str) -> bool:
    """Whether an address is this machine's own.

    Example:
        >>> [is_loopback(each) for each in ("localhost:80", "127.0.0.1:80", "[::1]:80", "host:80")]
        [True, True, True, False]
    """
    if target.startswith(("unix:", "unix-abstract:")):
        return True
    addresses = target.rpartition("/")[2]
    for scheme in ("ipv4:", "ipv6:", "dns:"):
        addresses = addresses.removeprefix(scheme)
    return all(_is_own(each) for each in addresses.split(","))


def _is_own(address: str) -> bool:
    bracketed = address.startswith("[")
    host = address[1:].partition("]")[0] if bracketed else address.partition(":")[0]
    numbers = host.split(".")
    is_ip = len(numbers) == 4 and all(each.isdecimal() for each in numbers)
    return host.lower() in ("localhost", "::1") or (is_ip and numbers[0] == "127")


def _split(given: str) -> tuple[str, str]:
    """The scheme, `grpc` or `grpcs` or none, and the target as gRPC wants it."""
    scheme, rest = "", given.strip()
    for name, prefixes in (("grpcs", _SECURE), ("grpc", _CLEAR)):
        for prefix in prefixes:
            if rest.lower().startswith(prefix):
                scheme, rest = name, rest[len(prefix) :].rstrip("/")
    if rest.startswith(("unix:", "unix-abstract:", "dns:", "ipv4:", "ipv6:")):
        return scheme, rest
    if not rest or any(each in rest for each in "/@ ,?#"):
        raise InvalidArgumentError(
            f"The server is {given!r}; wanted host:port, such as {DEFAULT_SERVER!r}.",
            field="target",
        )
    has_port = rest.rpartition("]")[2].count(":") == 1
    return scheme, rest if has_port else f"{rest}:{DEFAULT_PORT}"


def _pem(given: Bytes | None, field: str) -> bytes | None:
    if given is None or isinstance(given, bytes):
        return given
    if isinstance(given, str) and given.lstrip().startswith("-----BEGIN"):
        return given.encode()
    try:
        # Importing pathlib would cost more than all of this module.
        with open(given, "rb") as file:  # noqa: PTH123
            return file.read()
    except OSError as error:
        raise InvalidArgumentError(
            f"{field} cannot be read from {os.fspath(given)!r}: {error.strerror}. Give a path to a "
            "PEM file, or its bytes.",
            field=field,
        ) from error
