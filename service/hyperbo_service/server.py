"""The gRPC server: threads, limits, TLS, health, reflection, and an orderly end."""

import logging
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import FrameType
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from hyperbo_service.config import ServerConfig
from hyperbo_service.credentials import server_credentials
from hyperbo_service.errors import CommandError
from hyperbo_service.rpc.methods import SERVICES

_LOG = logging.getLogger("hyperbo.server")
_MOST_WAITING = 4096
_EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - only compared with


class Server:
    """Answers calls from `start` to `stop`.

    Args:
        config: Where to listen, and within what limits.
        handlers: Answer the calls.
        end_streams: Ends streams that would otherwise go on for ever; called when it stops.

    Raises:
        CommandError: If the port is taken, or the address is not one of this machine.
        SettingError: If a certificate or key cannot be used.
    """

    def __init__(
        self,
        config: ServerConfig,
        handlers: Sequence[grpc.GenericRpcHandler],
        end_streams: Callable[[], None] = lambda: None,
    ) -> None:
        credentials = server_credentials(config)
        self._config = config
        self._end_streams = end_streams
        self._pool = CountingPool(config.threads)
        self._health = _Health()
        self._is_stopped = threading.Event()
        self._lock = threading.Lock()
        self._server = grpc.server(
            self._pool,
            handlers=list(handlers),
            options=_options(config),
            maximum_concurrent_rpcs=config.threads + _MOST_WAITING,
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection(
            (*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server
        )
        self._port = self._bind(credentials)

    @property
    def port(self) -> int:
        """Where it listens, also if any port would do."""
        return self._port

    @property
    def address(self) -> str:
        """Where a client on this machine finds it: `host:port`."""
        host = self._config.host.strip("[]")
        host = "localhost" if host in _EVERYWHERE else host
        return f"[{host}]:{self._port}" if ":" in host else f"{host}:{self._port}"

    @property
    def running(self) -> int:
        """Number of calls that run."""
        return self._pool.running

    @property
    def waiting(self) -> int:
        """Number of calls that wait for a thread."""
        return self._pool.waiting

    def start(self) -> None:
        """Take calls."""
        self._server.start()
        for service in ("", *SERVICES):
            self._health.set(service, health_pb2.HealthCheckResponse.SERVING)

    def stop(self, seconds: float | None = None) -> None:
        """Take no more calls, let running ones end, and cancel those that do not; idempotent.

        Args:
            seconds: How long they may take; None for `drain_seconds`.
        """
        with self._lock:
            if self._is_stopped.is_set():
                return
            self._health.end()
            grace = self._config.drain_seconds if seconds is None else seconds
            stopping = self._server.stop(grace)
            self._end_streams()
            stopping.wait()
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._is_stopped.set()

    def _bind(self, credentials: grpc.ServerCredentials | None) -> int:
        host, port = self._config.host.strip("[]"), self._config.port
        _check_free(host, port)
        target = f"[{host or '::'}]:{port}" if ":" in (host or ":") else f"{host}:{port}"
        try:
            if credentials is None:
                return self._server.add_insecure_port(target)
            return self._server.add_secure_port(target, credentials)
        except RuntimeError as error:
            raise CommandError(_not_bound(host, port, str(error))) from error


def wait_for_signal() -> str:
    """Wait until the process is told to end, by SIGTERM or Ctrl-C; a second one ends it at once.

    Returns:
        The signal's name.
    """
    told = threading.Event()
    names: list[str] = []

    def on_signal(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        names.append(signal.Signals(number).name)
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, signal.SIG_DFL)
        told.set()

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, on_signal)
    told.wait()
    return names[0]


class _Health(health.HealthServicer):
    """Answers health checks."""

    # The base class's own, of which its type stubs do not know.
    _lock: Any
    _send_response_callbacks: Any

    def end(self) -> None:
        """Say to everybody that the server does not serve, and end what watches it."""
        self.enter_graceful_shutdown()
        with self._lock:
            watches = [each for some in self._send_response_callbacks.values() for each in some]
        for respond in watches:
            respond(None)


class CountingPool(ThreadPoolExecutor):
    """Threads that answer calls; knows how many run and how many wait.

    Args:
        threads: How many calls may run at once.
    """

    def __init__(self, threads: int) -> None:
        super().__init__(threads, thread_name_prefix="hyperbo-call")
        self._counting = threading.Lock()
        self.running = 0
        self.waiting = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Run a function when a thread is free."""

        def counted() -> Any:
            with self._counting:
                self.waiting -= 1
                self.running += 1
            try:
                return fn(*args, **kwargs)
            finally:
                with self._counting:
                    self.running -= 1

        with self._counting:
            self.waiting += 1
        try:
            return super().submit(counted)
        except BaseException:
            with self._counting:
                self.waiting -= 1
            raise


def _options(config: ServerConfig) -> list[tuple[str, int]]:
    limit = config.max_message_bytes
    return [
        ("grpc.max_receive_message_length", limit),
        ("grpc.max_send_message_length", limit),
        # A second server on the same port must fail, not take every other call.
        ("grpc.so_reuseport", 0),
        # Clients that wait for news may ask whether the line still stands, and so does the server.
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
    ]


def _check_free(host: str, port: int) -> None:
    """Refuse a taken port before gRPC tries: its own error names no cause, and is logged twice."""
    if not port:
        return
    kind = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(_not_bound(host, port, error.strerror or str(error))) from error


def _not_bound(host: str, port: int, why: str) -> str:
    return (
        f"Cannot listen on {host}:{port}: {why}. If another program has the port, perhaps another "
        "`hyperbo serve`, choose a free one: --port 0 takes any."
    )
