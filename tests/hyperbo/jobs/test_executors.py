"""Executors: every job gets exactly one outcome, whatever becomes of it."""

import multiprocessing
import os
import threading

import numpy as np
import pytest

from hyperbo.benchmark import Run, branin, check_evaluations, hartmann4, record_function_run
from hyperbo.errors import StudyError
from hyperbo.jobs import Executor, Failed, Finished, Job, ProcessExecutor, SerialExecutor


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
