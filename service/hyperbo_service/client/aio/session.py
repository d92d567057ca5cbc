"""What all studies and trials of one asyncio client share."""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary

from hyperbo_service.client.aio.connection import AsyncConnection
from hyperbo_service.client.aio.heartbeat import AsyncHeartbeat
from hyperbo_service.client.identity import Identity
from hyperbo_service.client.leases import LeaseBook


class AsyncSession:
    """A connection, who is behind it, and what is held over it."""

    def __init__(self, connection: AsyncConnection, identity: Identity) -> None:
        self.connection = connection
        self.identity = identity
        self.book = LeaseBook(connection.clock.now)
        self.heartbeat = AsyncHeartbeat(connection, self.book)
        self._asking: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Lock]] = (
            WeakKeyDictionary()
        )

    def asking(self, study: str) -> asyncio.Lock:
        """Held while a study is asked for trials, for the reason that `Session.asking` gives."""
        locks = self._asking.setdefault(asyncio.get_running_loop(), {})
        return locks.setdefault(study, asyncio.Lock())

    async def close(self) -> None:
        """Stop renewing leases, and close the connection."""
        await self.heartbeat.close()
        await self.connection.transport.close()
