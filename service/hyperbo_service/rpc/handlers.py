"""Handlers: what gRPC runs for each call, and the one place where errors become status codes."""

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from hyperbo_service.errors import InternalError, InvalidArgumentError, ServiceError
from hyperbo_service.rpc.api import Api, parse
from hyperbo_service.rpc.calls import Asker
from hyperbo_service.rpc.methods import METHODS, Method

DOMAIN = "hyperbo"

_LOG = logging.getLogger("hyperbo.calls")


class Admission(Protocol):
    """Says who may call what."""

    def admit(self, method: str, token: str | None, project: str | None, size: int) -> Any:
        """Who calls, as an object with a `principal` and a limit of size, `check_size(bytes)`.

        Raises:
            ServiceError: If the call is refused.
        """


class Observation(Protocol):
    """Is told of every call."""

    def on_call(self, method: str, code: str, seconds: float) -> None:
        """One call has ended."""


class Handlers(grpc.GenericRpcHandler):
    """Answers every call of both services.

    Args:
        api: The methods.
        admission: Says who may call what.
        observation: Is told of every call.
        span: Opens a trace's span, given a name and the call's metadata.
    """

    def __init__(
        self,
        api: Api,
        admission: Admission,
        observation: Observation,
        span: Callable[[str, dict[str, str]], Any],
    ) -> None:
        self._api = api
        self._admission = admission
        self._observation = observation
        self._span = span
        self._handlers = {method.path: self._handler(method) for method in METHODS.values()}

    def service(self, handler_call_details: Any) -> Any:
        """The handler of a call; None if there is no such method."""
        return self._handlers.get(handler_call_details.method)

    def _handler(self, method: Method) -> Any:
        if method.takes_stream:
            return grpc.stream_unary_rpc_method_handler(
                lambda requests, context: self._upload(method, requests, context)
            )
        if method.gives_stream:
            return grpc.unary_stream_rpc_method_handler(
                lambda request, context: self._stream(method, request, context)
            )
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: self._call(method, request, context)
        )

    def _call(self, method: Method, content: bytes, context: Any) -> bytes:
        with _Handling(self, method, context) as handling:
            request, asker = handling.admit(content)
            return self._api.call(method.name, request, asker)
        raise AssertionError  # handling never swallows an error

    def _stream(self, method: Method, content: bytes, context: Any) -> Iterator[bytes]:
        with _Handling(self, method, context) as handling:
            request, asker = handling.admit(content)
            for answer in self._api.stream(method.name, request, asker):
                if not asker.is_listening():
                    return
                yield answer

    def _upload(self, method: Method, contents: Iterator[bytes], context: Any) -> bytes:
        with _Handling(self, method, context) as handling:
            first = next(contents, None)
            if first is None:
                raise InvalidArgumentError("The upload is empty; send the header first.")
            request, asker = handling.admit(first)
            return self._api.upload(method.name, handling.rest(request, contents), asker)
        raise AssertionError  # handling never swallows an error


