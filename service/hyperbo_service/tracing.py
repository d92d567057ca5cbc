"""OpenTelemetry spans: one for each call, below the caller's own, if anybody collects them."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext

from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind, StatusCode

from hyperbo_service.errors import ServiceError

_NOTHING: AbstractContextManager[None] = nullcontext()


def span(name: str, carrier: Mapping[str, str]) -> AbstractContextManager[None]:
    """A span around what happens inside; costs next to nothing if nobody collects spans.

    Args:
        name: What is done, e.g. `hyperbo.v1/GetStudy`.
        carrier: The call's metadata, which may name the caller's span (`traceparent`).
    """
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return _NOTHING
    return _recorded(name, carrier)


@contextmanager
def _recorded(name: str, carrier: Mapping[str, str]) -> Iterator[None]:
    service, _, method = name.rpartition("/")
    with trace.get_tracer("hyperbo").start_as_current_span(
        name,
        context=propagate.extract(carrier),
        kind=SpanKind.SERVER,
        attributes={"rpc.system": "grpc", "rpc.service": service, "rpc.method": method},
        record_exception=False,
        set_status_on_exception=False,
    ) as recorded:
        try:
            yield
        except ServiceError as error:
            recorded.set_status(StatusCode.ERROR, f"{error.code}: {error}")
            raise
        except Exception as error:
            recorded.record_exception(error)
            recorded.set_status(StatusCode.ERROR, "INTERNAL")
            raise
