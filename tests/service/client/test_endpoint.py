"""Addresses and credentials."""

from pathlib import Path

import pytest

from hyperbo_service.client import Client, Endpoint, GrpcTransport
from hyperbo_service.errors import InvalidArgumentError


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of whoever runs the tests do not count."""
    monkeypatch.delenv("HYPERBO_SERVER", raising=False)
    monkeypatch.delenv("HYPERBO_TOKEN", raising=False)


@pytest.mark.parametrize(
    ("given", "target"),
    [
        (None, "localhost:8080"),
        ("host", "host:8080"),
        ("host:1234", "host:1234"),
        ("grpc://host:1234", "host:1234"),
        ("http://host/", "host:8080"),
        ("grpcs://host", "host:8080"),
        ("[::1]", "[::1]:8080"),
        ("[::1]:1234", "[::1]:1234"),
        ("unix:/run/hyperbo.sock", "unix:/run/hyperbo.sock"),
        ("dns:///host:1234", "dns:///host:1234"),
    ],
)
def test_targets(given: str | None, target: str) -> None:
    """An address may bear a scheme, and lack its port."""
    assert Endpoint(given).target == target


@pytest.mark.parametrize("given", ["host:1/path", "user@host", "a b", "http://"])
def test_malformed_target(given: str) -> None:
    """What is no address is refused."""
    with pytest.raises(InvalidArgumentError, match="wanted host:port"):
        Endpoint(given)


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Server and token come from the environment where they are not given."""
    monkeypatch.setenv("HYPERBO_SERVER", "grpcs://tuning.example.org")
    monkeypatch.setenv("HYPERBO_TOKEN", "from-environment")

    assert Endpoint().target == "tuning.example.org:8080"
    assert Endpoint().token == "from-environment"  # noqa: S105 - a test's
    assert Endpoint("localhost", token="given").token == "given"  # noqa: S105, S106 - a test's


@pytest.mark.parametrize(
    ("target", "is_loopback"),
    [
        ("localhost:1", True),
        ("LOCALHOST:1", True),
        ("127.0.0.1:1", True),
        ("127.8.9.1:1", True),
        ("[::1]:1", True),
        ("unix:/x", True),
        ("127.evil.example:1", False),
        ("localhost.evil.example:1", False),
        ("10.0.0.1:1", False),
        ("[::2]:1", False),
        ("dns:///127.0.0.1:1", True),
        ("dns:localhost:1", True),
        ("ipv4:127.0.0.1:1,127.0.0.1:2", True),
        ("ipv4:127.0.0.1:1,10.0.0.1:2", False),
        ("ipv6:[::1]:1", True),
    ],
)
def test_loopback(target: str, is_loopback: bool) -> None:  # noqa: FBT001 - a table's column
    """Only this machine's own addresses are loopback, not names that look alike."""
    assert Endpoint(target).is_loopback is is_loopback


def test_token_in_clear() -> None:
    """A token does not go over the network in clear unless that is allowed in so many words."""
    with pytest.raises(InvalidArgumentError, match="in clear"):
        Client("tuning.example.org", token="secret")  # noqa: S106 - a test's
    for allowed in (
        Endpoint("tuning.example.org", token="secret", insecure=True),  # noqa: S106 - a test's
        Endpoint("grpcs://tuning.example.org", token="secret"),  # noqa: S106 - a test's
        Endpoint("tuning.example.org", token="secret", tls=True),  # noqa: S106 - a test's
        Endpoint("localhost", token="secret"),  # noqa: S106 - a test's
    ):
        assert allowed.token == "secret"  # noqa: S105 - a test's


def test_token_of_the_environment_in_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule holds for a token of the environment too."""
    monkeypatch.setenv("HYPERBO_TOKEN", "secret")
    with pytest.raises(InvalidArgumentError, match="in clear"):
        GrpcTransport("tuning.example.org")


def test_certificates_mean_tls(tmp_path: Path) -> None:
    """Certificates are given by path, as bytes or as text, and switch TLS on."""
    pem = "-----BEGIN CERTIFICATE-----\n"
    path = tmp_path / "ca.pem"
    path.write_text(pem)
    for given in (path, str(path), pem, pem.encode()):
        endpoint = Endpoint("host", root_certificates=given)
        assert endpoint.is_secure
        assert endpoint.root_certificates == pem.encode()


def test_missing_certificate() -> None:
    """A certificate that cannot be read is named."""
    with pytest.raises(InvalidArgumentError, match="root_certificates cannot be read"):
        Endpoint("host", root_certificates="/nowhere/ca.pem")


def test_contradictions() -> None:
    """TLS cannot be switched off where it is asked for, and a key needs its certificate."""
    with pytest.raises(InvalidArgumentError, match="tls is False"):
        Endpoint("grpcs://host", tls=False)
    with pytest.raises(InvalidArgumentError, match="one is missing"):
        Endpoint("host", private_key=b"key")
