"""Calls over a transport, tried again for as long as patience lasts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from hyperbo_service.client.calls import Answer, Call, Upload
from hyperbo_service.client.retry import PATIENCE, SYSTEM_CLOCK, Attempts, Clock
from hyperbo_service.client.transport import Transport
from hyperbo_service.errors import ServiceError

T = TypeVar("T")


class Connection:
    """A transport with patience."""

    def __init__(
        self, transport: Transport, patience: float = PATIENCE, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self.transport = transport
        self.patience = patience
        self.clock = clock

    def call(self, call: Call[Answer], patience: float | None = None) -> Answer:
        """Carry a call, if need be several times.

        Raises:
            ServiceError: If it was refused, or patience is over.
        """
        return self._persist(
            lambda: call.read(self.transport.call(call.method, call.request, timeout=call.timeout)),
            patience,
        )

    def gather(self, call: Call[Answer]) -> list[Answer]:
        """All parts of an answer that comes as a stream; it starts anew where it breaks.

        Raises:
            ServiceError: As `call`.
        """
        return self._persist(lambda: list(self.stream(call)), None)

    def stream(self, call: Call[Answer]) -> Iterator[Answer]:
        """The parts of an answer as they come, not tried again.

        Raises:
            ServiceError: If the call is refused or breaks.
        """
        parts = self.transport.stream(call.method, call.request, timeout=call.timeout)
        return map(call.read, parts)

    def upload(self, upload: Upload[Answer]) -> Answer:
        """Carry a stream of requests, if need be several times.

        Raises:
            ServiceError: As `call`.
        """
        reader = Call(upload.method, upload.requests[0], upload.answer)
        return self._persist(
            lambda: reader.read(
                self.transport.upload(upload.method, upload.requests, timeout=upload.timeout)
            ),
            None,
        )

    def close(self) -> None:
        """Close the transport."""
        self.transport.close()

    def _persist(self, attempt: Callable[[], T], patience: float | None) -> T:
        attempts = Attempts(self.patience if patience is None else patience, self.clock)
        while True:
            try:
                return attempt()
            except ServiceError as error:
                pause = attempts.pause(error)
            self.clock.sleep(pause)
