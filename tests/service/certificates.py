"""Certificates made for a test: an authority, a server, clients, and what is wrong with some."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

_YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Certificates:
    """What a server and its clients may be given.

    Attributes:
        authority: Certificate that `server`, `client` and the expired ones are signed by.
        server: For 127.0.0.1 and localhost.
        expired_server: The same, a year too old.
        client: A client's.
        expired_client: A client's, a year too old.
        stranger: A client's, signed by another authority.
        locked_key: The server's key, under a password.
    """

    authority: Path
    server: Pair
    expired_server: Pair
    client: Pair
    expired_client: Pair
    stranger: Pair
    locked_key: Path


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Made once for a session; nothing but these tests trusts them."""
    folder = tmp_path_factory.mktemp("certificates")
    ours, other = _Authority(folder, "ours"), _Authority(folder, "other")
    server = ours.issue("server")
    locked = folder / "locked.key"
    key = ec.generate_private_key(ec.SECP256R1())
    locked.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    )
    return Certificates(
        authority=folder / "ours.pem",
        server=server,
        expired_server=ours.issue("expired-server", ended=True),
        client=ours.issue("client"),
        expired_client=ours.issue("expired-client", ended=True),
        stranger=other.issue("stranger"),
        locked_key=locked,
    )


class _Authority:
    """Signs certificates."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        public = self._key.public_key()
        certificate = (
            _builder(self._name, self._name, public, datetime.now(UTC))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        (folder / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))

    def issue(self, name: str, *, ended: bool = False) -> Pair:
        """A pair for this machine; one that has ended did so a year ago."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        begin = datetime.now(UTC) - (2 * _YEAR if ended else timedelta())
        names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
        certificate = (
            _builder(subject, self._name, key.public_key(), begin)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        pair = Pair(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        pair.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
        pair.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return pair


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, begin: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin - timedelta(hours=1))
        .not_valid_after(begin + _YEAR)
    )
