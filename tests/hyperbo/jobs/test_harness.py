"""The harness: killed at any time, it resumes; nothing is lost, doubled or mixed."""

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hyperbo.benchmark import (
    RUN_COLUMNS,
    Run,
    branin,
    check_evaluations,
    merge,
    record_function_run,
)
from hyperbo.errors import StudyError
from hyperbo.files import write_atomically
from hyperbo.jobs import (
    Job,
    Progress,
    SerialExecutor,
    harness,
    read_manifest,
    read_results,
    read_results_by_key,
    run_jobs,
)

SETTINGS = {"data": "branin", "trials": 3}


def run_branin(seed: int) -> pd.DataFrame:
    """A run of three random points."""
    points = np.random.default_rng(seed).random((3, 2))
    return record_function_run(Run("s", "s", "random", seed), branin(), points, np.zeros(3))


@dataclass
class Recorder:
    """Runs jobs, remembers which, and does something else instead for one of them."""

    trouble: dict[int, Callable[[], object]] = field(default_factory=dict)
    calls: list[int] = field(default_factory=list)

    def __call__(self, seed: int) -> pd.DataFrame:
        """Do what is to be done for this seed."""
        self.calls.append(seed)
        if seed in self.trouble:
            self.trouble[seed]()
        return run_branin(seed)


def jobs_of(function: Callable[[int], pd.DataFrame], seeds: range) -> list[Job]:
    """One job a seed."""
    return [Job({"seed": seed}, function, {"seed": seed}, check_evaluations) for seed in seeds]


def run_study(folder: Path, function: Callable[[int], pd.DataFrame]) -> None:
    """Run five seeds in this process."""
    run_jobs(jobs_of(function, range(5)), folder, settings=SETTINGS, executor=SerialExecutor())


def interrupt() -> None:
    """What Ctrl-C does."""
    raise KeyboardInterrupt


def fail() -> None:
    """What a broken method does."""
    raise ValueError("the method is broken")


def test_interrupted_study_resumes_without_doubled_rows(tmp_path: Path) -> None:
    """Only what was not finished is run again, and the merged table is that of one session."""
    first = Recorder(trouble={3: interrupt})
    with pytest.raises(KeyboardInterrupt):
        run_study(tmp_path, first)
    second = Recorder()

    run_study(tmp_path, second)

    assert first.calls == [0, 1, 2, 3]
    assert second.calls == [3, 4]
    merged = merge(tmp_path)
    assert not merged.duplicated([*RUN_COLUMNS, "trial"]).any()
    order = [*RUN_COLUMNS, "trial"]
    expected = pd.concat([run_branin(seed) for seed in range(5)], ignore_index=True)
    pd.testing.assert_frame_equal(
        merged.sort_values(order, ignore_index=True).drop(columns="point"),
        expected.drop(columns="point"),
    )


SCRIPT = """
import os, signal, sys
from pathlib import Path
import numpy as np
from hyperbo.benchmark import Run, branin, record_function_run
from hyperbo.jobs import Job, SerialExecutor, run_jobs

def run(seed):
    if seed == 3:
        Path(sys.argv[1], "results", ".half.parquet.1.partial").write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)
    points = np.random.default_rng(seed).random((3, 2))
    return record_function_run(Run("s", "s", "random", seed), branin(), points, np.zeros(3))

jobs = [Job({"seed": seed}, run, {"seed": seed}) for seed in range(5)]
settings = {"data": "branin", "trials": 3}
run_jobs(jobs, Path(sys.argv[1]), settings=settings, executor=SerialExecutor())
"""


def test_killed_study_resumes(tmp_path: Path) -> None:
    """After kill -9 the lock is free, finished results stand, half-written ones are gone."""
    killed = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    recorder = Recorder()

    run_study(tmp_path, recorder)

    assert recorder.calls == [3, 4]
    assert len(merge(tmp_path)) == 15
    assert not list(tmp_path.glob("**/*.partial"))


