"""The store: calls share transactions, and neither a refusal nor a fault reaches another call."""

from dataclasses import replace

import pytest
from sqlalchemy import event

from hyperbo_service.domain import Call, Detail, Lease, Measurement, MetricValue
from hyperbo_service.errors import (
    InvalidArgumentError,
    RequestReusedError,
)
from hyperbo_service.storage import Writer
from hyperbo_service.storage.sql import SqlStore
from tests.service.clocks import START
from tests.service.populated import OPEN, populate
from tests.service.storage.support import (
    Batch,
    adding,
    breaking_after,
    call_of,
    refusing,
    refusing_after,
    stored_studies,
)


@pytest.fixture
def commits(store: SqlStore) -> list[int]:
    """Grows with every commit of the writer."""
    seen: list[int] = []
    event.listen(store._write_engine, "commit", lambda _: seen.append(1))
    return seen


def test_calls_that_wait_share_a_commit(store: SqlStore, commits: list[int]) -> None:
    """Ten changes are made durable together, and each gets its own answer."""
    batch = Batch(store)
    futures = [batch.transact(f"request-{n}", adding(f"s{n}")) for n in range(10)]

    answers = batch.go(*futures)

    assert len(commits) == 2
    assert answers == [f"s{n}".encode() for n in range(10)]
    assert stored_studies(store) == {f"s{n}" for n in range(10)}


def test_a_refused_call_leaves_the_others_in_one_commit(
    store: SqlStore, commits: list[int]
) -> None:
    """If it had not written anything."""
    batch = Batch(store)
    good = batch.transact("request-1", adding("a"))
    bad = batch.transact("request-2", refusing)
    also = batch.transact("request-3", adding("b"))

    first, error, last = batch.go(good, bad, also)

    assert len(commits) == 2
    assert (first, last) == (b"a", b"b")
    assert isinstance(error, InvalidArgumentError)
    assert stored_studies(store) == {"a", "b"}


def test_what_a_refused_call_wrote_is_undone(store: SqlStore) -> None:
    """And what the others wrote is not."""
    batch = Batch(store)
    good = batch.transact("request-1", adding("a"))
    bad = batch.transact("request-2", refusing_after("b"))
    also = batch.transact("request-3", adding("c"))

    first, error, last = batch.go(good, bad, also)

    assert (first, last) == (b"a", b"c")
    assert isinstance(error, InvalidArgumentError)
    assert stored_studies(store) == {"a", "c"}


def test_a_fault_reaches_no_other_call(store: SqlStore) -> None:
    """Whoever caused it is told, and the store goes on."""
    batch = Batch(store)
    good = batch.transact("request-1", adding("a"))
    bad = batch.transact("request-2", breaking_after("b"))
    also = batch.transact("request-3", adding("c"))

    first, error, last = batch.go(good, bad, also)

    assert (first, last) == (b"a", b"c")
    assert isinstance(error, ZeroDivisionError)
    assert stored_studies(store) == {"a", "c"}
    assert store.transact(call_of("request-4"), adding("d")) == b"d"


def test_one_call_in_a_batch_twice_has_one_effect(store: SqlStore) -> None:
    """The second gets the first one's answer, of the same transaction."""
    batch = Batch(store)
    futures = [batch.transact("request-1", adding("a")) for _ in range(3)]

    assert batch.go(*futures) == [b"a"] * 3
    assert stored_studies(store) == {"a"}


def test_another_call_under_an_id_of_its_batch_is_refused(store: SqlStore) -> None:
    """And changes nothing."""
    batch = Batch(store)
    good = batch.transact("request-1", adding("a"), "one")
    other = batch.transact("request-1", adding("b"), "other")

    first, error = batch.go(good, other)

    assert first == b"a"
    assert isinstance(error, RequestReusedError)
    assert stored_studies(store) == {"a"}


def test_a_repeat_among_new_calls_gets_its_first_answer(store: SqlStore) -> None:
    """Also where carrying it out again would be refused, or would not."""
    store.transact(call_of("request-1"), adding("a"))
    runs: list[int] = []

    def again(writer: Writer) -> bytes:
        runs.append(1)
        adding(f"again-{len(runs)}")(writer)
        return b"again"

    store.transact(call_of("request-2"), again)
    batch = Batch(store)
    refused = batch.transact("request-1", adding("a"))
    repeated = batch.transact("request-2", again)
    new = batch.transact("request-3", adding("b"))

    assert batch.go(refused, repeated, new) == [b"a", b"again", b"b"]
    assert stored_studies(store) == {"a", "again-1", "b"}


def test_the_journal_has_one_entry_for_each_call(store: SqlStore) -> None:
    """Who made it, when, and of what; refused and repeated calls leave none."""
    store.transact(call_of("request-1"), adding("a"))
    store.transact(call_of("request-1"), adding("a"))
    with pytest.raises(InvalidArgumentError):
        store.transact(call_of("request-2"), refusing)

    with store.read() as reader:
        (entry,) = reader.journal("p", before=None, limit=10)
        assert reader.journal("q", before=None, limit=10) == []
        assert reader.journal("p", before=entry.sequence, limit=10) == []

    assert entry.call == call_of("request-1")
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
