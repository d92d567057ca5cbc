"""Runs that survive being killed: jobs in parallel, each result stored once as it comes.

A run's folder holds `manifest.json` (its settings and the versions it began with), one parquet
file a finished job in `results/`, the last traceback of each failed job in `failures/`, and a lock.
"""

import fcntl
import importlib.metadata
import json
import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from hyperbo.errors import JobsFailedError, StudyError
from hyperbo.files import write_atomically
from hyperbo.jobs.executors import Executor
from hyperbo.jobs.job import Failed, Finished, Job, canonical_json


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        total: Number of jobs in the run.
        finished: Jobs whose results are stored, those of earlier sessions included.
        resumed: How many of these an earlier session had done.
        failed: Jobs that failed in this session.
        latest: The job that just ended; None before the first.
    """

    total: int
    finished: int
    resumed: int
    failed: int
    latest: Job | None


def run_jobs(
    jobs: Sequence[Job],
    folder: Path,
    *,
    settings: Mapping[str, Any],
    executor: Executor,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> None:
    """Run the jobs whose results the folder does not hold yet, and store each as it finishes.

    Kill it at any time: what was finished is kept, and calling it again does the rest. Nothing is
    computed or stored twice.

    Args:
        jobs: All of the run's jobs, whatever of it was done before.
        folder: The run's folder; made if there is none.
        settings: What makes this run another than the next, as JSON; kept in the manifest.
        executor: Where the jobs run.
        on_progress: Called once before the first job and then after each.

    Raises:
        StudyError: If two jobs have the same settings, the folder belongs to a run with other
            settings, cannot be written to, or another process is at work in it.
        JobsFailedError: Once all others are done, if some failed.
    """
    _check_keys(jobs)
    with _writing(folder):
        (folder / "results").mkdir(parents=True, exist_ok=True)
        (folder / "failures").mkdir(exist_ok=True)
    with _locked(folder):
        _check_manifest(folder, settings)
        missing = [job for job in jobs if not _result_path(folder, job).exists()]
        resumed = len(jobs) - len(missing)
        failures: list[Failed] = []
        on_progress(Progress(len(jobs), resumed, resumed, 0, None))
        # Closed at once on Ctrl-C, so that no worker outlives the lock.
        with closing(executor.run(missing)) as outcomes:
            for done, outcome in enumerate(outcomes, start=1):
                _store(folder, outcome)
                if isinstance(outcome, Failed):
                    failures.append(outcome)
                finished = resumed + done - len(failures)
                on_progress(Progress(len(jobs), finished, resumed, len(failures), outcome.job))
    if failures:
        raise JobsFailedError(_describe(failures, len(jobs), folder))


def read_results(folder: Path) -> pd.DataFrame:
    """All results stored in a run's folder, one under the other, in the order of their keys.

    Raises:
        StudyError: If there is no run or no result, or a result is damaged.
    """
    results = read_results_by_key(folder)
    if not results:
        raise StudyError(f"There are no results in {folder} yet; run it first.")
    return pd.concat(results.values(), ignore_index=True)


def read_results_by_key(folder: Path) -> dict[str, pd.DataFrame]:
    """The result of each finished job, by its key, in the order of the keys; empty at first.

    Raises:
        StudyError: If there is no run, or a result is damaged.
    """
    if not (folder / "manifest.json").is_file():
        raise StudyError(f"{folder} is not the folder of a run: it has no manifest.json.")
    return {path.stem: _read(path) for path in sorted((folder / "results").glob("*.parquet"))}


def read_manifest(folder: Path) -> dict[str, Any]:
    """A run's manifest: `settings`, `versions`, `created`.

    Raises:
        StudyError: If it is missing or damaged.
    """
    path = folder / "manifest.json"
    try:
        manifest: dict[str, Any] = json.loads(path.read_text())
        settings, _ = manifest["settings"], manifest["versions"]
        canonical_json(settings)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudyError(f"{path} is missing or damaged ({error!r}). Take a new folder.") from error
    return manifest


def installed_versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on, where installed."""
    versions = {"python": platform.python_version()}
    for name in ("hyperbo", "jax", "jaxlib", "gpjax", "equinox", "optax", "numpy", "scipy"):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _check_keys(jobs: Sequence[Job]) -> None:
    seen: dict[str, Job] = {}
    for job in jobs:
        if job.key in seen:
            raise StudyError(
                f"Two jobs have the same settings, so one result would pass for both: {job.label}."
            )
        seen[job.key] = job


