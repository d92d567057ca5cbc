"""What carries calls to a server: the one seam between the client and everything below it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Protocol

from google.protobuf.message import Message


class Transport(Protocol):
    """Carries calls, each once; methods are known by name alone, e.g. `SuggestTrials`.

    An implementation may be called by several threads at once, raises the errors of
    `hyperbo_service.errors` and no others, and leaves trying again to its caller.
    """

    def call(self, method: str, request: Message, *, timeout: float | None) -> Message:
        """Carry one request and return the answer."""
        ...

    def stream(self, method: str, request: Message, *, timeout: float | None) -> Iterator[Message]:
        """Carry one request and give the parts of the answer as they come."""
        ...

    def upload(self, method: str, requests: Iterable[Message], *, timeout: float | None) -> Message:
        """Carry a stream of requests and return the answer."""
        ...

    def close(self) -> None:
        """Let go of what is held open; closing twice is harmless."""
        ...


class AsyncTransport(Protocol):
    """The same for asyncio; it may be called by several tasks of one event loop."""

    async def call(self, method: str, request: Message, *, timeout: float | None) -> Message:
        """Carry one request and return the answer."""
        ...

    def stream(
        self, method: str, request: Message, *, timeout: float | None
    ) -> AsyncIterator[Message]:
        """Carry one request and give the parts of the answer as they come."""
        ...

    async def upload(
        self,
        method: str,
        requests: Iterable[Message],
        *,
        timeout: float | None,
    ) -> Message:
        """Carry a stream of requests and return the answer."""
        ...

    async def close(self) -> None:
        """Let go of what is held open; closing twice is harmless."""
        ...
