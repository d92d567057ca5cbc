"""The task that renews an asyncio client's leases."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from hyperbo_service.client.aio.connection import AsyncConnection
from hyperbo_service.client.leases import LeaseBook
from hyperbo_service.errors import NotFoundError, ServiceError

logger = logging.getLogger(__name__)


class AsyncHeartbeat:
    """Renews all leases in a book, for as long as there are any.

    It runs while the event loop does: a loop that is blocked by computing renews nothing, so
    train in a thread or give long leases.
    """

    def __init__(self, connection: AsyncConnection, book: LeaseBook) -> None:
        self._connection = connection
        self._book = book
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._is_closed = False

    @property
    def is_running(self) -> bool:
        """Whether there is a task that has not ended."""
        return self._task is not None and not self._task.done()

    def wake(self) -> None:
        """Look at the book again, as something was taken or given back."""
        loop = asyncio.get_running_loop()
        is_ours = self.is_running and self._task is not None and self._task.get_loop() is loop
        if not is_ours and not self._is_closed and self._book.next_beat() is not None:
            self._changed = asyncio.Event()
            self._task = loop.create_task(self._run(self._changed), name="hyperbo-heartbeat")
        self._changed.set()

    async def close(self) -> None:
        """End the task."""
        self._is_closed = True
        task, self._task = self._task, None
        if task is not None and task.get_loop() is asyncio.get_running_loop():
            task.cancel()
            await asyncio.wait([task])

    async def beat(self) -> None:
        """Renew what is due, once; what does not get through comes again soon."""
        for beat in self._book.beats():
            try:
                self._book.beaten(beat, await self._connection.call(beat.call, patience=0.0))
            except NotFoundError:
                self._book.lost(beat)
            except ServiceError as error:
                logger.warning("A heartbeat did not get through: %s", error)
                self._book.missed(beat)

    async def _run(self, changed: asyncio.Event) -> None:
        while (delay := self._book.next_beat()) is not None:
            changed.clear()
            if delay > 0.0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), delay)
                continue
            await self.beat()
