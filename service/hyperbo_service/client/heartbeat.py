"""The thread that renews a client's leases."""

from __future__ import annotations

import logging
import threading

from hyperbo_service.client.connection import Connection
from hyperbo_service.client.forks import survive_fork
from hyperbo_service.client.leases import LeaseBook
from hyperbo_service.errors import NotFoundError, ServiceError

logger = logging.getLogger(__name__)


class Heartbeat:
    """Renews all leases in a book, for as long as there are any.

    The thread is a daemon: it never keeps the process alive. It ends when nothing is held, and
    starts again with the next trial.
    """

    def __init__(self, connection: Connection, book: LeaseBook) -> None:
        self._connection = connection
        self._book = book
        self._is_closed = False
        self.renew_after_fork()
        survive_fork(self)

    def renew_after_fork(self) -> None:
        """Start without a thread: the parent's is not in this process."""
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._book.renew_after_fork()

    @property
    def is_running(self) -> bool:
        """Whether there is a thread."""
        with self._changed:
            return self._thread is not None

    def wake(self) -> None:
        """Look at the book again, as something was taken or given back."""
        with self._changed:
            if self._thread is None and not self._is_closed and self._book.next_beat() is not None:
                self._thread = threading.Thread(
                    target=self._run, name="hyperbo-heartbeat", daemon=True
                )
                self._thread.start()
            self._changed.notify_all()

    def close(self) -> None:
        """End the thread, after the heartbeat it may be at."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def join(self, seconds: float | None = None) -> None:
        """Wait for the thread's end; None: however long that takes."""
        with self._changed:
            thread = self._thread
        if thread is not None:
            thread.join(seconds)

    def beat(self) -> None:
        """Renew what is due, once; what does not get through comes again soon."""
        for beat in self._book.beats():
            try:
                self._book.beaten(beat, self._connection.call(beat.call, patience=0.0))
            except NotFoundError:
                self._book.lost(beat)
            except ServiceError as error:
                if not self._is_closed:
                    logger.warning("A heartbeat did not get through: %s", error)
                self._book.missed(beat)

    def _run(self) -> None:
        try:
            while self._wait():
                self.beat()
        finally:
            with self._changed:
                if self._thread is threading.current_thread():
                    self._thread = None

    def _wait(self) -> bool:
        """Wait until a heartbeat is due; False if there is nothing to wait for."""
        with self._changed:
            while not self._is_closed:
                delay = self._book.next_beat()
                if delay == 0.0:
                    return True
                if delay is None:
                    self._thread = None
                    return False
                self._changed.wait(delay)
            return False
