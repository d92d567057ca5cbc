"""Errands, on an engine that needs no cluster: bounds, losses, and how they end."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import Pipe
from threading import Thread
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hyperbo.jobs import Failed, Finished, Job
from hyperbo.jobs.errands import (
    Connected,
    Connecting,
    Delivery,
    Engine,
    Errand,
    Refused,
    WorkerLost,
    run_errands,
    send_all,
)
from hyperbo.jobs.parcels import Answer, answer, pack


@dataclass
class FakeEngine:
    """Runs jobs when their answers are collected, the last begun first.

    Attributes:
        wanted: How many jobs it wants at once.
        losses: How often each parcel still loses its worker.
        stays: Parcels that never end.
        begun: How often each parcel was begun.
        most: The most jobs that were on their way at once.
        closed: Jobs that were on their way when it was closed; None before.
    """

    wanted: int = 3
    losses: Counter[bytes] = field(default_factory=Counter)
    stays: frozenset[bytes] = frozenset()
    begun: Counter[bytes] = field(default_factory=Counter)
    most: int = 0
    closed: int | None = None
    _parcels: list[bytes] = field(default_factory=list)

    def capacity(self) -> int:
        """As wanted."""
        return self.wanted

    def submit(self, parcel: bytes) -> Any:
        """The handle is a number."""
        self.begun[parcel] += 1
        self._parcels.append(parcel)
        return len(self._parcels) - 1

    def wait(self, handles: Sequence[Any], seconds: float) -> Sequence[Any]:
        """The last that ends at all."""
        assert seconds > 0.0
        self.most = max(self.most, len(handles))
        return [each for each in handles if self._parcels[each] not in self.stays][-1:]

    def collect(self, handle: Any) -> Answer:
        """Run it, or lose its worker."""
        parcel = self._parcels[handle]
        if self.losses[parcel]:
            self.losses[parcel] -= 1
            raise WorkerLost("the node went away")
        return answer(parcel)

    def close(self, handles: Sequence[Any]) -> None:
        """Remember that."""
        self.closed = len(handles)


class ThreadRunner:
    """A runner in a thread of this process, at the other end of a pipe."""

    def __init__(self, engine: Engine) -> None:
        self._connection, self._theirs = Pipe()
        self.thread = Thread(target=self._run, args=(engine,), daemon=True)

    def _run(self, engine: Engine) -> None:
        run_errands(self._theirs, lambda: engine)

    def connect(self) -> int:
        """Start it, and hear that it is there."""
        self.thread.start()
        assert self._connection.recv() == Connecting()
        connected = self._connection.recv()
        assert isinstance(connected, Connected)
        return connected.capacity

    def send(self, errand: Errand) -> None:
        """Into the pipe."""
        self._connection.send(errand)

    def receive(self) -> Delivery:
        """Out of the pipe."""
        delivery: Delivery = self._connection.recv()
        return delivery

    def close(self) -> None:
        """Close our end, and wait until it has noticed."""
        self._connection.close()
        self.thread.join(30.0)
        assert not self.thread.is_alive()


def job_of(seed: int, rows: int = 1) -> Job:
    """A job whose table has so many rows."""
    return Job({"seed": seed}, pd.DataFrame, {"data": {"value": np.full(rows, seed)}})


def parcel_of(job: Job) -> bytes:
    """What the runner gets to see of it."""
    parcel = pack(job)
    assert isinstance(parcel, bytes)
    return parcel


@pytest.fixture
def engine() -> FakeEngine:
    """One engine."""
    return FakeEngine()


@pytest.fixture
def runner(engine: FakeEngine) -> Iterator[ThreadRunner]:
    """A runner of that engine, closed at the end."""
    runner = ThreadRunner(engine)
    yield runner
    if runner.thread.ident is not None:
        runner.close()


def test_every_job_has_one_outcome(engine: FakeEngine, runner: ThreadRunner) -> None:
    """In whatever order answers come, they find their jobs; a job that raises has failed."""
    jobs = [job_of(seed) for seed in range(8)]
    bad = Job({"fails": True}, pd.DataFrame, {"data": 3})
    unsendable = Job({"sent": False}, pd.DataFrame, {"data": lambda: None})

    found = list(send_all([*jobs[:4], bad, unsendable, *jobs[4:]], runner))

    assert len(found) == 10
    tables = {each.job.key: each.table for each in found if isinstance(each, Finished)}
    assert tables.keys() == {job.key for job in jobs}
    for job in jobs:
        assert tables[job.key].equals(pd.DataFrame(**job.arguments))
    reasons = {each.job.key: each.reason for each in found if isinstance(each, Failed)}
    assert "not properly called" in reasons[bad.key]
    assert "cannot be sent" in reasons[unsendable.key]
    assert 1 <= engine.most <= engine.wanted


def test_a_lost_worker_is_replaced(engine: FakeEngine, runner: ThreadRunner) -> None:
    """A job that loses its worker is begun again, twice at most; then it has failed."""
    unlucky, doomed = job_of(1), job_of(2)
    engine.losses = Counter({parcel_of(unlucky): 2, parcel_of(doomed): 9})

    found = {each.job.key: each for each in send_all([unlucky, doomed], runner)}

    assert isinstance(found[unlucky.key], Finished)
    failure = found[doomed.key]
    assert isinstance(failure, Failed)
    assert failure.reason == "The worker was lost 3 times: the node went away"
    assert set(engine.begun.values()) == {3}


def test_large_jobs_and_tables_pass_each_other(engine: FakeEngine, runner: ThreadRunner) -> None:
    """Both ends may write more than a pipe holds, and neither waits for the other for ever."""
    engine.wanted = 8
    jobs = [job_of(seed, rows=300_000) for seed in range(16)]

    found = list(send_all(jobs, runner))

    assert len(found) == 16
    assert all(isinstance(each, Finished) for each in found)


def test_closing_cancels(engine: FakeEngine, runner: ThreadRunner) -> None:
    """What is on its way when the other end closes is cancelled."""
    slow = [job_of(1), job_of(2)]
    engine.stays = frozenset(map(parcel_of, slow))
    outcomes = send_all([*slow, job_of(3)], runner)

    assert next(outcomes).job.key == job_of(3).key
    runner.close()

    assert engine.closed == 2


def test_a_cluster_that_refuses_is_quoted() -> None:
    """The runner ends with the reason in place of a connection."""
    ours, theirs = Pipe()

    def refuse() -> Engine:
        raise RuntimeError("Version mismatch")

    run_errands(theirs, refuse)

    assert ours.recv() == Connecting()
    assert ours.recv() == Refused("Version mismatch")
