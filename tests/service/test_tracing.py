"""Spans: what is recorded of a call, and that nothing is where nobody collects."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1 import (
    trace_service_pb2,
    trace_service_pb2_grpc,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from hyperbo_service.errors import NotFoundError
from hyperbo_service.telemetry import start_tracing
from hyperbo_service.tracing import span

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """Collects the spans of one test."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    yield exporter
    provider.shutdown()


def test_a_span_lies_below_the_callers(collected: InMemorySpanExporter) -> None:
    """The caller's `traceparent` becomes the parent; the rest of the metadata stays out."""
    carrier = {"traceparent": f"00-{TRACE}-{PARENT}-01", "authorization": "Bearer hbo_secret"}
    with span("hyperbo.v1/GetStudy", carrier):
        pass

    (found,) = collected.get_finished_spans()
    assert found.name == "hyperbo.v1/GetStudy"
    assert found.kind is SpanKind.SERVER
    assert found.parent is not None
    assert (found.parent.trace_id, found.parent.span_id) == (int(TRACE, 16), int(PARENT, 16))
    assert "hbo_secret" not in found.to_json()


def test_a_refusal_marks_the_span(collected: InMemorySpanExporter) -> None:
    """A refused call's span says why, without a stack trace, and the error goes on."""
    with pytest.raises(NotFoundError), span("hyperbo.v1/GetStudy", {}):
        raise NotFoundError("There is none.")

    (found,) = collected.get_finished_spans()
    assert found.status.status_code is StatusCode.ERROR
    assert found.status.description == "NOT_FOUND: There is none."
    assert not found.events


def test_a_fault_is_recorded(collected: InMemorySpanExporter) -> None:
    """A fault's span holds the stack trace."""
    with pytest.raises(ZeroDivisionError), span("hyperbo.v1/GetStudy", {}):
        raise ZeroDivisionError

    (found,) = collected.get_finished_spans()
    assert [event.name for event in found.events] == ["exception"]


def test_nothing_is_made_where_nobody_collects() -> None:
    """Without a provider the span is one object that does nothing, the same for every call."""
    assert span("a", {}) is span("b", {"traceparent": f"00-{TRACE}-{PARENT}-01"})


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """A collector that keeps the names of what it is sent."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def Export(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 - gRPC calls it so
        """Take spans."""
        self.names += [
            each.name
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for each in scope.spans
        ]
        return trace_service_pb2.ExportTraceServiceResponse()


def test_spans_reach_a_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopping sends what was not sent yet."""
    monkeypatch.setattr(
        trace, "set_tracer_provider", lambda p: monkeypatch.setattr(trace, "_TRACER_PROVIDER", p)
    )
    collector = Collector()
    server = grpc.server(ThreadPoolExecutor(1))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()

    stop = start_tracing(f"http://127.0.0.1:{port}")
    with span("hyperbo.v1/GetStudy", {}):
        pass
    stop()
    server.stop(None).wait()

    assert collector.names == ["hyperbo.v1/GetStudy"]