def test_finished_study_runs_nothing(tmp_path: Path) -> None:
    """Running a finished study again is free, and changes nothing."""
    run_study(tmp_path, run_branin)
    before = merge(tmp_path)
    recorder = Recorder()

    run_study(tmp_path, recorder)

    assert recorder.calls == []
    assert merge(tmp_path).equals(before)


def test_failed_job_is_reported_and_retried(tmp_path: Path) -> None:
    """The others are finished first; the error names the key; the next session runs only it."""
    broken = Job({"seed": 1}, run_branin).key
    with pytest.raises(StudyError, match=f"1 of 5 jobs failed.*\n.*{broken}.*method is broken"):
        run_study(tmp_path, Recorder(trouble={1: fail}))
    report = tmp_path / "failures" / f"{broken}.txt"
    assert "in fail" in report.read_text()
    assert len(merge(tmp_path)) == 12
    recorder = Recorder()

    run_study(tmp_path, recorder)

    assert recorder.calls == [1]
    assert not report.exists()


def test_many_failures_are_summed_up(tmp_path: Path) -> None:
    """The message lists ten and counts the rest."""
    recorder = Recorder(trouble=dict.fromkeys(range(13), fail))

    with pytest.raises(StudyError, match=r"13 of 13 jobs failed(.|\n)*and 3 more"):
        run_jobs(
            jobs_of(recorder, range(13)), tmp_path, settings=SETTINGS, executor=SerialExecutor()
        )


def test_other_settings_are_refused(tmp_path: Path) -> None:
    """A folder belongs to one study; the error says what differs, and nothing is run."""
    run_study(tmp_path, run_branin)
    recorder = Recorder()

    with pytest.raises(StudyError, match=r"trials: stored 3, now 4.*another folder"):
        run_jobs(
            jobs_of(recorder, range(6)),
            tmp_path,
            settings=SETTINGS | {"trials": 4},
            executor=SerialExecutor(),
        )

    assert recorder.calls == []
    assert len(merge(tmp_path)) == 15


def test_second_session_at_once_is_refused(tmp_path: Path) -> None:
    """While one session works in the folder, another is told which process it is."""

    def run_again() -> None:
        with pytest.raises(StudyError, match=f"Another process .*process {os.getpid()}"):
            run_study(tmp_path, run_branin)

    run_study(tmp_path, Recorder(trouble={2: run_again}))

    assert len(merge(tmp_path)) == 15


def test_equal_settings_are_refused(tmp_path: Path) -> None:
    """Two jobs with one key would share one result."""
    jobs = [*jobs_of(run_branin, range(2)), *jobs_of(run_branin, range(1))]

    with pytest.raises(StudyError, match="same settings"):
        run_jobs(jobs, tmp_path, settings=SETTINGS, executor=SerialExecutor())


def test_progress_counts_up(tmp_path: Path) -> None:
    """Progress is told before the first job and after each, resumed and failed ones counted."""
    with pytest.raises(StudyError):
        run_study(tmp_path, Recorder(trouble={0: fail, 1: fail}))
    heard: list[Progress] = []

    with pytest.raises(StudyError):
        run_jobs(
            jobs_of(Recorder(trouble={1: fail}), range(5)),
            tmp_path,
            settings=SETTINGS,
            executor=SerialExecutor(),
            on_progress=heard.append,
        )

    assert [(told.finished, told.failed) for told in heard] == [(3, 0), (4, 0), (4, 1)]
    assert {(told.total, told.resumed) for told in heard} == {(5, 3)}


def test_manifest_says_what_was_run(tmp_path: Path) -> None:
    """It holds the settings, and the versions of what the results depend on."""
    run_study(tmp_path, run_branin)

    manifest = read_manifest(tmp_path)

    assert manifest["settings"] == SETTINGS
    assert manifest["versions"]["numpy"] == np.__version__


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"settings": {}})])
def test_damaged_manifest_is_refused(tmp_path: Path, text: str) -> None:
    """A study whose settings cannot be read is not resumed on a guess."""
    run_study(tmp_path, run_branin)
    (tmp_path / "manifest.json").write_text(text)

    with pytest.raises(StudyError, match="missing or damaged"):
        run_study(tmp_path, run_branin)


