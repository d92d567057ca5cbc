"""A transport for threads, made to serve asyncio."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Generator, Iterable, Iterator
from contextlib import suppress
from typing import cast

from google.protobuf.message import Message

from hyperbo_service.client.transport import AsyncTransport, Transport


class ThreadedTransport:
    """Carries calls over another transport, each in a thread of the event loop's executor."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    async def call(self, method: str, request: Message, *, timeout: float | None) -> Message:
        """Carry one request and return the answer."""
        return await asyncio.to_thread(self.transport.call, method, request, timeout=timeout)

    async def stream(
        self, method: str, request: Message, *, timeout: float | None
    ) -> AsyncIterator[Message]:
        """Carry one request and give the parts of the answer as they come."""
        parts = self.transport.stream(method, request, timeout=timeout)
        try:
            while (part := await asyncio.to_thread(_next, parts)) is not None:
                yield part
        finally:
            if isinstance(parts, Generator):
                # One that a thread is still waiting for ends with the transport.
                with suppress(ValueError):
                    parts.close()

    async def upload(
        self, method: str, requests: Iterable[Message], *, timeout: float | None
    ) -> Message:
        """Carry a stream of requests and return the answer."""
        return await asyncio.to_thread(self.transport.upload, method, requests, timeout=timeout)

    async def close(self) -> None:
        """Close the other transport."""
        await asyncio.to_thread(self.transport.close)


def for_asyncio(transport: AsyncTransport | Transport) -> AsyncTransport:
    """A transport that can be awaited, of either kind."""
    if inspect.iscoroutinefunction(transport.call):
        return cast("AsyncTransport", transport)
    return ThreadedTransport(cast("Transport", transport))


def _next(parts: Iterator[Message]) -> Message | None:
    # StopIteration cannot leave a coroutine.
    return next(parts, None)
