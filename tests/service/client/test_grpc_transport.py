"""Calls that cross a real gRPC connection."""

import os
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from google.protobuf.message import Message

from hyperbo_service.client import Client, GrpcTransport, MockTransport, Study
from hyperbo_service.errors import (
    ERRORS_BY_REASON,
    DeadlineError,
    InternalError,
    PreconditionError,
    ServiceError,
    UnauthenticatedError,
    UnavailableError,
)
from hyperbo_service.rpc.v1 import prior_service_pb2 as priors
from hyperbo_service.rpc.v1 import tuning_service_pb2 as tuning
from tests.service.client.fake_server import Arrivals, serve
from tests.service.client.support import POINTS, SPACE, Time

GET = tuning.GetStudyRequest(name="projects/default/studies/none")


@pytest.fixture
def arrivals() -> Arrivals:
    """What arrives at the server."""
    return Arrivals()


@pytest.fixture
def address(mock: MockTransport, arrivals: Arrivals) -> Iterator[str]:
    """Address of a server with the mock behind it."""
    with serve(mock, arrivals=arrivals) as address:
        yield address


@pytest.fixture
def transport(address: str) -> Iterator[GrpcTransport]:
    """A transport to it."""
    transport = GrpcTransport(address)
    yield transport
    transport.close()


@pytest.fixture
def remote(address: str, time: Time) -> Iterator[Study]:
    """A study behind a real connection."""
    with Client(address, clock=time.clock) as client:
        yield client.study("digits", space=SPACE, metric="accuracy", goal="maximize")


def test_loop(remote: Study) -> None:
    """A whole study runs over the wire."""
    for trial in remote.trials():
        with trial:
            for step in range(3):
                trial.report(step / trial.number, step=step)

    assert remote.info().trial_counts["completed"] == len(POINTS)
    assert len(remote.trial(1).measurements) == 3
    assert len(remote.export().trials) == len(POINTS)


@pytest.mark.parametrize("kind", ERRORS_BY_REASON.values(), ids=lambda kind: kind.reason)
def test_errors_come_back(
    transport: GrpcTransport, mock: MockTransport, kind: type[ServiceError]
) -> None:
    """Every error of the server is raised again, with its text, field, resource and pause."""
    sent = kind("what, wanted, remedy", field="study.space", resource="x", retry_after=1.5)
    mock.fail_next(sent)
    with pytest.raises(ServiceError) as caught:
        transport.call("GetStudy", GET, timeout=5.0)

    assert type(caught.value) is kind
    assert str(caught.value) == str(sent)
    for name in ("field", "resource", "retry_after"):
        assert getattr(caught.value, name) == getattr(sent, name)


def test_retry_bears_the_same_request_id(
    remote: Study, mock: MockTransport, arrivals: Arrivals
) -> None:
    """A report whose answer was lost arrives twice with one id, and counts once."""
    trial = remote.ask()
    mock.fail_next(UnavailableError("gone"), method="ReportMeasurement", after=True)
    trial.report(0.5)

    first, second = arrivals.requests("ReportMeasurement")
    assert first.request_id == second.request_id
    assert remote.trial(trial.number).measurement_count == 1


def test_deadline() -> None:
    """A server that does not answer in time is given up on."""
    silent = Silent()
    with serve(silent) as address, Client(address) as client:
        with pytest.raises(DeadlineError, match="did not answer GetStudy in time"):
            client.transport.call("GetStudy", GET, timeout=0.05)
        silent.ended.set()


class Silent(MockTransport):
    """A service that hangs until the test is over."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = threading.Event()

    def call(self, method: str, request: Message, *, timeout: float | None = None) -> Message:
        """Wait."""
        del method, request, timeout
        self.ended.wait()
        raise InternalError("late")


def test_no_server(time: Time) -> None:
    """Where no server answers until patience is over, the error says how to start one."""
    client = Client("localhost:1", clock=time.clock, patience=20.0)
    with pytest.raises(UnavailableError, match=r"No server answers at localhost:1 .*hyperbo serve"):
        client.study("digits")

    assert time.now > 10.0
    client.close()


def test_server_that_starts_late(mock: MockTransport, time: Time) -> None:
    """A client that comes before its server waits for it."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    with ExitStack() as stack:
        sleep = time.sleep

        def start(seconds: float) -> None:
            sleep(seconds)
            if len(time.sleeps) == 3:
                stack.enter_context(serve(mock, address=f"localhost:{port}"))

        time.clock.sleep = start
        client = stack.enter_context(Client(f"localhost:{port}", clock=time.clock, patience=1e9))
        study = client.study("digits", space=SPACE, metric="accuracy", goal="maximize")

        assert study.ask().number == 1
        assert len(time.sleeps) >= 3


def test_replicas(mock: MockTransport, time: Time) -> None:
    """Where the replica that a client uses is gone, another answers."""
    replicas = [(ExitStack(), Arrivals()) for _ in range(2)]
    addresses = [
        stack.enter_context(serve(mock, address="127.0.0.1:0", arrivals=arrivals))
        for stack, arrivals in replicas
    ]
    target = ",".join(address.replace("localhost", "127.0.0.1") for address in addresses)
    with Client(f"ipv4:{target}", clock=time.clock, patience=1e9) as client:
        study = client.study("digits", space=SPACE, metric="accuracy", goal="maximize")
        used, spare = sorted(replicas, key=lambda replica: not replica[1].calls)
        used[0].close()
        study.tell(POINTS[0], 0.5)
    spare[0].close()

    assert used[1].methods() == ["CreateStudy"]
    assert spare[1].methods() == ["CreateTrial"]


