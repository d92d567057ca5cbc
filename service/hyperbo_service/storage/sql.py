"""The store on SQLite or PostgreSQL: calls are answered once, and commits are shared.

Callers of `transact` queue up; a writer thread takes all that wait into one transaction, so that
many reports share one flush to disk. Where several came together it waits two milliseconds for
more. A call that is refused has written nothing, as a rule, and leaves the others' work alone. If
one was refused after it wrote, or the database refused anything, the transaction is rolled back and
each call runs again in one of its own.
"""

import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from hyperbo_service.domain import Call, Clock, Lease, Measurement, utc_now
from hyperbo_service.errors import ServiceError, UnavailableError
from hyperbo_service.storage import engines, rows, schema
from hyperbo_service.storage.base import Reader, Writer
from hyperbo_service.storage.jobs import Job
from hyperbo_service.storage.models import JOURNAL
from hyperbo_service.storage.reader import SqlReader
from hyperbo_service.storage.refusals import first_answer
from hyperbo_service.storage.writer import SqlWriter

_LARGEST_BATCH = 256
_CROWD = 4
"""Changes that came together: so many callers are kept waiting a moment, to share a flush."""
_GATHER_SECONDS = 0.002
_ATTEMPTS = 8
_ADD_ENTRY = insert(JOURNAL)


class _SpoiledError(Exception):
    """A call of a shared transaction was refused after it had written."""