def test_results_without_a_manifest_are_refused(tmp_path: Path) -> None:
    """Nobody can say which study they are of."""
    run_study(tmp_path, run_branin)
    (tmp_path / "manifest.json").unlink()

    with pytest.raises(StudyError, match="no manifest"):
        run_study(tmp_path, run_branin)


def test_merge_names_a_damaged_result(tmp_path: Path) -> None:
    """A truncated result is named, with the remedy."""
    run_study(tmp_path, run_branin)
    victim = sorted((tmp_path / "results").iterdir())[2]
    victim.write_bytes(victim.read_bytes()[:50])

    with pytest.raises(StudyError, match=f"{victim.name} cannot be read.*Delete it"):
        merge(tmp_path)


def test_merge_refuses_doubled_rows(tmp_path: Path) -> None:
    """A result that was copied under another name does not count twice."""
    run_study(tmp_path, run_branin)
    victim = sorted((tmp_path / "results").iterdir())[0]
    (tmp_path / "results" / "copy.parquet").write_bytes(victim.read_bytes())

    with pytest.raises(StudyError, match="doubled"):
        merge(tmp_path)


def test_merge_of_nothing_is_an_error(tmp_path: Path) -> None:
    """Neither a folder of something else nor an empty study is an empty table."""
    with pytest.raises(StudyError, match="not the folder of a run"):
        merge(tmp_path)
    run_jobs([], tmp_path, settings=SETTINGS, executor=SerialExecutor())
    with pytest.raises(StudyError, match="no results in"):
        merge(tmp_path)


@pytest.mark.parametrize("fails", [False, True], ids=["result", "failure"])
def test_full_disk_keeps_what_was_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    """A result, or a report, that cannot be written ends the session with the remedy."""
    recorder = Recorder(trouble={2: fail} if fails else {})
    full = Job({"seed": 2}, run_branin).key

    def write(path: Path, content: Callable[[Path], object]) -> None:
        if path.stem == full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_atomically(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(harness, "write_atomically", write)
        with pytest.raises(StudyError, match=r"No space left.*stored before is kept; make room"):
            run_study(tmp_path, recorder)
    assert len(merge(tmp_path)) == 6
    again = Recorder()

    run_study(tmp_path, again)

    assert again.calls == [2, 3, 4]
    assert len(merge(tmp_path)) == 15


def test_results_are_told_apart_by_key(tmp_path: Path) -> None:
    """Each finished job's table is found by its key, and all of them under one another."""
    run_jobs([], tmp_path, settings=SETTINGS, executor=SerialExecutor())
    assert read_results_by_key(tmp_path) == {}
    run_study(tmp_path, run_branin)

    found = read_results_by_key(tmp_path)

    assert list(found) == sorted(Job({"seed": seed}, run_branin).key for seed in range(5))
    for seed in range(5):
        pd.testing.assert_frame_equal(found[Job({"seed": seed}, run_branin).key], run_branin(seed))
    pd.testing.assert_frame_equal(
        read_results(tmp_path), pd.concat(found.values(), ignore_index=True)
    )


def test_a_note_of_jax_is_no_reason() -> None:
    """The error's own line is told, and not what JAX says of its traceback."""
    reason = (
        "Traceback\n\nValueError: too large\n--------------------\n"
        "For simplicity, JAX has removed its internal frames from the traceback.\n"
    )

    assert harness._cause(reason) == "ValueError: too large"
    assert harness._cause("\n") == "no reason was given"


def test_a_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    """A file in its place, as a full disk, is an error of the study with the remedy."""
    (tmp_path / "file").write_text("")

    with pytest.raises(StudyError, match=r"file.* cannot be written to: .*name a folder that you"):
        run_study(tmp_path / "file" / "study", run_branin)
