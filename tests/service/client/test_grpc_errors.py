"""Status codes and details as errors."""

import grpc
import pytest

from hyperbo_service.client.grpc_errors import error_of
from hyperbo_service.errors import (
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

Code = grpc.StatusCode


class Broken(grpc.RpcError):
    """A call that failed by a bare status code."""

    def __init__(self, code: Code, text: str = "bare", details: bytes = b"") -> None:
        super().__init__(text)
        self._code, self._text, self._details = code, text, details

    def code(self) -> Code:
        """The code."""
        return self._code

    def details(self) -> str:
        """The text."""
        return self._text

    def trailing_metadata(self) -> tuple[tuple[str, bytes], ...]:  # type: ignore[override]  # its stub knows no pairs
        """The rich details."""
        return (("grpc-status-details-bin", self._details),) if self._details else ()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (Code.INVALID_ARGUMENT, InvalidArgumentError),
        (Code.OUT_OF_RANGE, InvalidArgumentError),
        (Code.NOT_FOUND, NotFoundError),
        (Code.ALREADY_EXISTS, AlreadyExistsError),
        (Code.FAILED_PRECONDITION, PreconditionError),
        (Code.UNAUTHENTICATED, UnauthenticatedError),
        (Code.PERMISSION_DENIED, PermissionDeniedError),
        (Code.RESOURCE_EXHAUSTED, UnavailableError),
        (Code.UNAVAILABLE, UnavailableError),
        (Code.ABORTED, UnavailableError),
        (Code.CANCELLED, UnavailableError),
        (Code.DEADLINE_EXCEEDED, DeadlineError),
        (Code.UNIMPLEMENTED, UnsupportedError),
        (Code.DATA_LOSS, PriorUnusableError),
        (Code.UNKNOWN, InternalError),
        (Code.INTERNAL, InternalError),
    ],
)
def test_code_without_details(code: Code, kind: type[ServiceError]) -> None:
    """Where nobody explained, e.g. as a proxy refused the call, the status code decides."""
    error = error_of(Broken(code), "host:1", "GetStudy")

    assert type(error) is kind
    assert "host:1" in str(error)


def test_message_above_a_limit() -> None:
    """A message that gRPC itself finds too large is not sent again and again."""
    text = "Received message larger than max (5 vs. 4)"
    error = error_of(Broken(Code.RESOURCE_EXHAUSTED, text), "host:1", "GetStudy")

    assert type(error) is TooLargeError


def test_details_that_cannot_be_read() -> None:
    """Details that are no message leave the status code standing."""
    error = error_of(Broken(Code.NOT_FOUND, details=b"\xff\xff"), "host:1", "GetStudy")

    assert type(error) is NotFoundError
