"""The gRPC server: where it listens, whom it trusts, what it limits, and how it ends."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from hyperbo_service.config import ServerConfig
from hyperbo_service.credentials import server_credentials
from hyperbo_service.errors import CommandError, SettingError
from hyperbo_service.rpc.methods import METHODS, SERVICES
from hyperbo_service.server import CountingPool, Server
from tests.service.certificates import Certificates, Pair

PATH = METHODS["GetStudy"].path
ANY_PORT = ServerConfig(port=0, threads=4, max_watchers=0, drain_seconds=60.0)
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Echo(grpc.GenericRpcHandler):
    """Answers one method with its own request, after `work`."""

    def __init__(self, work: Callable[[], object] = lambda: None) -> None:
        self.work = work

    def service(self, handler_call_details: Any) -> Any:
        """The handler of that method."""
        if handler_call_details.method != PATH:
            return None

        def answer(request: bytes, context: Any) -> bytes:  # noqa: ARG001
            self.work()
            return request

        return grpc.unary_unary_rpc_method_handler(answer)


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    """Starts servers that are stopped after the test."""
    servers: list[Server] = []

    def started(config: ServerConfig = ANY_PORT, handlers: Any = None, **more: Any) -> Server:
        server = Server(config, (handlers or Echo(),), **more)
        servers.append(server)
        server.start()
        return server

    yield started
    for server in servers:
        server.stop(0.0)


def _call(channel: grpc.Channel, content: bytes = b"x", timeout: float = 20.0) -> Any:
    return channel.unary_unary(PATH)(content, timeout=timeout)


def _refused(server: Server, credentials: grpc.ChannelCredentials | None) -> grpc.StatusCode:
    """The status of a call that must fail."""
    target = f"127.0.0.1:{server.port}"
    channel = (
        grpc.insecure_channel(target)
        if credentials is None
        else grpc.secure_channel(target, credentials)
    )
    with channel, pytest.raises(grpc.RpcError) as failed:
        _call(channel, timeout=5.0)
    code: grpc.StatusCode = failed.value.code()  # type: ignore[attr-defined]
    return code


def _client(authority: Path | None = None, pair: Pair | None = None) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(
        authority.read_bytes() if authority else None,
        pair.key.read_bytes() if pair else None,
        pair.certificate.read_bytes() if pair else None,
    )


def _with_tls(pair: Pair, authority: Path | None = None) -> ServerConfig:
    return replace(
        ANY_PORT,
        tls_certificate=pair.certificate,
        tls_key=pair.key,
        tls_client_authority=authority,
    )


def test_answers_on_the_port_that_it_reports(start: Callable[..., Server]) -> None:
    """Port 0 takes a free one, which the server tells."""
    server = start()

    assert server.address == f"127.0.0.1:{server.port}"
    with grpc.insecure_channel(server.address) as channel:
        assert _call(channel, b"hello") == b"hello"


def test_a_taken_port_is_a_clear_error(start: Callable[..., Server]) -> None:
    """A second server on the same port is refused; it does not share the port."""
    port = start().port

    with pytest.raises(CommandError, match=rf"127\.0\.0\.1:{port}: .*in use.*--port 0"):
        Server(replace(ANY_PORT, port=port), (Echo(),))


def test_another_machines_address_is_a_clear_error() -> None:
    """An address that is not this machine's is refused."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    with pytest.raises(CommandError, match=r"192\.0\.2\.1"):
        Server(replace(ANY_PORT, host="192.0.2.1", port=port), (Echo(),))


@pytest.mark.parametrize(
    ("host", "shown"), [("localhost", "localhost"), ("0.0.0.0", "localhost")]  # noqa: S104
)  # fmt: skip
def test_the_address_is_one_to_connect_to(host: str, shown: str) -> None:
    """Where every address is listened on, a client on this machine is told `localhost`."""
    server = Server(replace(ANY_PORT, host=host), (Echo(),))

    assert server.address == f"{shown}:{server.port}"
    server.stop(0.0)


def test_health_is_told_for_each_service(start: Callable[..., Server]) -> None:
    """A started server serves, as a whole and by service; others it does not know."""
    with grpc.insecure_channel(start().address) as channel:
        check = health_pb2_grpc.HealthStub(channel).Check  # type: ignore[no-untyped-call]
        for service in ("", *SERVICES):
            assert check(health_pb2.HealthCheckRequest(service=service)).status == SERVING
        with pytest.raises(grpc.RpcError):
            check(health_pb2.HealthCheckRequest(service="other"))


def test_reflection_lists_the_services(start: Callable[..., Server]) -> None:
    """A tool without our files finds every service and method."""
    with grpc.insecure_channel(start().address) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        listed = set(database.get_services())
        files = [database.FindFileContainingSymbol(service) for service in SERVICES]

    assert {*SERVICES, "grpc.health.v1.Health"} <= listed
    methods = {m.name for f in files for s in f.service for m in s.method}
    assert methods == set(METHODS)


def test_a_large_message_is_refused(start: Callable[..., Server]) -> None:
    """A message above the limit is refused before anything reads it."""
    server = start(replace(ANY_PORT, max_message_bytes=65536))

    with grpc.insecure_channel(server.address) as channel:
        assert _call(channel, b"x" * 60000)
        with pytest.raises(grpc.RpcError) as failed:
            _call(channel, b"x" * 70000)
    assert failed.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED  # type: ignore[attr-defined]


