"""What gRPC reports, as the errors that the server raised."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2
from grpc import RpcError, StatusCode

from hyperbo_service.errors import (
    ERRORS_BY_REASON,
    AlreadyExistsError,
    DeadlineError,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionError,
    PriorUnusableError,
    ServiceError,
    TooLargeError,
    UnauthenticatedError,
    UnavailableError,
    UnsupportedError,
)

DOMAIN = "hyperbo"
"""Domain of the reasons that the server gives."""

_DETAILS = "grpc-status-details-bin"
_BY_CODE: dict[StatusCode, type[ServiceError]] = {
    StatusCode.INVALID_ARGUMENT: InvalidArgumentError,
    StatusCode.OUT_OF_RANGE: InvalidArgumentError,
    StatusCode.NOT_FOUND: NotFoundError,
    StatusCode.ALREADY_EXISTS: AlreadyExistsError,
    StatusCode.FAILED_PRECONDITION: PreconditionError,
    StatusCode.UNAUTHENTICATED: UnauthenticatedError,
    StatusCode.PERMISSION_DENIED: PermissionDeniedError,
    StatusCode.RESOURCE_EXHAUSTED: TooLargeError,
    StatusCode.UNAVAILABLE: UnavailableError,
    # A transaction that lost against another, and a call that the server broke off: both were not
    # carried out, or bear a request id.
    StatusCode.ABORTED: UnavailableError,
    StatusCode.CANCELLED: UnavailableError,
    StatusCode.DEADLINE_EXCEEDED: DeadlineError,
    StatusCode.UNIMPLEMENTED: UnsupportedError,
    StatusCode.DATA_LOSS: PriorUnusableError,
}
# How gRPC says that a message is too large; else it has too much to do.
_SIZE = ("larger than max", "too large")
_DISTRUST = ("CERTIFICATE_VERIFY_FAILED", "WRONG_VERSION_NUMBER", "certificate required")


class _Details:
    """The rich details of a status, as far as they are there."""

    def __init__(self, status: status_pb2.Status) -> None:
        self.reason = self.field = self.resource = ""
        self.retry_after: float | None = None
        info, request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        retry, resource = error_details_pb2.RetryInfo(), error_details_pb2.ResourceInfo()
        for detail in status.details:
            if detail.Unpack(info) and info.domain == DOMAIN:
                self.reason = info.reason
                self.resource = self.resource or info.metadata.get("resource", "")
            elif detail.Unpack(request) and request.field_violations:
                self.field = request.field_violations[0].field
            elif detail.Unpack(retry):
                self.retry_after = retry.retry_delay.ToTimedelta().total_seconds()
            elif detail.Unpack(resource):
                self.resource = resource.resource_name


def error_of(error: RpcError, target: str, method: str) -> ServiceError:
    """The error that a failed call stands for."""
    code, text = error.code(), error.details() or ""
    details = _Details(_status(error))
    kind = ERRORS_BY_REASON.get(details.reason) or _BY_CODE.get(code, InternalError)
    if not details.reason:
        kind, text = _explained(kind, code, text, target, method)
    return kind(
        text,
        field=details.field,
        resource=details.resource,
        retry_after=details.retry_after,
    )


def _explained(
    kind: type[ServiceError], code: StatusCode, text: str, target: str, method: str
) -> tuple[type[ServiceError], str]:
    """The kind of an error that no server of ours explained, and a text that does."""
    if code is StatusCode.RESOURCE_EXHAUSTED and not any(sign in text for sign in _SIZE):
        return UnavailableError, f"{target} has more calls than it takes at once: {text}"
    if code is StatusCode.UNAVAILABLE and any(sign in text for sign in _DISTRUST):
        return UnauthenticatedError, (
            f"No secure connection to {target}: {text}. Check whether the server uses TLS, and "
            "give root_certificates of who signed its certificate."
        )
    if code is StatusCode.UNAVAILABLE:
        return kind, f"No server answers at {target} ({text}); start one with `hyperbo serve`."
    if code is StatusCode.DEADLINE_EXCEEDED:
        return kind, f"{target} did not answer {method} in time."
    if code is StatusCode.UNIMPLEMENTED:
        return kind, f"The server at {target} does not know {method}; it may be of another release."
    return kind, f"{method} at {target}: {text or code.name}"


def _status(error: RpcError) -> status_pb2.Status:
    status = status_pb2.Status()
    # gRPC's own type of an entry does not know that it is a pair.
    entries: Iterable[Any] = error.trailing_metadata() or ()
    for key, value in entries:
        if key == _DETAILS and isinstance(value, bytes):
            return _parsed(status, value)
    return status


def _parsed(status: status_pb2.Status, value: bytes) -> status_pb2.Status:
    try:
        message: Message = status
        message.ParseFromString(value)
    except DecodeError:
        # Not ours to read; the status code stands without details.
        return status_pb2.Status()
    return status
