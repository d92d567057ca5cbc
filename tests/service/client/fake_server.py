"""A real gRPC server over any transport: what a client sends, arrives there."""

from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from hyperbo_service.client import Transport
from hyperbo_service.errors import ServiceError
from hyperbo_service.rpc.methods import METHODS, SERVICES, Method


class Arrivals:
    """What arrived at a server: methods, requests and metadata, in order."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Message, dict[str, str]]] = []

    def methods(self) -> list[str]:
        """Names of the methods."""
        return [name for name, _, _ in self.calls]

    def requests(self, method: str) -> list[Any]:
        """Requests of one method."""
        return [request for name, request, _ in self.calls if name == method]


@contextmanager
def serve(
    transport: Transport,
    credentials: grpc.ServerCredentials | None = None,
    address: str = "localhost:0",
    arrivals: Arrivals | None = None,
) -> Iterator[str]:
    """Serve what a transport answers; gives the address."""
    server = grpc.server(futures.ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
    for service in SERVICES:
        handlers = {
            method.name: _handler(method, transport, arrivals or Arrivals())
            for method in METHODS.values()
            if method.path.startswith(f"/{service}/")
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    if credentials is None:
        port = server.add_insecure_port(address)
    else:
        port = server.add_secure_port(address, credentials)
    server.start()
    try:
        yield f"localhost:{port}"
    finally:
        server.stop(None).wait()


def status_of(error: ServiceError) -> grpc.Status:
    """An error as the service writes it: a status with rich details."""
    details: list[Message] = [
        error_details_pb2.ErrorInfo(
            domain="hyperbo", reason=error.reason, metadata={"resource": error.resource}
        )
    ]
    if error.field:
        violation = error_details_pb2.BadRequest.FieldViolation(field=error.field)
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    if error.retry_after is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(round(error.retry_after * 1000))
        details.append(retry)
    packed = []
    for detail in details:
        box = AnyMessage()
        box.Pack(detail)
        packed.append(box)
    code = grpc.StatusCode[error.code].value[0]
    return rpc_status.to_status(status_pb2.Status(code=code, message=str(error), details=packed))


def _handler(method: Method, transport: Transport, arrivals: Arrivals) -> Any:
    def note(request: Any, context: grpc.ServicerContext) -> None:
        entries = {key: str(value) for key, value in context.invocation_metadata()}
        arrivals.calls.append((method.name, request, entries))

    def unary(request: Any, context: grpc.ServicerContext) -> Message:
        if method.takes_stream:
            request = list(request)
        note(request, context)
        carry = transport.upload if method.takes_stream else transport.call
        try:
            return carry(method.name, request, timeout=None)
        except ServiceError as error:
            context.abort_with_status(status_of(error))
            raise

    def stream(request: Any, context: grpc.ServicerContext) -> Iterator[Message]:
        note(request, context)
        try:
            yield from transport.stream(method.name, request, timeout=None)
        except ServiceError as error:
            context.abort_with_status(status_of(error))

    serializers = (method.request.FromString, method.response.SerializeToString)
    if method.takes_stream:
        return grpc.stream_unary_rpc_method_handler(unary, *serializers)
    if method.gives_stream:
        return grpc.unary_stream_rpc_method_handler(stream, *serializers)
    return grpc.unary_unary_rpc_method_handler(unary, *serializers)
