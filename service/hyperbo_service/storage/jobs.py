"""Jobs: changes that wait for a writer, and what becomes of them."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from hyperbo_service.domain import Call, Lease, Measurement
from hyperbo_service.storage.base import Writer


class Outcome:
    """What becomes of a change; one waits for it. A bare lock wakes sooner than a future."""

    __slots__ = ("_answer", "_error", "_settled")

    def __init__(self) -> None:
        self._settled = threading.Lock()
        self._settled.acquire()
        self._answer = b""
        self._error: Exception | None = None

    def set_result(self, answer: bytes) -> None:
        """It was made."""
        self._answer = answer
        self._settled.release()

    def set_exception(self, error: Exception) -> None:
        """It was not."""
        self._error = error
        self._settled.release()

    def result(self) -> bytes:
        """The answer, once there is one.

        Raises:
            Exception: The one it ended with.
        """
        self._settled.acquire()
        if self._error is not None:
            raise self._error
        return self._answer


@dataclass(slots=True, eq=False)
class Job:
    """A change that waits to be made.

    Attributes:
        call: What it is remembered by; None if it is not remembered.
        work: Makes the change.
        extension: A point of a learning curve, which is added together with others if it can be.
        encode: The answer then.
    """

    call: Call | None
    work: Callable[[Writer], bytes]
    extension: tuple[Lease, Measurement] | None = None
    encode: Callable[[int, datetime], bytes] = lambda count, now: b""  # noqa: ARG005
    outcome: Outcome = field(default_factory=Outcome)

    @property
    def identity(self) -> tuple[str, str] | None:
        """What no other call bears; None if it is not remembered."""
        return None if self.call is None else (self.call.project, self.call.request_id)
