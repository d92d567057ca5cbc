"""Transactions: where use cases run, with the time that it is."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from hyperbo_service.domain import Call, Clock, Lease, Measurement
from hyperbo_service.storage import Reader, Store, Writer

Result = TypeVar("Result")


class Transactions:
    """Runs use cases on a store.

    Args:
        store: The database.
        clock: Says what time it is.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def now(self) -> datetime:
        """The present moment."""
        return self._clock()

    def read(self, question: Callable[[Reader], Result]) -> Result:
        """What a question finds in one consistent view of the data.

        Raises:
            UnavailableError: If the database cannot be reached.
        """
        with self._store.read() as reader:
            return question(reader)

    def change(
        self,
        call: Call,
        use_case: Callable[[Writer, datetime], Result],
        encode: Callable[[Result], bytes],
    ) -> bytes:
        """The answer to a call: the first one, if it was made before.

        Args:
            call: The call.
            use_case: Makes the change; it may run more than once.
            encode: Turns its result into the answer.

        Raises:
            RequestReusedError: If the request id belongs to another call.
            UnavailableError: If the database cannot be reached.
        """
        return self._store.transact(call, lambda writer: encode(use_case(writer, self._clock())))

    def extend(
        self,
        call: Call,
        lease: Lease,
        measurement: Measurement,
        encode: Callable[[int, datetime], bytes],
        otherwise: Callable[[Writer, datetime], bytes],
    ) -> bytes:
        """The answer to a report under a known lease.

        Args:
            call: The call.
            lease: The lease.
            measurement: The new point of the trial's curve.
            encode: Turns the number of points, and the end of the lease, into the answer.
            otherwise: Makes the change, or refuses it, where it does not simply continue the curve.

        Raises:
            ServiceError: As `change`.
        """
        return self._store.extend(
            call,
            (lease, measurement),
            lambda count, now: encode(count, now + lease.length),
            lambda writer: otherwise(writer, self._clock()),
        )

    def renew(self, use_case: Callable[[Writer, datetime], Result]) -> Result:
        """The result of a change that may be repeated without harm.

        Raises:
            UnavailableError: If the database cannot be reached.
        """
        results: list[Result] = []

        def work(writer: Writer) -> None:
            results[:] = [use_case(writer, self._clock())]

        self._store.change(work)
        return results[0]
