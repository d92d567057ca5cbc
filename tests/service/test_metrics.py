"""The figures that Prometheus finds."""

import socket
import urllib.error
import urllib.request

import pytest

from hyperbo_service.errors import CommandError
from hyperbo_service.metrics import Metrics, serve_metrics


def test_calls_are_counted_by_method_and_code() -> None:
    """Seconds add up for each method and code apart."""
    metrics = Metrics()
    metrics.on_call("GetStudy", "OK", 0.25)
    metrics.on_call("GetStudy", "OK", 0.5)
    metrics.on_call("GetStudy", "NOT_FOUND", 1.0)

    def value(name: str, code: str) -> float | None:
        labels = {"method": "GetStudy", "code": code}
        return metrics.registry.get_sample_value(f"hyperbo_call_seconds_{name}", labels)

    assert (value("count", "OK"), value("sum", "OK")) == (2.0, 0.75)
    assert (value("count", "NOT_FOUND"), value("sum", "NOT_FOUND")) == (1.0, 1.0)


def test_suggestions_and_expiries_are_counted() -> None:
    """The core's seconds, the points it made and the leases that expired add up."""
    metrics = Metrics()
    metrics.on_suggested(0.5, 3)
    metrics.on_suggested(0.25, 1)
    metrics.on_expired(2)

    value = metrics.registry.get_sample_value
    assert value("hyperbo_suggestion_core_seconds_sum") == 0.75
    assert value("hyperbo_suggested_points_total") == 4.0
    assert value("hyperbo_lease_expiries_total") == 2.0


def test_what_others_know_is_asked_when_somebody_looks() -> None:
    """Queues and caches are read at the moment of looking, not when they were registered."""
    metrics = Metrics()
    numbers = {"running": 0, "waiting": 0, "changes": 0, "hits": 0, "misses": 0}
    metrics.watch_calls(lambda: numbers["running"], lambda: numbers["waiting"])
    metrics.watch_changes(lambda: numbers["changes"])
    metrics.watch_priors(lambda: numbers["hits"], lambda: numbers["misses"])

    numbers |= {"running": 1, "waiting": 2, "changes": 3, "hits": 4, "misses": 5}

    value = metrics.registry.get_sample_value
    assert value("hyperbo_calls_running") == 1.0
    assert value("hyperbo_calls_waiting") == 2.0
    assert value("hyperbo_changes_waiting") == 3.0
    assert value("hyperbo_prior_cache_total", {"outcome": "hit"}) == 4.0
    assert value("hyperbo_prior_cache_total", {"outcome": "miss"}) == 5.0


def test_two_servers_in_one_process_count_apart() -> None:
    """What one server counts, the other does not."""
    metrics, other = Metrics(), Metrics()
    metrics.on_expired(1)

    assert other.registry.get_sample_value("hyperbo_lease_expiries_total") == 0.0


def test_served_until_closed() -> None:
    """Prometheus reads the figures by HTTP; after closing, nobody listens any more."""
    metrics = Metrics()
    metrics.on_call("GetStudy", "OK", 0.5)
    server = serve_metrics(metrics, 0)
    address = f"http://127.0.0.1:{server.port}/metrics"

    with urllib.request.urlopen(address) as answer:
        text = answer.read().decode()
    server.close()

    assert 'hyperbo_call_seconds_count{code="OK",method="GetStudy"} 1.0' in text
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address)


def test_a_taken_port_is_a_clear_error() -> None:
    """A port that another program listens on is refused with the setting to change."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=rf"{port}.*metrics_port"):
            serve_metrics(Metrics(), port)
