"""A whole server in one process: database, API, gate, metrics and the port, opened and closed."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta

import grpc

from hyperbo.registry import Registry
from hyperbo_service.app import Backend, Observers, open_backend
from hyperbo_service.auth import Gate, OpenGate, TokenGate
from hyperbo_service.config import ServerConfig
from hyperbo_service.domain import Clock, utc_now
from hyperbo_service.home import database_of, registry_of
from hyperbo_service.metrics import Metrics, MetricsServer, serve_metrics
from hyperbo_service.rpc.api import Limits
from hyperbo_service.rpc.handlers import Handlers
from hyperbo_service.server import Server
from hyperbo_service.tracing import span

_LOG = logging.getLogger("hyperbo.server")


@dataclass(frozen=True)
class Serving:
    """A server that takes calls.

    Attributes:
        server: What listens.
        backend: What answers.
        metrics: What it counts.
        metrics_server: Where Prometheus finds that; None if nowhere.
    """

    server: Server
    backend: Backend
    metrics: Metrics
    metrics_server: MetricsServer | None


@contextmanager
def serving(
    config: ServerConfig,
    clock: Clock = utc_now,
    extra: Sequence[grpc.GenericRpcHandler] = (),
) -> Iterator[Serving]:
    """Serve while the block runs; then let running calls end, and close everything.

    Args:
        config: Every setting.
        clock: Says what time it is.
        extra: Answer calls of other services on the same port.

    Raises:
        SettingError: If a certificate or key cannot be used.
        CommandError: If a port is taken.
        ServiceError: If the database cannot be opened.
    """
    with ExitStack() as closing:
        metrics = Metrics()
        backend = open_backend(
            database_of(config),
            registry=Registry(registry_of(config)),
            limits=Limits(timedelta(seconds=config.default_lease), config.max_watchers),
            observers=Observers(metrics.on_suggested, metrics.on_expired),
            clock=clock,
        )
        closing.callback(backend.close)
        handlers = Handlers(backend.api, _gate(config, backend, clock), metrics, span)
        server = Server(config, (handlers, *extra), backend.api.close)
        closing.callback(server.stop)
        metrics.watch_calls(lambda: server.running, lambda: server.waiting)
        metrics.watch_changes(lambda: backend.store.waiting)
        metrics.watch_priors(lambda: backend.strategies.hits, lambda: backend.strategies.misses)
        shown = None
        if config.metrics_port is not None:
            shown = serve_metrics(metrics, config.metrics_port, config.metrics_host)
            closing.callback(shown.close)
        server.start()
        _LOG.info("started", extra={"facts": {"address": server.address}})
        closing.callback(_LOG.info, "stopping")
        yield Serving(server, backend, metrics, shown)
    _LOG.info("stopped")


def _gate(config: ServerConfig, backend: Backend, clock: Clock) -> Gate:
    if not config.needs_tokens:
        return OpenGate(largest_message=config.max_message_bytes)
    return TokenGate(
        backend.store,
        clock,
        calls_per_second=config.calls_per_second,
        largest_message=config.max_message_bytes,
    )
