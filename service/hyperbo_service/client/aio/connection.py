"""Calls over an asyncio transport, tried again for as long as patience lasts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from hyperbo_service.client.calls import Answer, Call, Upload
from hyperbo_service.client.retry import Attempts, Clock
from hyperbo_service.client.transport import AsyncTransport
from hyperbo_service.errors import ServiceError

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]


class AsyncConnection:
    """A transport with patience."""

    def __init__(
        self,
        transport: AsyncTransport,
        patience: float,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.transport = transport
        self.patience = patience
        self.clock = clock
        self.sleep = sleep

    async def call(self, call: Call[Answer], patience: float | None = None) -> Answer:
        """Carry a call, if need be several times.

        Raises:
            ServiceError: If it was refused, or patience is over.
        """

        async def attempt() -> Answer:
            sent = self.transport.call(call.method, call.request, timeout=call.timeout)
            return call.read(await sent)

        return await self._persist(attempt, patience)

    async def gather(self, call: Call[Answer]) -> list[Answer]:
        """All parts of an answer that comes as a stream; it starts anew where it breaks.

        Raises:
            ServiceError: As `call`.
        """

        async def attempt() -> list[Answer]:
            return [part async for part in self.stream(call)]

        return await self._persist(attempt, None)

    async def stream(self, call: Call[Answer]) -> AsyncIterator[Answer]:
        """The parts of an answer as they come, not tried again.

        Raises:
            ServiceError: If the call is refused or breaks.
        """
        async for part in self.transport.stream(call.method, call.request, timeout=call.timeout):
            yield call.read(part)

    async def upload(self, upload: Upload[Answer]) -> Answer:
        """Carry a stream of requests, if need be several times.

        Raises:
            ServiceError: As `call`.
        """
        reader = Call(upload.method, upload.requests[0], upload.answer)

        async def attempt() -> Answer:
            sent = self.transport.upload(upload.method, upload.requests, timeout=upload.timeout)
            return reader.read(await sent)

        return await self._persist(attempt, None)

    async def _persist(self, attempt: Callable[[], Awaitable[T]], patience: float | None) -> T:
        attempts = Attempts(self.patience if patience is None else patience, self.clock)
        while True:
            try:
                return await attempt()
            except ServiceError as error:
                pause = attempts.pause(error)
            await self.sleep(pause)
