"""The table of methods of both services, read from the generated descriptors."""

from dataclasses import dataclass

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from hyperbo_service.rpc.v1 import prior_service_pb2, tuning_service_pb2


@dataclass(frozen=True, slots=True)
class Method:
    """One method of a service.

    Attributes:
        name: E.g. `SuggestTrials`.
        path: E.g. `/hyperbo.v1.TuningService/SuggestTrials`.
        request: Class of its requests.
        response: Class of its responses.
        takes_stream: Whether it takes a stream of requests.
        gives_stream: Whether it gives a stream of responses.
    """

    name: str
    path: str
    request: type[Message]
    response: type[Message]
    takes_stream: bool
    gives_stream: bool

    @property
    def is_mutating(self) -> bool:
        """Whether its calls carry a request id."""
        return self.takes_stream or "request_id" in self.request.DESCRIPTOR.fields_by_name


_FILES = (tuning_service_pb2.DESCRIPTOR, prior_service_pb2.DESCRIPTOR)

SERVICES = tuple(service.full_name for file in _FILES for service in file.services_by_name.values())
"""Full names of the services."""

METHODS = {
    method.name: Method(
        method.name,
        f"/{service.full_name}/{method.name}",
        GetMessageClass(method.input_type),
        GetMessageClass(method.output_type),
        method.client_streaming,
        method.server_streaming,
    )
    for file in _FILES
    for service in file.services_by_name.values()
    for method in service.methods
}
"""Methods by name; no two services share one."""
