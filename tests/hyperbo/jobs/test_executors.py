"""Executors: every job gets exactly one outcome, whatever becomes of it."""

import multiprocessing
import os
import threading
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

from hyperbo.benchmark import Run, branin, check_evaluations, hartmann4, record_function_run
from hyperbo.errors import StudyError
from hyperbo.jobs import (
    Executor,
    Failed,
    Finished,
    Job,
    ProcessExecutor,
    SerialExecutor,
    TimeLimited,
    executors,
)


def job_of(seed: int) -> Job:
    """A job that workers can import: records three points of Branin's function."""
    arguments = {
        "run": Run("study", "setting", "random", seed),
        "problem": branin(),
        "inputs": np.random.default_rng(seed).random((3, 2)),
        "seconds": np.zeros(3),
    }
    return Job({"seed": seed}, record_function_run, arguments, check_evaluations)


def failing_jobs() -> dict[str, Job]:
    """One job for each way to fail, by a word of the reason."""
    wrong = dict(job_of(7).arguments) | {"problem": hartmann4()}
    return {
        "takes points of 4": Job({"fails": "raises"}, record_function_run, wrong),
        "exit code 3": Job({"fails": "dies"}, os._exit, {"status": 3}),
        "cannot be sent": Job({"fails": "lock"}, record_function_run, {"lock": threading.Lock()}),
    }


def test_processes_give_what_serial_gives() -> None:
    """Results are the same, job by job; failures are told from results and end nothing."""
    good = [job_of(seed) for seed in range(4)]
    bad = failing_jobs()
    jobs = [good[0], *bad.values(), *good[1:]]

    outcomes = {outcome.job.key: outcome for outcome in ProcessExecutor(1).run(jobs)}

    assert outcomes.keys() == {job.key for job in jobs}
    for expected in SerialExecutor().run(good):
        outcome = outcomes[expected.job.key]
        assert isinstance(expected, Finished)
        assert isinstance(outcome, Finished)
        assert outcome.table.equals(expected.table)
    for words, job in bad.items():
        outcome = outcomes[job.key]
        assert isinstance(outcome, Failed)
        assert words in outcome.reason


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system does not pin")
def test_each_worker_has_a_core_and_stays() -> None:
    """Workers are pinned to one core each, this process is not, and closing ends them."""
    mine = os.sched_getaffinity(0)
    outcomes = ProcessExecutor(2).run([job_of(seed) for seed in range(4)])

    next(outcomes)
    workers = multiprocessing.active_children()
    cores = [os.sched_getaffinity(worker.pid or 0) for worker in workers]
    outcomes.close()

    assert [len(core) for core in cores] == [1, 1]
    assert len(set.union(*cores)) == min(2, len(mine))
    assert os.sched_getaffinity(0) == mine
    assert not any(worker.is_alive() for worker in workers)


@pytest.mark.parametrize("executor", [SerialExecutor(), ProcessExecutor(2)], ids=["serial", "pool"])
def test_no_jobs_no_outcomes(executor: Executor) -> None:
    """An empty list is done at once."""
    assert list(executor.run([])) == []


def test_a_pool_needs_a_worker() -> None:
    """A pool of nobody would wait for ever."""
    with pytest.raises(StudyError, match="at least one worker"):
        ProcessExecutor(0)


@dataclass
class Clocked:
    """Runs jobs, each of which takes ten seconds of a clock of its own."""

    now: float = 0.0
    begun: list[Job] = field(default_factory=list)
    is_closed: bool = False

    def run(self, jobs: Sequence[Job]) -> Generator[Finished | Failed, None, None]:
        """Yield the outcomes, the clock going on."""
        try:
            for job in jobs:
                self.begun.append(job)
                self.now += 10.0
                yield Finished(job, pd.DataFrame())
        finally:
            self.is_closed = True


@pytest.mark.parametrize(("seconds", "done"), [(0.0, 0), (1.0, 1), (10.0, 1), (11.0, 2), (99.0, 4)])
def test_limited_time_begins_nothing_more(
    monkeypatch: pytest.MonkeyPatch, seconds: float, done: int
) -> None:
    """Once the time is over no job begins, what had ended is told, and the workers are ended."""
    engine = Clocked()
    monkeypatch.setattr(executors.time, "monotonic", lambda: engine.now)
    jobs = [job_of(seed) for seed in range(4)]

    outcomes = list(TimeLimited(engine, seconds).run(jobs))

    assert [outcome.job for outcome in outcomes] == engine.begun == jobs[:done]
    assert engine.is_closed == (done > 0)


def test_limited_time_is_an_executor() -> None:
    """It stands wherever another does."""
    assert isinstance(TimeLimited(SerialExecutor(), 0.0), Executor)
