"""Every error of the service and its client, as one tree.

HyperBOError
├── CommandError                a command was asked for what it cannot do
│   ├── UnknownNameError            a name that stands for nothing
│   ├── SettingError                a server's setting is unknown, malformed or unsafe
│   └── TrialsFileError             a file of trials that cannot be used
└── ServiceError                a call was refused, or could not be carried out
    ├── InvalidArgumentError        a field is malformed or outside its limits
    │   └── OutsideSpaceError           a configuration that the study's space does not admit
    ├── UnsupportedError            the wire has room for it, but it is not built yet
    ├── NotFoundError
    ├── AlreadyExistsError
    │   └── StudyDiffersError           a study of that name has another space or metric
    ├── PreconditionError           the call does not fit the state things are in
    │   ├── IllegalMoveError            e.g. completing a trial that has failed
    │   ├── LeaseLostError              the trial was handed to another meanwhile
    │   ├── StepOrderError              a measurement not after the last one
    │   ├── StudyClosedError            the study gives no suggestions
    │   └── RequestReusedError          another call bore the same request id
    ├── UnauthenticatedError        no token, or not a valid one
    ├── PermissionDeniedError       the token does not reach so far
    ├── RateLimitedError            too many calls; the error says how long to wait
    ├── TooLargeError               a message above the limit
    ├── PriorUnusableError          a stored prior that is damaged or of a newer release
    ├── UnavailableError            the server or its database cannot be reached just now
    ├── DeadlineError               the answer did not come in time
    └── InternalError               a fault of ours

The server raises them, an interceptor writes them as gRPC status with rich details, and the client
raises the same ones again.
"""

from collections.abc import Iterator
from typing import ClassVar

from hyperbo.errors import HyperBOError


class CommandError(HyperBOError):
    """A command's arguments contradict each other, or what they speak of."""


class UnknownNameError(CommandError):
    """A name that stands for nothing; the message says which names there are."""


class SettingError(CommandError):
    """A server's setting is unknown, malformed, or does not go with another."""


class TrialsFileError(CommandError):
    """A file of trials that is missing, not in its layout, or holds values that cannot be used."""


class ServiceError(HyperBOError):
    """A call was refused or could not be carried out; nothing was changed.

    Attributes:
        code: Name of the gRPC status code.
        reason: Constant that tells this kind of error, in capitals.
        field: The request's field that is at fault, e.g. `trial.parameters`; empty if none is.
        resource: Name of the resource concerned; empty if none is.
        retry_after: Seconds to wait before the call may succeed; None if waiting does not help.
    """

    code: ClassVar[str] = "INTERNAL"
    reason: ClassVar[str] = "INTERNAL"

    def __init__(
        self,
        message: str,
        *,
        field: str = "",
        resource: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.field = field
        self.resource = resource
        self.retry_after = retry_after


class InvalidArgumentError(ServiceError):
    """A field is malformed, missing or outside its limits."""

    code, reason = "INVALID_ARGUMENT", "INVALID_ARGUMENT"


class OutsideSpaceError(InvalidArgumentError):
    """A configuration is not one that the study's search space admits."""

    reason = "OUTSIDE_SPACE"


class UnsupportedError(ServiceError):
    """The messages have room for it, but this release does not do it."""

    code, reason = "UNIMPLEMENTED", "UNSUPPORTED"


class NotFoundError(ServiceError):
    """There is no such study, trial or prior."""

    code, reason = "NOT_FOUND", "NOT_FOUND"


class AlreadyExistsError(ServiceError):
    """A study of that name exists."""

    code, reason = "ALREADY_EXISTS", "ALREADY_EXISTS"


class StudyDiffersError(AlreadyExistsError):
    """A study of that name exists, with another search space, metric or constraint."""

    reason = "STUDY_DIFFERS"


class PreconditionError(ServiceError):
    """The call does not fit the state that the study or trial is in."""

    code, reason = "FAILED_PRECONDITION", "PRECONDITION"


class IllegalMoveError(PreconditionError):
    """The trial or study cannot go from its state to the one asked for."""

    reason = "ILLEGAL_MOVE"


class LeaseLostError(PreconditionError):
    """The fencing token is not the trial's current one: it was handed to another meanwhile."""

    reason = "LEASE_LOST"


class StepOrderError(PreconditionError):
    """A measurement's step is not after the trial's last one."""

    reason = "STEP_ORDER"


class StudyClosedError(PreconditionError):
    """The study is completed or paused."""

    reason = "STUDY_CLOSED"


class RequestReusedError(PreconditionError):
    """Another call bore the same request id."""

    reason = "REQUEST_ID_REUSED"


class UnauthenticatedError(ServiceError):
    """The call bears no token, or not a valid one."""

    code, reason = "UNAUTHENTICATED", "UNAUTHENTICATED"


class PermissionDeniedError(ServiceError):
    """The token does not allow this call, or not in this project."""

    code, reason = "PERMISSION_DENIED", "PERMISSION_DENIED"


class RateLimitedError(ServiceError):
    """The token has used up its calls for now."""

    code, reason = "RESOURCE_EXHAUSTED", "RATE_LIMITED"


class TooLargeError(ServiceError):
    """A message, or what it describes, is above the limit."""

    code, reason = "RESOURCE_EXHAUSTED", "TOO_LARGE"


class PriorUnusableError(ServiceError):
    """A stored prior is damaged, or in a format that only a newer release reads."""

    code, reason = "DATA_LOSS", "PRIOR_UNUSABLE"


class UnavailableError(ServiceError):
    """The server or its database cannot be reached just now; the call may be tried again."""

    code, reason = "UNAVAILABLE", "UNAVAILABLE"


class DeadlineError(ServiceError):
    """The answer did not come in time; the call may have been carried out all the same."""

    code, reason = "DEADLINE_EXCEEDED", "DEADLINE"


class InternalError(ServiceError):
    """A fault of HyperBO."""


def _below(kind: type[ServiceError]) -> Iterator[type[ServiceError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _below(each)


ERRORS_BY_REASON = {kind.reason: kind for kind in _below(ServiceError)}
"""What the client raises for each reason that a server gives."""
