"""What all studies and trials of one client share."""

from __future__ import annotations

import threading

from hyperbo_service.client.connection import Connection
from hyperbo_service.client.forks import survive_fork
from hyperbo_service.client.heartbeat import Heartbeat
from hyperbo_service.client.identity import Identity
from hyperbo_service.client.leases import LeaseBook


class Session:
    """A connection, who is behind it, and what is held over it."""

    def __init__(self, connection: Connection, identity: Identity) -> None:
        self.connection = connection
        self.identity = identity
        self.book = LeaseBook(connection.clock.now)
        self.heartbeat = Heartbeat(connection, self.book)
        self.renew_after_fork()
        survive_fork(self)

    def renew_after_fork(self) -> None:
        """Drop locks that the parent's threads may have held."""
        self._lock = threading.Lock()
        self._asking: dict[str, threading.Lock] = {}

    def asking(self, study: str) -> threading.Lock:
        """Held while a study is asked for trials.

        Each request names the trials that this client holds. Two at once could not name each
        other's, and the server would give both the same trial back as one the client had lost.
        """
        with self._lock:
            return self._asking.setdefault(study, threading.Lock())

    def close(self) -> None:
        """Stop renewing leases, and close the connection."""
        self.heartbeat.close()
        # A heartbeat under way may end; one that hangs is cut off.
        self.heartbeat.join(1.0)
        self.connection.close()
        self.heartbeat.join()
