"""The store: calls share transactions, and neither a refusal nor a fault reaches another call."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from hyperbo_service.domain import Call, Detail, Goal, Lease, Measurement, MetricValue, StudyState
from hyperbo_service.errors import (
    InvalidArgumentError,
    NotFoundError,
    RequestReusedError,
    UnavailableError,
)
from hyperbo_service.resources import StudyName
from hyperbo_service.storage import Writer
from hyperbo_service.storage.engines import parse_url
from hyperbo_service.storage.jobs import Job
from hyperbo_service.storage.sql import SqlStore
from hyperbo_service.study_checks import StudyDraft, checked
from tests.service.clocks import START, StillClock
from tests.service.populated import OPEN, SPACE, populate

Work = Callable[[Writer], bytes]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    """An empty store with one writer."""
    urls = {"memory": "sqlite://", "sqlite": f"sqlite:///{tmp_path / 'store.db'}"}
    url = urls.get(request.param) or request.getfixturevalue("postgres_url")
    opened = SqlStore(parse_url(url), clock=StillClock(), writers=1)
    yield opened
    opened.close()


def _name(study: str) -> StudyName:
    return StudyName("p", study)


def _call(request_id: str, content: str = "") -> Call:
    return Call("p", request_id, "ann", "CreateStudy", "r", content.encode().ljust(32, b"\0"))


def _adding(study: str) -> Work:
    """Add a study."""

    def work(writer: Writer) -> bytes:
        draft = StudyDraft(_name(study), SPACE.to_json(), (("m", Goal.MAXIMIZE),))
        writer.add_study(checked(draft, 1, START))
        return study.encode()

    return work


def _refused_after(study: str) -> Work:
    def work(writer: Writer) -> bytes:
        _adding(study)(writer)
        raise InvalidArgumentError("refused after it had written")

    return work


def _refused(_: Writer) -> bytes:
    raise InvalidArgumentError("refused before it had written")


def _broken_after(study: str) -> Work:
    def work(writer: Writer) -> bytes:
        _adding(study)(writer)
        raise ZeroDivisionError("a fault")

    return work


def _studies(store: SqlStore) -> set[str]:
    with store.read() as reader:
        return {study.name.study for study in reader.studies("p", [], None, 100)}


class Batch:
    """Calls that wait while the writer is busy, so that it takes them together."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._busy, self._go = threading.Event(), threading.Event()
        self._pool = ThreadPoolExecutor(32)
        self._hold = self._pool.submit(store.change, self._wait)
        assert self._busy.wait(30.0)

    def _wait(self, _: Writer) -> None:
        self._busy.set()
        assert self._go.wait(30.0)

    def add(self, call: Callable[[], bytes]) -> "Future[bytes]":
        """Let a call wait."""
        waiting = self._store.waiting
        future = self._pool.submit(call)
        while self._store.waiting == waiting and not future.done():
            threading.Event().wait(0.001)
        return future

    def transact(self, request_id: str, work: Work, content: str = "") -> "Future[bytes]":
        """Let a change wait."""
        return self.add(lambda: self._store.transact(_call(request_id, content), work))

    def go(self, *futures: "Future[bytes]") -> list[bytes | BaseException]:
        """Let the writer take them all; what became of each."""
        self._go.set()
        self._hold.result(30.0)
        outcomes: list[bytes | BaseException] = []
        for future in futures:
            error = future.exception(30.0)
            outcomes.append(future.result() if error is None else error)
        self._pool.shutdown()
        return outcomes


@pytest.fixture
def commits(store: SqlStore) -> list[int]:
    """Grows with every commit of the writer."""
    seen: list[int] = []
    event.listen(store._write_engine, "commit", lambda _: seen.append(1))
    return seen


def test_calls_that_wait_share_a_commit(store: SqlStore, commits: list[int]) -> None:
    """Ten changes are made durable together, and each gets its own answer."""
    batch = Batch(store)
    futures = [batch.transact(f"request-{n}", _adding(f"s{n}")) for n in range(10)]

    answers = batch.go(*futures)

    assert len(commits) == 2
    assert answers == [f"s{n}".encode() for n in range(10)]
    assert _studies(store) == {f"s{n}" for n in range(10)}


def test_a_refused_call_leaves_the_others_in_one_commit(
    store: SqlStore, commits: list[int]
) -> None:
    """If it had not written anything."""
    batch = Batch(store)
    good = batch.transact("request-1", _adding("a"))
    bad = batch.transact("request-2", _refused)
    also = batch.transact("request-3", _adding("b"))

    first, error, last = batch.go(good, bad, also)

    assert len(commits) == 2
    assert (first, last) == (b"a", b"b")
    assert isinstance(error, InvalidArgumentError)
    assert _studies(store) == {"a", "b"}


