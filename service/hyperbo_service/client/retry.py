"""When a call that failed is tried again, and after what pause."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from hyperbo_service.errors import (
    DeadlineError,
    RateLimitedError,
    ServiceError,
    UnavailableError,
)

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 10.0
PATIENCE = 300.0
"""Seconds for which a call is tried again by default, counted from its first failure."""


class Clock:
    """Time, sleep and chance, so that a test can hand in its own.

    Attributes:
        now: Seconds on a clock that never goes back.
        sleep: Waits so many seconds.
        chance: A number from 0 to 1.
    """

    __slots__ = ("chance", "now", "sleep")

    def __init__(
        self,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = lambda: int.from_bytes(os.urandom(4), "big") / 2**32,
    ) -> None:
        self.now = now
        self.sleep = sleep
        self.chance = chance


SYSTEM_CLOCK = Clock()


class Attempts:
    """The attempts at one call.

    Between two of them lies a pause drawn from 0 to a bound, which doubles each time from 0.1 s to
    10 s, so that many clients do not come back all at once. All calls may be repeated: those that
    change something bear a request id, and the server answers a repetition as it did at first.
    """

    def __init__(self, patience: float, clock: Clock) -> None:
        self._patience = patience
        self._clock = clock
        self._count = 0
        self._first_failure = 0.0

    def pause(self, error: ServiceError) -> float:
        """Seconds to wait after a failure until the next attempt.

        Raises:
            ServiceError: The failure itself, if another attempt is of no use or patience is over.
        """
        now = self._clock.now()
        if self._count == 0:
            self._first_failure = now
        self._count += 1
        if not is_passing(error):
            raise error
        bound = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self._count - 1, 20))
        pause = bound * self._clock.chance() + (error.retry_after or 0.0)
        waited = now - self._first_failure
        if waited + pause > self._patience:
            if self._count > 1:
                error.add_note(f"Tried {self._count} times in {waited:.0f} s.")
            raise error
        return pause


def is_passing(error: ServiceError) -> bool:
    """Whether the same call may succeed later."""
    if isinstance(error, RateLimitedError):
        return error.retry_after is not None
    return isinstance(error, UnavailableError | DeadlineError)