def test_token_is_sent(address: str, arrivals: Arrivals) -> None:
    """The token goes along as a bearer token."""
    with Client(address, token="secret") as client:  # noqa: S106 - a test's
        list(client.studies())

    assert arrivals.calls[0][2]["authorization"] == "Bearer secret"


def test_large_message(remote: Study) -> None:
    """Messages beyond gRPC's own limit of 4 MiB arrive."""
    trial = remote.ask()
    trial.report(0.5)
    reason = "x" * 4000
    remote.import_trials(
        {"parameters": POINTS[0], "state": "failed", "reason": f"{number}{reason}"}
        for number in range(1500)
    )

    assert len(remote.export().trials) == 1501


def test_priors(mock: MockTransport, arrivals: Arrivals) -> None:
    """A prior goes up in chunks after its header, and comes down whole."""
    registry = Registry()
    with serve(registry, arrivals=arrivals) as address, Client(address) as client:
        manifest, weights = b"{}" * 10, b"w" * 2_500_000
        record = client.upload_prior("toy", manifest, weights)
        files = client.download_prior("toy@1")

    assert record.reference == "toy@1"
    assert files == (manifest, weights)
    parts: Any = arrivals.calls[0][1]
    assert [part.WhichOneof("part") for part in parts] == [
        "header",
        "manifest_chunk",
        "weights_chunk",
        "weights_chunk",
        "weights_chunk",
    ]
    assert mock.calls == []


class Registry(MockTransport):
    """A registry of one prior."""

    def upload(
        self, method: str, requests: Iterable[Message], *, timeout: float | None = None
    ) -> Message:
        """Keep the parts."""
        del method, timeout
        self.parts = [each for each in requests if isinstance(each, priors.UploadPriorRequest)]
        return priors.Prior(name="projects/default/priors/toy@1")

    def stream(
        self, method: str, request: Message, *, timeout: float | None = None
    ) -> Iterator[Message]:
        """Give them back."""
        del method, request, timeout
        for part in self.parts[1:]:
            yield priors.DownloadPriorResponse(
                manifest_chunk=part.manifest_chunk or None,
                weights_chunk=part.weights_chunk or None,
            )


def test_closed_client(address: str) -> None:
    """A closed client says so, and closing twice is harmless."""
    client = Client(address)
    list(client.studies())
    client.close()
    client.close()
    with pytest.raises(PreconditionError, match="closed"):
        list(client.studies())


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_after_a_fork(remote: Study, time: Time) -> None:
    """In a child process the client asks under an id of its own, and holds nothing yet."""
    held = remote.ask()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            trial = remote.ask()
            trial.complete(0.5)
            os.write(writer, f"{trial.number} {remote.trial(trial.number).client_id}".encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        number, client_id = pipe.read().split()
    os.waitpid(child, 0)

    assert int(number) == held.number + 1
    assert client_id != remote.trial(held.number).client_id
    assert held.complete(0.5).state == "completed"
    assert time.sleeps == []


class Authority:
    """Signs certificates for localhost."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = datetime.now(UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(self.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self.key, hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM)
        )
        self.private_key = self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


def test_tls_with_a_token(mock: MockTransport, arrivals: Arrivals) -> None:
    """Over TLS the server is authenticated, and the token goes along."""
    authority = Authority()
    credentials = grpc.ssl_server_credentials([(authority.private_key, authority.certificate)])
    with (
        serve(mock, credentials, arrivals=arrivals) as address,
        Client(address, token="x", root_certificates=authority.certificate) as client,  # noqa: S106
    ):
        assert list(client.studies()) == []
    assert arrivals.calls[0][2]["authorization"] == "Bearer x"


def test_mutual_tls(mock: MockTransport) -> None:
    """A server that wants a certificate gets the client's; without one it is refused."""
    authority = Authority()
    credentials = grpc.ssl_server_credentials(
        [(authority.private_key, authority.certificate)],
        authority.certificate,
        require_client_auth=True,
    )
    with serve(mock, credentials) as address:
        with Client(
            address,
            root_certificates=authority.certificate,
            private_key=authority.private_key,
            certificate_chain=authority.certificate,
        ) as client:
            assert list(client.studies()) == []
        stranger = Client(address, root_certificates=authority.certificate, patience=0.0)
        with pytest.raises(ServiceError):
            list(stranger.studies())
        stranger.close()


def test_untrusted_server(mock: MockTransport, time: Time) -> None:
    """A server whose certificate is not trusted is not asked again and again."""
    authority = Authority()
    credentials = grpc.ssl_server_credentials([(authority.private_key, authority.certificate)])
    with serve(mock, credentials) as address:
        client = Client(address, root_certificates=Authority().certificate, clock=time.clock)
        with pytest.raises(UnauthenticatedError, match="root_certificates"):
            list(client.studies())
        client.close()
    assert time.sleeps == []


def test_watch_is_cancelled_with_its_loop(remote: Study) -> None:
    """Leaving a watch early closes its stream."""
    for change in remote.watch():
        assert change.study is not None
        break
