"""Sends spans to an OpenTelemetry collector; needs the extra `telemetry`."""

from collections.abc import Callable

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def start_tracing(endpoint: str) -> Callable[[], None]:
    """Send all spans of this process to a collector.

    Args:
        endpoint: Where the collector takes OTLP over gRPC, e.g. `http://localhost:4317`; `https`
            for TLS.

    Returns:
        Sends what is left, and stops.
    """
    provider = TracerProvider(resource=Resource.create({"service.name": "hyperbo"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    trace.set_tracer_provider(provider)
    return provider.shutdown