def test_tls(start: Callable[..., Server], certificates: Certificates) -> None:
    """A client that trusts the authority gets through; one that does not, or in clear, does not."""
    server = start(_with_tls(certificates.server))

    with grpc.secure_channel(server.address, _client(certificates.authority)) as channel:
        assert _call(channel) == b"x"
    assert _refused(server, _client()) is grpc.StatusCode.UNAVAILABLE
    assert _refused(server, None) is grpc.StatusCode.UNAVAILABLE


def test_an_expired_server_is_not_trusted(
    start: Callable[..., Server], certificates: Certificates
) -> None:
    """A client refuses a server whose certificate has expired."""
    server = start(_with_tls(certificates.expired_server))

    assert _refused(server, _client(certificates.authority)) is grpc.StatusCode.UNAVAILABLE


def test_mutual_tls(start: Callable[..., Server], certificates: Certificates) -> None:
    """Only a client with a valid certificate of the named authority gets through."""
    authority = certificates.authority
    server = start(_with_tls(certificates.server, authority))

    with grpc.secure_channel(server.address, _client(authority, certificates.client)) as channel:
        assert _call(channel) == b"x"
    for pair in (None, certificates.expired_client, certificates.stranger):
        assert _refused(server, _client(authority, pair)) is grpc.StatusCode.UNAVAILABLE


def test_files_that_cannot_be_used_are_named(certificates: Certificates, tmp_path: Path) -> None:
    """Each thing that can be wrong with a certificate's or key's file has its own words."""
    server, client = certificates.server, certificates.client
    damaged = tmp_path / "damaged.pem"
    damaged.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    not_pem = tmp_path / "not.pem"
    not_pem.write_bytes(b"\x30\x82\x00")
    key = server.key
    cases: list[tuple[Path, Path, Path | None, str]] = [
        (tmp_path / "none.pem", key, None, "tls_certificate is .*none.pem.*cannot be read"),
        (tmp_path, key, None, "tls_certificate .*cannot be read"),
        (not_pem, key, None, "tls_certificate .*no PEM file of a certificate"),
        (key, key, None, "tls_certificate .*no PEM file of a certificate"),
        (damaged, key, None, "cannot be set up"),
        (server.certificate, server.certificate, None, "tls_key .*no PEM file of a private key"),
        (server.certificate, client.key, None, "does not belong to the certificate"),
        (server.certificate, certificates.locked_key, None, "protected by a password"),
        (server.certificate, key, tmp_path / "no.pem", "tls_client_authority .*cannot be read"),
        (server.certificate, key, damaged, "tls_client_authority .*no certificate"),
    ]
    for certificate, private, authority, said in cases:
        config = replace(_with_tls(Pair(certificate, private), authority))
        with pytest.raises(SettingError, match=said):
            server_credentials(config)


def test_running_calls_end_before_the_server_does(start: Callable[..., Server]) -> None:
    """While it stops, a call that runs gets its answer, a new one none, and health says so."""
    is_running, may_end = threading.Event(), threading.Event()
    ended: list[str] = []

    def work() -> None:
        is_running.set()
        may_end.wait(20.0)

    server = start(handlers=Echo(work), end_streams=lambda: ended.append("streams"))
    with grpc.insecure_channel(server.address) as channel, ThreadPoolExecutor(2) as pool:
        watch = health_pb2_grpc.HealthStub(channel).Watch(  # type: ignore[no-untyped-call]
            health_pb2.HealthCheckRequest(), timeout=20.0
        )
        assert next(watch).status == SERVING
        call = pool.submit(_call, channel)
        is_running.wait(20.0)
        stopping = pool.submit(server.stop)
        assert next(watch).status == NOT_SERVING
        assert list(watch) == []
        # A call that arrives just as the line is closed is cancelled, or waits for the server's
        # end; all of them may be repeated.
        assert _refused(server, None) in (
            grpc.StatusCode.UNAVAILABLE,
            grpc.StatusCode.CANCELLED,
            grpc.StatusCode.DEADLINE_EXCEEDED,
        )
        assert not stopping.done()
        may_end.set()
        assert call.result(20.0) == b"x"
        stopping.result(20.0)
    server.stop()
    assert ended == ["streams"]


def test_a_call_that_does_not_end_is_cut_off(start: Callable[..., Server]) -> None:
    """After its time to end, a call is cancelled, and the server stops all the same."""
    is_running, may_end = threading.Event(), threading.Event()

    def work() -> None:
        is_running.set()
        may_end.wait(20.0)

    server = start(handlers=Echo(work))
    with grpc.insecure_channel(server.address) as channel, ThreadPoolExecutor(1) as pool:
        call = pool.submit(_call, channel)
        is_running.wait(20.0)
        server.stop(0.0)
        with pytest.raises(grpc.RpcError):
            call.result(20.0)
        may_end.set()


def test_calls_are_counted_while_they_run_and_wait() -> None:
    """One call has the only thread, the other waits; in the end there is none."""
    pool = CountingPool(1)
    is_running, may_end = threading.Event(), threading.Event()

    def work() -> None:
        is_running.set()
        may_end.wait(20.0)

    first, second = pool.submit(work), pool.submit(lambda: None)
    is_running.wait(20.0)
    assert (pool.running, pool.waiting) == (1, 1)
    may_end.set()
    first.result(20.0)
    second.result(20.0)
    pool.shutdown()
    assert (pool.running, pool.waiting) == (0, 0)
    with pytest.raises(RuntimeError):
        pool.submit(work)
    assert pool.waiting == 0
