"""Writers: they close in order, run again what lost, and replace connections that broke."""

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from hyperbo_service.domain import StudyState
from hyperbo_service.errors import (
    NotFoundError,
    UnavailableError,
)
from hyperbo_service.storage import Writer
from hyperbo_service.storage.jobs import Job
from hyperbo_service.storage.sql import SqlStore
from tests.service.storage.support import (
    Batch,
    adding,
    call_of,
    name_of,
    stored_studies,
)


def test_closing_finishes_what_waits(store: SqlStore) -> None:
    """What was accepted is made and answered; what comes later is told to come again."""
    batch = Batch(store)
    futures = [batch.transact(f"request-{n}", adding(f"s{n}")) for n in range(5)]
    closing = threading.Thread(target=store.close)
    closing.start()

    assert batch.go(*futures) == [f"s{n}".encode() for n in range(5)]
    closing.join(30.0)
    assert not closing.is_alive()
    with pytest.raises(UnavailableError) as refused:
        store.transact(call_of("request-9"), adding("late"))
    assert refused.value.retry_after is not None
    with pytest.raises(UnavailableError):
        stored_studies(store)
    store.close()


class _Slow:
    """A queue to which somebody adds a job at the very moment when the store begins to close."""

    def __init__(self, store: SqlStore) -> None:
        self._store, self._jobs = store, store._jobs
        self._has_ended = threading.Event()
        self.closing = threading.Thread(target=store.close)

    def __getattr__(self, name: str) -> object:
        return getattr(self._jobs, name)

    def put(self, job: object) -> None:
        """Let the store close first, if it can."""
        if job is None:
            self._has_ended.set()
        else:
            self.closing.start()
            self._has_ended.wait(0.1)
        self._jobs.put(job)  # type: ignore[arg-type]


def test_nobody_waits_for_ever_on_a_store_that_closes(store: SqlStore) -> None:
    """A call that comes as it closes is carried out or told to come again."""
    slow = _Slow(store)
    store._jobs = slow  # type: ignore[assignment]

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(store.transact, call_of("request-1"), lambda _: b"done")
        try:
            answer = future.result(10.0)
        finally:
            slow.closing.join(10.0)
            for job in iter(_rest(store), None):
                job.outcome.set_exception(TimeoutError())

    assert answer == b"done"


def _rest(store: SqlStore) -> Callable[[], Job | None]:
    """Jobs that no writer will take."""
    return lambda: None if store._jobs.empty() else store._jobs.get()


def _failing(store: SqlStore, errors: list[Exception]) -> None:
    """Let the next commits of the writer fail."""

    def fail(_: object) -> None:
        if errors:
            raise OperationalError("COMMIT", None, errors.pop(0))

    event.listen(store._write_engine, "commit", fail)


PASSING = [
    psycopg.errors.SerializationFailure("could not serialize access"),
    psycopg.errors.DeadlockDetected("deadlock detected"),
    sqlite3.OperationalError("database is locked"),
]


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_a_transaction_that_lost_is_run_again(store: SqlStore, error: Exception) -> None:
    """Its caller hears nothing of it."""
    _failing(store, [error] * 3)
    runs: list[int] = []

    def counted(writer: Writer) -> bytes:
        runs.append(1)
        return adding("a")(writer)

    assert store.transact(call_of("request-1"), counted) == b"a"
    assert len(runs) == 4
    assert stored_studies(store) == {"a"}


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_it_is_not_run_for_ever(store: SqlStore, error: Exception) -> None:
    """After some attempts its caller is told to come again, and nothing was changed."""
    errors = [error] * 100
    _failing(store, errors)

    with pytest.raises(UnavailableError) as refused:
        store.transact(call_of("request-1"), adding("a"))
    errors.clear()

    assert refused.value.retry_after is not None
    assert stored_studies(store) == set()
    assert store.transact(call_of("request-1"), adding("a")) == b"a"


def test_a_connection_that_broke_is_replaced(store: SqlStore) -> None:
    """Whoever met it is told to come again; the next call works, and nothing was lost."""
    store.transact(call_of("request-1"), adding("a"))
    _failing(store, [psycopg.OperationalError("server closed the connection")] * 2)

    with pytest.raises(UnavailableError, match="request id"):
        store.transact(call_of("request-2"), adding("b"))

    assert store.transact(call_of("request-2"), adding("b")) == b"b"
    assert stored_studies(store) == {"a", "b"}


def test_a_change_that_is_not_remembered_may_be_made_again(store: SqlStore) -> None:
    """It leaves no entry in the journal, and what it raises is raised."""
    store.transact(call_of("request-1"), adding("a"))
    for state in (StudyState.PAUSED, StudyState.ACTIVE):
        store.change(lambda writer, s=state: _set_state(writer, s))  # type: ignore[misc]
    with pytest.raises(NotFoundError):
        store.change(lambda writer: _ignore(writer.study(name_of("none"))))

    with store.read() as reader:
        assert reader.study(name_of("a")).state is StudyState.ACTIVE
        assert len(reader.journal("p", before=None, limit=10)) == 1


def _set_state(writer: Writer, state: StudyState) -> None:
    writer.save_study(replace(writer.study(name_of("a"), lock=True), state=state))


def _ignore(_: object) -> None:
    pass


@pytest.mark.parametrize("store", ["sqlite", "postgres"], indirect=True)
def test_a_reader_sees_one_moment(store: SqlStore) -> None:
    """What is committed while it reads, it does not see."""
    store.transact(call_of("request-1"), adding("a"))
    with store.read() as reader:
        before = len(reader.studies("p", [], None, 10))
        store.transact(call_of("request-2"), adding("b"))
        after = len(reader.studies("p", [], None, 10))

    assert (before, after) == (1, 1)
    assert stored_studies(store) == {"a", "b"}