def test_what_a_refused_call_wrote_is_undone(store: SqlStore) -> None:
    """And what the others wrote is not."""
    batch = Batch(store)
    good = batch.transact("request-1", _adding("a"))
    bad = batch.transact("request-2", _refused_after("b"))
    also = batch.transact("request-3", _adding("c"))

    first, error, last = batch.go(good, bad, also)

    assert (first, last) == (b"a", b"c")
    assert isinstance(error, InvalidArgumentError)
    assert _studies(store) == {"a", "c"}


def test_a_fault_reaches_no_other_call(store: SqlStore) -> None:
    """Whoever caused it is told, and the store goes on."""
    batch = Batch(store)
    good = batch.transact("request-1", _adding("a"))
    bad = batch.transact("request-2", _broken_after("b"))
    also = batch.transact("request-3", _adding("c"))

    first, error, last = batch.go(good, bad, also)

    assert (first, last) == (b"a", b"c")
    assert isinstance(error, ZeroDivisionError)
    assert _studies(store) == {"a", "c"}
    assert store.transact(_call("request-4"), _adding("d")) == b"d"


def test_one_call_in_a_batch_twice_has_one_effect(store: SqlStore) -> None:
    """The second gets the first one's answer, of the same transaction."""
    batch = Batch(store)
    futures = [batch.transact("request-1", _adding("a")) for _ in range(3)]

    assert batch.go(*futures) == [b"a"] * 3
    assert _studies(store) == {"a"}


def test_another_call_under_an_id_of_its_batch_is_refused(store: SqlStore) -> None:
    """And changes nothing."""
    batch = Batch(store)
    good = batch.transact("request-1", _adding("a"), "one")
    other = batch.transact("request-1", _adding("b"), "other")

    first, error = batch.go(good, other)

    assert first == b"a"
    assert isinstance(error, RequestReusedError)
    assert _studies(store) == {"a"}


def test_a_repeat_among_new_calls_gets_its_first_answer(store: SqlStore) -> None:
    """Also where carrying it out again would be refused, or would not."""
    store.transact(_call("request-1"), _adding("a"))
    runs: list[int] = []

    def again(writer: Writer) -> bytes:
        runs.append(1)
        _adding(f"again-{len(runs)}")(writer)
        return b"again"

    store.transact(_call("request-2"), again)
    batch = Batch(store)
    refused = batch.transact("request-1", _adding("a"))
    repeated = batch.transact("request-2", again)
    new = batch.transact("request-3", _adding("b"))

    assert batch.go(refused, repeated, new) == [b"a", b"again", b"b"]
    assert _studies(store) == {"a", "again-1", "b"}


def test_the_journal_has_one_entry_for_each_call(store: SqlStore) -> None:
    """Who made it, when, and of what; refused and repeated calls leave none."""
    store.transact(_call("request-1"), _adding("a"))
    store.transact(_call("request-1"), _adding("a"))
    with pytest.raises(InvalidArgumentError):
        store.transact(_call("request-2"), _refused)

    with store.read() as reader:
        (entry,) = reader.journal("p", before=None, limit=10)
        assert reader.journal("q", before=None, limit=10) == []
        assert reader.journal("p", before=entry.sequence, limit=10) == []

    assert entry.call == _call("request-1")
    assert entry.at == START


def _point(step: int) -> Measurement:
    return Measurement(step, (MetricValue("accuracy", 0.5),), None, None, START)


def _extend(store: SqlStore, lease: Lease, request_id: str, step: int) -> bytes:
    def otherwise(_: Writer) -> bytes:
        raise InvalidArgumentError("not the next point")

    call = Call("red", request_id, "ann", "ReportMeasurement", "r", bytes([step]) * 32)
    return store.extend(call, (lease, _point(step)), lambda count, _: b"%d" % count, otherwise)


@pytest.fixture
def lease(store: SqlStore) -> Lease:
    """The lease of a running trial, whose last step is known."""
    populate(store)
    with store.read() as reader:
        study, trial = reader.trial(OPEN.trial(2))
    assert trial.lease is not None
    return Lease(study.key, 2, trial.token, trial.lease, study.metric.name)


def _curve(store: SqlStore) -> list[int]:
    with store.read() as reader:
        study = reader.study(OPEN)
        (trial,) = reader.trials_by_number(study, [2], detail=Detail.FULL)
    return [point.step for point in trial.measurements]


def test_two_reports_under_one_id_are_one_call_or_refused(store: SqlStore, lease: Lease) -> None:
    """Though they come in one transaction, which adds all points in one step."""
    before = _curve(store)
    batch = Batch(store)
    one = batch.add(lambda: _extend(store, lease, "report-one", 100))
    same = batch.add(lambda: _extend(store, lease, "report-one", 100))
    other = batch.add(lambda: _extend(store, lease, "report-one", 101))

    first, second, error = batch.go(one, same, other)

    assert first == second == b"%d" % (len(before) + 1)
    assert isinstance(error, RequestReusedError)
    assert _curve(store) == [*before, 100]