class SqlStore:
    """A store; see `hyperbo_service.storage.base.Store` for each method.

    Args:
        url: The database, as `engines.parse_url` gives it; the schema of an empty one is created.
        clock: Says what time it is.
        writers: Threads that write; SQLite has one at most.
    """

    def __init__(
        self,
        url: URL,
        *,
        clock: Clock = utc_now,
        writers: int = 4,
    ) -> None:
        self._clock = clock
        memory = engines.is_memory(url)
        self._write_engine = engines.connect(url, is_writer=True)
        try:
            schema.prepare(self._write_engine)
        except BaseException:
            self._write_engine.dispose()
            raise
        # A database in memory is one connection, which only one may use at a time.
        self._read_engine = self._write_engine if memory else engines.connect(url, is_writer=False)
        self._gate: Any = threading.RLock() if memory else nullcontext()
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._is_closed = False
        self._closing = threading.Lock()
        count = 1 if url.get_backend_name() == "sqlite" else writers
        self._threads = [
            threading.Thread(target=self._write_on, name=f"hyperbo-writer-{place}", daemon=True)
            for place in range(count)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """Number of changes that wait to be made."""
        return self._jobs.qsize()

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """One consistent view of committed data."""
        if self._is_closed:
            raise _going_down()
        with self._gate:
            try:
                with self._read_engine.begin() as connection:
                    yield SqlReader(connection)
            except SQLAlchemyError as error:
                raise engines.unavailable(error) from error

    def transact(self, call: Call, work: Callable[[Writer], bytes]) -> bytes:
        """Make a change and remember its answer; or give the answer it had before."""
        return self._submit(Job(call, work))

    def extend(
        self,
        call: Call,
        extension: tuple[Lease, Measurement],
        encode: Callable[[int, datetime], bytes],
        otherwise: Callable[[Writer], bytes],
    ) -> bytes:
        """Add a point to a learning curve, together with all others that wait."""
        return self._submit(Job(call, otherwise, extension, encode))

    def change(self, work: Callable[[Writer], None]) -> None:
        """Make a change that is not remembered."""

        def without_answer(writer: Writer) -> bytes:
            work(writer)
            return b""

        self._submit(Job(None, without_answer))

    def close(self) -> None:
        """Finish what waits, then end all threads and connections."""
        with self._closing:
            if self._is_closed:
                return
            self._is_closed = True
            for _ in self._threads:
                self._jobs.put(None)
        for thread in self._threads:
            thread.join()
        self._write_engine.dispose()
        self._read_engine.dispose()

    def _submit(self, job: Job) -> bytes:
        # What is put after the writers' last job would wait for ever.
        with self._closing:
            if self._is_closed:
                raise _going_down()
            self._jobs.put(job)
        return job.outcome.result()

    def _write_on(self) -> None:
        """Make changes until the store closes."""
        writing = _Writing(self._write_engine, self._clock)
        is_open, size = True, 0
        while is_open:
            batch, is_open = self._next_batch(_GATHER_SECONDS if size >= _CROWD else 0.0)
            size = len(batch)
            with self._gate:
                writing.make(batch)
        writing.disconnect()

    def _next_batch(self, patience: float) -> tuple[list[Job], bool]:
        """All changes that wait, at least one, after a pause; and whether there will be more."""
        batch: list[Job] = []
        job = self._jobs.get()
        if patience:
            time.sleep(patience)
        while job is not None:
            batch.append(job)
            if len(batch) == _LARGEST_BATCH:
                return batch, True
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False


def _going_down() -> UnavailableError:
    return UnavailableError("The server is going down. Repeat the call.", retry_after=1.0)


class _Writing:
    """One writer thread's connection, and the transactions on it."""

    def __init__(self, engine: Any, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._connection: Connection | None = None

    def make(self, batch: Sequence[Job]) -> None:
        """Make changes together if that works, otherwise one by one; settle every outcome."""
        if not batch:
            return
        try:
            self._settle(self._commit(batch, is_alone=False))
        except IntegrityError:
            pass  # a repeat, as a rule: alone, it gets its first answer
        except SQLAlchemyError:
            self._forget_connection()
        except Exception:  # noqa: BLE001, S110 - a fault in one call must not reach the others
            pass
        else:
            return
        for job in batch:
            self._make_alone(job)

    def disconnect(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _forget_connection(self) -> None:
        """Take a new connection next time; the old one may be broken, or still in its transaction.

        SQLite leaves a transaction open if its commit fails, and SQLAlchemy does not roll it back.
        """
        connection, self._connection = self._connection, None
        if connection is None:
            return
        # One that cannot even be given up is gone; the writer lives on.
        with suppress(SQLAlchemyError, sqlite3.Error):
            # A database in memory lives and dies with its one connection, which is rolled back.
            if not isinstance(self._engine.pool, StaticPool):
                connection.invalidate()
            connection.close()

    def _make_alone(self, job: Job) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._settle(self._commit([job], is_alone=True))
            except IntegrityError as error:
                if attempt == _ATTEMPTS:
                    job.outcome.set_exception(engines.unavailable(error))
            except DBAPIError as error:
                self._forget_connection()
                if attempt == _ATTEMPTS or not engines.is_passing(error):
                    job.outcome.set_exception(engines.unavailable(error))
                    return
            except SQLAlchemyError as error:
                self._forget_connection()
                job.outcome.set_exception(engines.unavailable(error))
                return
            except Exception as error:  # noqa: BLE001 - the caller is told, the thread lives on
                job.outcome.set_exception(error)
                return
            else:
                return

    def _commit(
        self, batch: Sequence[Job], *, is_alone: bool
    ) -> list[tuple[Job, bytes | Exception]]:
        """Make changes in one transaction, and say what became of each.

        Most calls are no repeats. So the journal is asked only when a call is refused, or, by its
        unique index, when its entry is added; a call alone asks it first.

        Raises:
            _SpoiledError: If one was refused after it had written.
            Exception: If the database fails, or the one that is alone was refused. In any case
                nothing was changed.
        """
        if self._connection is None:
            self._connection = self._engine.connect()
        with self._connection.begin():
            writer = SqlWriter(self._connection)
            journal = _Journal(writer)
            extended = {} if is_alone else self._extend(batch, writer, journal)
            answer = self._answer_alone if is_alone else self._answer
            outcomes = [(job, extended.get(job) or answer(job, writer, journal)) for job in batch]
            journal.write(self._connection, self._clock())
        return outcomes

    def _extend(
        self, batch: Sequence[Job], writer: SqlWriter, journal: "_Journal"
    ) -> dict[Job, bytes]:
        """Add all points that can be added in one step; the answers to those."""
        # Of several calls under one request id, the first alone is answered here.
        first = {job.identity: job for job in reversed(batch) if job.extension is not None}
        jobs = list(first.values())[::-1]
        if not jobs:
            return {}
        now = self._clock()
        extensions = [job.extension for job in jobs if job.extension is not None]
        counts = writer.extend_curves(extensions, now)
        answers: dict[Job, bytes] = {}
        for job, count in zip(jobs, counts, strict=True):
            if count is not None:
                answers[job] = job.encode(count, now)
                journal.add(job, answers[job])
        return answers

    def _answer_alone(self, job: Job, writer: SqlWriter, journal: "_Journal") -> bytes:
        known = journal.recall(job)
        if known is not None:
            return known
        answer = job.work(writer)
        journal.add(job, answer)
        return answer

    def _answer(self, job: Job, writer: SqlWriter, journal: "_Journal") -> bytes | Exception:
        writer.has_written = False
        try:
            if journal.is_repeat_within(job):
                return journal.recall(job) or b""
            answer = job.work(writer)
        except ServiceError as error:
            if writer.has_written:
                raise _SpoiledError from error
            return self._known_or(error, job, journal)
        journal.add(job, answer)
        return answer

    @staticmethod
    def _known_or(error: ServiceError, job: Job, journal: "_Journal") -> bytes | Exception:
        """The first answer to a call that was refused as a repeat; otherwise the refusal."""
        try:
            known = journal.recall(job)
        except ServiceError as reused:
            return reused
        return error if known is None else known

    @staticmethod
    def _settle(outcomes: Sequence[tuple[Job, bytes | Exception]]) -> None:
        for job, outcome in outcomes:
            if isinstance(outcome, Exception):
                job.outcome.set_exception(outcome)
            else:
                job.outcome.set_result(outcome)


class _Journal:
    """The journal's part in one transaction: what was answered before, and what is new."""

    def __init__(self, writer: SqlWriter) -> None:
        self._writer = writer
        self._new: dict[tuple[str, str] | None, dict[str, Any]] = {}

    def is_repeat_within(self, job: Job) -> bool:
        """Whether the same request id was answered in this very transaction."""
        return job.identity in self._new

    def recall(self, job: Job) -> bytes | None:
        """The first answer to a call.

        Raises:
            RequestReusedError: If the request id belongs to another call.
        """
        call = job.call
        if call is None:
            return None
        entry = self._new.get(job.identity)
        if entry is None:
            return self._writer.recall(call)
        return first_answer(call, entry["fingerprint"], entry["answer"])

    def add(self, job: Job, answer: bytes) -> None:
        """Remember an answer."""
        call = job.call
        if call is not None:
            entry = {**rows.call_columns(call), "answer": answer}
            self._new[job.identity] = entry

    def write(self, connection: Connection, now: datetime) -> None:
        """Store what is new."""
        if self._new:
            connection.execute(_ADD_ENTRY, [entry | {"at": now} for entry in self._new.values()])