class _Handling:
    """One call from its beginning to its end, whatever that is."""

    def __init__(self, handlers: Handlers, method: Method, context: Any) -> None:
        self._handlers = handlers
        self._method = method
        self._context = context
        self._metadata = {
            key: value for key, value in context.invocation_metadata() if isinstance(value, str)
        }
        self._span = handlers._span(f"hyperbo.v1/{method.name}", self._metadata)  # noqa: SLF001
        self._began = time.perf_counter()
        self._facts: dict[str, Any] = {"method": method.name}
        self._caller: Any = None

    def __enter__(self) -> "_Handling":
        self._span.__enter__()
        return self

    def admit(self, content: bytes) -> tuple[Message, Asker]:
        """The request, and who asks it.

        Who may not call at all is told so, and not that the request is malformed.

        Raises:
            ServiceError: If the call is refused, or the request is no such message.
        """
        try:
            request = parse(self._method.name, content)
        except InvalidArgumentError:
            self._caller = self._admitted("", len(content))
            raise
        resource = _resource(request)
        self._facts["resource"] = resource[:255]
        self._facts["request_id"] = getattr(request, "request_id", "")
        self._caller = self._admitted(resource, len(content))
        return request, Asker(self._caller.principal, self._context.is_active)

    def _admitted(self, resource: str, size: int) -> Any:
        caller = self._handlers._admission.admit(  # noqa: SLF001
            self._method.name, _token(self._metadata), _project(resource), size
        )
        self._facts["principal"] = caller.principal
        return caller

    def rest(self, first: Message, contents: Iterator[bytes]) -> Iterator[Message]:
        """The requests of a stream, the first of which was admitted.

        Raises:
            grpc.RpcError: If the client breaks the stream off.
        """
        yield first
        for content in contents:
            self._caller.check_size(len(content))
            yield parse(self._method.name, content)
        # A stream that is broken off may end like one that is complete.
        if not self._context.is_active():
            raise grpc.RpcError

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        seconds = time.perf_counter() - self._began
        refused = error
        if isinstance(error, Exception) and not isinstance(error, ServiceError | grpc.RpcError):
            _LOG.error("fault", exc_info=error, extra={"facts": self._facts})
            refused = InternalError(
                "A fault of HyperBO; the server's log has it. Please report it."
            )
        code = refused.code if isinstance(refused, ServiceError) else "OK"
        if isinstance(error, grpc.RpcError):
            code = "CANCELLED"  # the client broke its upload off
        self._span.__exit__(kind, error, trace)
        self._handlers._observation.on_call(self._method.name, code, seconds)  # noqa: SLF001
        self._log(code, seconds, refused)
        if isinstance(refused, ServiceError):
            self._context.abort_with_status(rpc_status.to_status(status_of(refused)))

    def _log(self, code: str, seconds: float, error: BaseException | None) -> None:
        level = logging.DEBUG if error is None else logging.INFO
        if not _LOG.isEnabledFor(level):
            return
        facts = self._facts | {"code": code, "milliseconds": round(seconds * 1e3, 2)}
        if error is not None:
            facts["error"] = str(error)
        _LOG.log(level, "call", extra={"facts": facts})


def status_of(error: ServiceError) -> Status:
    """An error as a status with rich details."""
    message = _shortened(str(error))
    status = Status(code=grpc.StatusCode[error.code].value[0], message=message)
    parts: list[Message] = [details.ErrorInfo(reason=error.reason, domain=DOMAIN)]
    if error.field:
        violation = details.BadRequest.FieldViolation(field=error.field, description=message)
        parts.append(details.BadRequest(field_violations=[violation]))
    if error.resource:
        parts.append(details.ResourceInfo(resource_name=error.resource[:_LONGEST_RESOURCE]))
    if error.retry_after is not None:
        delay = Duration()
        delay.FromNanoseconds(int(error.retry_after * 1e9))
        parts.append(details.RetryInfo(retry_delay=delay))
    for part in parts:
        packed = AnyMessage()
        packed.Pack(part)
        status.details.append(packed)
    return status


_LONGEST_MESSAGE = 1500
"""Bytes; status and details travel in headers, which gRPC keeps to 8 KiB together."""

_LONGEST_RESOURCE = 255


def _shortened(text: str) -> str:
    """As much of a text as a header holds, where all but ASCII takes three bytes for each byte."""
    if len(text) <= _LONGEST_MESSAGE // 12:
        return text
    taken = 0
    for place, character in enumerate(text):
        taken += 1 if " " <= character <= "~" and character != "%" else 3 * len(character.encode())
        if taken > _LONGEST_MESSAGE:
            return f"{text[:place]}..."
    return text


def _resource(request: Any) -> str:
    """The name that a request speaks of."""
    for path in ("name", "parent", "study.name", "header.parent"):
        part = request
        for field in path.split("."):
            part = getattr(part, field, "")
        if part:
            return str(part)
    return ""


def _project(resource: str) -> str | None:
    parts = resource.split("/")
    return parts[1] if len(parts) > 1 and parts[0] == "projects" else None


def _token(metadata: dict[str, str]) -> str | None:
    text = metadata.get("authorization")
    if text is None:
        return None
    kind, _, token = text.partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""