def _check_manifest(folder: Path, settings: Mapping[str, Any]) -> None:
    """Write the manifest of a new run; compare the settings of one that is resumed."""
    wanted = json.loads(canonical_json(settings))
    path = folder / "manifest.json"
    if path.exists():
        stored = read_manifest(folder)["settings"]
        if stored == wanted:
            return
        names = sorted(stored.keys() | wanted.keys())
        changes = [
            f"{name}: stored {stored.get(name)!r}, now {wanted.get(name)!r}"
            for name in names
            if stored.get(name) != wanted.get(name)
        ]
        raise StudyError(
            f"{folder} holds results of other settings ({'; '.join(changes)}). Resume it with "
            "the stored settings, or take another folder (--out, --folder)."
        )
    if any((folder / "results").iterdir()):
        raise StudyError(
            f"{folder} holds results but no manifest, so nobody can say of which run they are. "
            "Take another folder."
        )
    manifest = {
        "settings": wanted,
        "versions": installed_versions(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    text = json.dumps(manifest, indent=2)
    with _writing(folder):
        write_atomically(path, lambda temporary: temporary.write_text(text))


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the system frees it when the process ends, however it ends."""
    with _writing(folder):
        handle = (folder / "lock").open("a+")
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            handle.seek(0)
            raise StudyError(
                f"Another process is at work in {folder} ({handle.read().strip()}). "
                "Wait until it is done, or stop it and try again."
            ) from error
        handle.truncate(0)
        handle.write(f"process {os.getpid()} on {platform.node()}\n")
        handle.flush()
        # What a killed session left half written is nobody's any more.
        for partial in folder.glob("**/.*.partial"):
            partial.unlink()
        yield


def _result_path(folder: Path, job: Job) -> Path:
    return folder / "results" / f"{job.key}.parquet"


def _read(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise StudyError(
            f"{path} cannot be read as parquet: {error}. Delete it and run again in the same "
            "folder; only what is missing is computed."
        ) from error


def _store(folder: Path, outcome: Finished | Failed) -> None:
    failure = folder / "failures" / f"{outcome.job.key}.txt"
    with _writing(folder):
        if isinstance(outcome, Finished):
            path = _result_path(folder, outcome.job)
            table = outcome.table
            write_atomically(path, lambda temporary: table.to_parquet(temporary, index=False))
            failure.unlink(missing_ok=True)
            return
        text = f"{outcome.job.label}\n\n{outcome.reason}\n"
        write_atomically(failure, lambda temporary: temporary.write_text(text))


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Tell what a full disk, or a folder that cannot be, means for a run."""
    try:
        yield
    except OSError as error:
        raise StudyError(
            f"{folder} cannot be written to: {error}. What was stored before is kept; make room, "
            "or name a folder that you may write to, and run the same again to go on."
        ) from error


def _cause(reason: str) -> str:
    """The last line of a traceback that is of the error, and not a note of JAX's about itself."""
    lines = [line for line in reason.strip().splitlines() if line.strip("- ")]
    own = [line for line in lines if not line.startswith("For simplicity, JAX has removed")]
    return (own or lines or ["no reason was given"])[-1]


def _describe(failures: Sequence[Failed], total: int, folder: Path) -> str:
    lines = [
        f"{failure.job.key} ({failure.job.label}): {_cause(failure.reason)}"
        for failure in failures[:10]
    ]
    if len(failures) > 10:
        lines.append(f"and {len(failures) - 10} more")
    head = (
        f"{len(failures)} of {total} jobs failed; the results of the others are stored. Full "
        f"reports are in {folder / 'failures'}. Run it again to retry only these:"
    )
    return "\n  ".join([head, *lines])
