"""Figures for Prometheus: how long calls and suggestions take, what waits, what was at hand."""

import threading
from collections.abc import Callable, Iterator
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from hyperbo_service.errors import CommandError

_CALL_BUCKETS = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0
)  # fmt: skip
_CORE_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """What a server counts; every server has its own, so that several fit into one process.

    Attributes:
        registry: Where Prometheus finds the figures.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._calls = Histogram(
            "hyperbo_call_seconds",
            "Seconds from a call's arrival to its answer.",
            ("method", "code"),
            buckets=_CALL_BUCKETS,
            registry=self.registry,
        )
        self._core = Histogram(
            "hyperbo_suggestion_core_seconds",
            "Seconds that the core took for a batch of points.",
            buckets=_CORE_BUCKETS,
            registry=self.registry,
        )
        self._points = Counter(
            "hyperbo_suggested_points", "Points that the core has made.", registry=self.registry
        )
        self._expired = Counter(
            "hyperbo_lease_expiries",
            "Trials that were handed out again after their lease had expired.",
            registry=self.registry,
        )

    def on_call(self, method: str, code: str, seconds: float) -> None:
        """Count a call that has ended.

        Args:
            method: Name of the method.
            code: Name of the gRPC status code.
            seconds: How long it took.
        """
        self._calls.labels(method, code).observe(seconds)

    def on_suggested(self, seconds: float, count: int) -> None:
        """Count a batch of points.

        Args:
            seconds: How long the core took.
            count: How many points it made.
        """
        self._core.observe(seconds)
        self._points.inc(count)

    def on_expired(self, count: int) -> None:
        """Count trials whose lease had expired when they were handed out again."""
        self._expired.inc(count)

    def watch_calls(self, running: Callable[[], int], waiting: Callable[[], int]) -> None:
        """Show how many calls run, and how many wait for a thread, whenever somebody looks."""
        self._watch("hyperbo_calls_running", "Calls that run now.", running)
        self._watch("hyperbo_calls_waiting", "Calls that wait for a thread.", waiting)

    def watch_changes(self, waiting: Callable[[], int]) -> None:
        """Show how many changes wait to be written to the database."""
        self._watch("hyperbo_changes_waiting", "Changes that wait to be written.", waiting)

    def watch_priors(self, hits: Callable[[], int], misses: Callable[[], int]) -> None:
        """Show how often a prior was at hand, and how often it had to be loaded."""
        self.registry.register(_LoadedPriors(hits, misses))

    def _watch(self, name: str, meaning: str, number: Callable[[], int]) -> None:
        Gauge(name, meaning, registry=self.registry).set_function(number)


class _LoadedPriors(Collector):
    """Counters that others keep."""

    def __init__(self, hits: Callable[[], int], misses: Callable[[], int]) -> None:
        self._numbers = {"hit": hits, "miss": misses}

    def collect(self) -> Iterator[Metric]:
        """The counters as they stand."""
        family = CounterMetricFamily(
            "hyperbo_prior_cache",
            "Uses of a prior, by whether it was in memory.",
            labels=("outcome",),
        )
        for outcome, number in self._numbers.items():
            family.add_metric((outcome,), number())
        yield family


class MetricsServer:
    """Answers Prometheus over HTTP until it is closed.

    Attributes:
        port: Where it listens.
    """

    def __init__(self, server: WSGIServer, thread: threading.Thread) -> None:
        self.port = server.server_port
        self._server = server
        self._thread = thread

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def serve_metrics(metrics: Metrics, port: int, host: str = "127.0.0.1") -> MetricsServer:
    """Answer Prometheus at `http://{host}:{port}/metrics`.

    Args:
        metrics: The figures.
        port: Where to listen; 0 for any free port.
        host: On which address.

    Raises:
        CommandError: If the port is taken, or the address is not one of this machine.
    """
    try:
        server, thread = start_http_server(port, host, metrics.registry)
    except OSError as error:
        raise CommandError(
            f"Cannot serve metrics on {host}:{port}: {error.strerror or error}. Choose another "
            "metrics_port."
        ) from error
    return MetricsServer(server, thread)