def test_reports_of_two_trials_under_one_id_are_not_both_kept(
    store: SqlStore, lease: Lease
) -> None:
    """The second is another call, and refused."""
    with store.read() as reader:
        study = reader.study(OPEN)
        (waiting,) = reader.trials_by_number(study, [1])
        (running,) = reader.trials_by_number(study, [2])
    twin = replace(running, name=waiting.name, measurement_count=0, last_step=None)
    store.change(lambda writer: writer.save_trials(study, [twin]))
    batch = Batch(store)
    one = batch.add(lambda: _extend(store, lease, "report-one", 100))
    other = batch.add(lambda: _extend(store, replace(lease, number=1), "report-one", 101))

    first, error = batch.go(one, other)

    assert isinstance(first, bytes)
    assert isinstance(error, RequestReusedError)
    with store.read() as reader:
        assert reader.trials_by_number(study, [1])[0].measurement_count == 0


def test_reports_of_one_trial_in_one_batch_are_both_kept_or_refused(
    store: SqlStore, lease: Lease
) -> None:
    """The second goes the long way."""
    before = _curve(store)
    batch = Batch(store)
    one = batch.add(lambda: _extend(store, lease, "report-one", 100))
    two = batch.add(lambda: _extend(store, lease, "report-two", 101))

    first, error = batch.go(one, two)

    assert first == b"%d" % (len(before) + 1)
    assert isinstance(error, InvalidArgumentError)
    assert _curve(store) == [*before, 100]


def test_closing_finishes_what_waits(store: SqlStore) -> None:
    """What was accepted is made and answered; what comes later is told to come again."""
    batch = Batch(store)
    futures = [batch.transact(f"request-{n}", _adding(f"s{n}")) for n in range(5)]
    closing = threading.Thread(target=store.close)
    closing.start()

    assert batch.go(*futures) == [f"s{n}".encode() for n in range(5)]
    closing.join(30.0)
    assert not closing.is_alive()
    with pytest.raises(UnavailableError) as refused:
        store.transact(_call("request-9"), _adding("late"))
    assert refused.value.retry_after is not None
    with pytest.raises(UnavailableError):
        _studies(store)
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
        future = pool.submit(store.transact, _call("request-1"), lambda _: b"done")
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
        return _adding("a")(writer)

    assert store.transact(_call("request-1"), counted) == b"a"
    assert len(runs) == 4
    assert _studies(store) == {"a"}


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_it_is_not_run_for_ever(store: SqlStore, error: Exception) -> None:
    """After some attempts its caller is told to come again, and nothing was changed."""
    errors = [error] * 100
    _failing(store, errors)

    with pytest.raises(UnavailableError) as refused:
        store.transact(_call("request-1"), _adding("a"))
    errors.clear()

    assert refused.value.retry_after is not None
    assert _studies(store) == set()
    assert store.transact(_call("request-1"), _adding("a")) == b"a"


def test_a_connection_that_broke_is_replaced(store: SqlStore) -> None:
    """Whoever met it is told to come again; the next call works, and nothing was lost."""
    store.transact(_call("request-1"), _adding("a"))
    _failing(store, [psycopg.OperationalError("server closed the connection")] * 2)

    with pytest.raises(UnavailableError, match="request id"):
        store.transact(_call("request-2"), _adding("b"))

    assert store.transact(_call("request-2"), _adding("b")) == b"b"
    assert _studies(store) == {"a", "b"}


def test_a_change_that_is_not_remembered_may_be_made_again(store: SqlStore) -> None:
    """It leaves no entry in the journal, and what it raises is raised."""
    store.transact(_call("request-1"), _adding("a"))
    for state in (StudyState.PAUSED, StudyState.ACTIVE):
        store.change(lambda writer, s=state: _set_state(writer, s))  # type: ignore[misc]
    with pytest.raises(NotFoundError):
        store.change(lambda writer: _ignore(writer.study(_name("none"))))

    with store.read() as reader:
        assert reader.study(_name("a")).state is StudyState.ACTIVE
        assert len(reader.journal("p", before=None, limit=10)) == 1


def _set_state(writer: Writer, state: StudyState) -> None:
    writer.save_study(replace(writer.study(_name("a"), lock=True), state=state))


def _ignore(_: object) -> None:
    pass


@pytest.mark.parametrize("store", ["sqlite", "postgres"], indirect=True)
def test_a_reader_sees_one_moment(store: SqlStore) -> None:
    """What is committed while it reads, it does not see."""
    store.transact(_call("request-1"), _adding("a"))
    with store.read() as reader:
        before = len(reader.studies("p", [], None, 10))
        store.transact(_call("request-2"), _adding("b"))
        after = len(reader.studies("p", [], None, 10))

    assert (before, after) == (1, 1)
    assert _studies(store) == {"a", "b"}
