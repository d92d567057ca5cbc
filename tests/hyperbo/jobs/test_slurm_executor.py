"""Slurm: every job gets exactly one outcome from an array job, whatever becomes of its task."""

import os
import signal
import sys
import threading
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from hyperbo.errors import StudyError
from hyperbo.jobs import Failed, Finished, Job
from hyperbo.jobs.parcels import pack
from hyperbo.jobs.slurm_executor import SlurmExecutor, answer_in_time


def job_of(seed: int) -> Job:
    """A job that workers can import, and need not import much for."""
    return Job({"seed": seed}, pd.DataFrame, {"data": {"value": [seed]}})


FAILING = {
    "not properly called": Job({"fails": "raises"}, pd.DataFrame, {"data": 3}),
    "exit code 3": Job({"fails": "dies"}, os._exit, {"status": 3}),
    "cannot be sent": Job({"fails": "lock"}, pd.DataFrame, {"data": threading.Lock()}),
}
"""A job for each way to fail, by words of the reason."""


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The queue of a fake Slurm, whose commands are on the path."""
    commands, queue = tmp_path / "bin", tmp_path / "queue"
    commands.mkdir()
    queue.mkdir()
    script = Path(__file__).with_name("fake_slurm.py")
    for name in ("sbatch", "srun", "squeue", "scancel"):
        call = f'#!/bin/sh\nexec "{sys.executable}" "{script}" {name} "$@"\n'
        (commands / name).write_text(call)
        (commands / name).chmod(0o755)
    monkeypatch.setenv("FAKE_SLURM", str(queue))
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    return queue


def executor_in(tmp_path: Path, *, workers: int, partition: str | None = None) -> SlurmExecutor:
    """An executor that does not wait long."""
    folder = tmp_path / "exchange"
    folder.mkdir()
    return SlurmExecutor(partition, workers, folder, pause=0.05, patience=0.2)


def test_every_job_has_one_outcome(tmp_path: Path, queue: Path) -> None:
    """Tables come back, failures are told from them and end nothing, and no file is left."""
    good = [job_of(seed) for seed in range(2)]
    jobs = [good[0], *FAILING.values(), good[1]]

    found = list(executor_in(tmp_path, workers=2).run(jobs))

    outcomes = {outcome.job.key: outcome for outcome in found}
    assert len(found) == len(jobs)
    assert outcomes.keys() == {job.key for job in jobs}
    for job in good:
        outcome = outcomes[job.key]
        assert isinstance(outcome, Finished)
        assert outcome.table.equals(pd.DataFrame(**job.arguments))
    for words, job in FAILING.items():
        outcome = outcomes[job.key]
        assert isinstance(outcome, Failed)
        assert words in outcome.reason
    assert len(list(queue.glob("*.submitted"))) == 1
    assert not list((tmp_path / "exchange").iterdir())


def test_jobs_are_submitted_by_arrays_and_lost_ones_noticed(tmp_path: Path, queue: Path) -> None:
    """An array has at most ten jobs for each that may run; what Slurm loses has failed."""
    jobs = [job_of(seed) for seed in range(25)]

    found = list(executor_in(tmp_path, workers=1, partition="void").run(jobs))

    assert {outcome.job.key for outcome in found} == {job.key for job in jobs}
    assert len(found) == 25
    assert all(isinstance(each, Failed) and "without a result" in each.reason for each in found)
    scripts = [path.read_text() for path in sorted(queue.glob("*.submitted"))]
    assert ["--array=0-9%1" in script for script in scripts] == [True, True, False]
    assert "--array=0-4%1" in scripts[2]


def test_closing_cancels(tmp_path: Path, queue: Path) -> None:
    """What still runs or waits then leaves the queue, and the exchange folder goes."""
    slow = [Job({"slow": place}, os.system, {"command": "sleep 600"}) for place in range(3)]
    outcomes = executor_in(tmp_path, workers=1).run([job_of(0), *slow])

    next(outcomes)
    waited = list(queue.glob("*.task"))
    outcomes.close()

    assert waited
    assert not list(queue.glob("*.task"))
    assert not list((tmp_path / "exchange").iterdir())


@pytest.mark.usefixtures("queue")
def test_a_refused_partition_is_named(tmp_path: Path) -> None:
    """The error has Slurm's own words and the remedy, and no file is left."""
    executor = executor_in(tmp_path, workers=1, partition="nowhere")

    with pytest.raises(StudyError, match=r"Invalid partition name specified.*--address"):
        list(executor.run([job_of(0)]))

    assert not list((tmp_path / "exchange").iterdir())


def test_without_slurm_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is submitted on a machine that has no Slurm; no jobs need none."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(StudyError, match=r"sbatch.*PATH.*--executor processes"):
        list(SlurmExecutor().run([job_of(0)]))
    assert list(SlurmExecutor().run([])) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, queue: Path) -> None:
    """The jobs go through a folder, so there must be one."""
    executor = SlurmExecutor(folder=tmp_path / "missing")

    with pytest.raises(StudyError, match=r"missing.*all nodes see"):
        list(executor.run([job_of(0)]))
    assert not list(queue.iterdir())


def test_the_end_of_time_has_a_reason() -> None:
    """Slurm's signal before it ends a task fails the job, and the remedy is told."""
    before = signal.getsignal(signal.SIGUSR2)
    parcel = pack(Job({}, partial(signal.raise_signal, signal.SIGUSR2)))
    assert isinstance(parcel, bytes)
    try:
        found = answer_in_time(parcel)
    finally:
        signal.signal(signal.SIGUSR2, before)

    assert found.table is None
    assert "SBATCH_TIMELIMIT" in found.reason


def test_somebody_must_work() -> None:
    """An array of nobody would wait for ever."""
    with pytest.raises(StudyError, match="At least one job"):
        SlurmExecutor(workers=0)
