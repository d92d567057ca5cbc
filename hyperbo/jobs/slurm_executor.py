"""Jobs on a Slurm cluster, many to an array job, each on one core; needs the extra `slurm`."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyperbo.errors import MissingExtraError, StudyError
from hyperbo.jobs.job import Failed, Finished, Job
from hyperbo.jobs.parcels import Answer, answer_on_one_core, pack

try:
    import submitit
except ImportError as error:
    raise MissingExtraError(
        "submitit is not installed. Install the extra: pip install 'hyperbo[server,slurm]'."
    ) from error

COMMANDS = ("sbatch", "srun", "squeue", "scancel")

LARGEST_ARRAY = 1000
"""Slurm's own limit unless a site has raised or lowered it."""


@dataclass(frozen=True)
class SlurmExecutor:
    """Runs jobs on a Slurm cluster, each as a task of an array job.

    Jobs and outcomes go through a folder, which the nodes must see as this machine does. What else
    Slurm should know is told by its own variables, such as `SBATCH_ACCOUNT`, `SBATCH_TIMELIMIT`
    and `SBATCH_MEM_PER_CPU`. Should this process be killed, its array jobs go on: `scancel` them.

    Attributes:
        partition: Where to run; Slurm's default partition if None.
        workers: How many jobs run at once; as many as Slurm lets if None. An array has at most ten
            times as many, should a site allow few jobs in its queue.
        folder: A folder for the exchange is made in this one, and removed at the end; the current
            folder if None.
        pause: Seconds between two looks into the folder.
        patience: Seconds between two looks into Slurm's queue. A job that is in neither for two
            looks was lost.
    """

    partition: str | None = None
    workers: int | None = None
    folder: Path | None = None
    pause: float = 1.0
    patience: float = 30.0

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise StudyError(f"At least one job must run at once, got {self.workers}.")

    def run(self, jobs: Sequence[Job]) -> Generator[Finished | Failed, None, None]:
        """Yield the outcomes as they come."""
        if not jobs:
            return
        _check_commands()
        waiting = deque(jobs)
        with _exchange_folder(self.folder or Path.cwd()) as folder:
            queue = _Queue(self, folder)
            try:
                while waiting or queue.is_busy:
                    if waiting and queue.has_room:
                        yield from queue.submit(waiting)
                    yield from queue.collect()
                    time.sleep(self.pause)
            finally:
                queue.cancel()


class _Queue:
    """The array jobs that were submitted, and those of their tasks that have no outcome yet."""

    def __init__(self, settings: SlurmExecutor, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._executor = submitit.SlurmExecutor(folder, max_pickle_size_gb=float("inf"))
        self._executor.update_parameters(
            job_name="hyperbo",
            partition=settings.partition,
            cpus_per_task=1,
            time=None,  # the partition's own, or the user's SBATCH_TIMELIMIT
            signal_delay_s=30,
            array_parallelism=settings.workers or LARGEST_ARRAY,
            setup=['export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"'],
        )
        self._running: dict[str, tuple[Job, Any]] = {}
        self._missed: set[str] = set()
        self._looked = time.monotonic()

    @property
    def is_busy(self) -> bool:
        """Whether an outcome is still to come."""
        return bool(self._running)

    @property
    def has_room(self) -> bool:
        """Whether the next array may follow: before the cluster idles, where it has no bound."""
        return len(self._running) <= (LARGEST_ARRAY // 2 if self._settings.workers is None else 0)

    def submit(self, waiting: deque[Job]) -> Iterator[Failed]:
        """Submit an array of waiting jobs; yield those that cannot be sent as failed."""
        workers = self._settings.workers
        most = LARGEST_ARRAY if workers is None else min(LARGEST_ARRAY, 10 * workers)
        jobs: list[Job] = []
        parcels: list[bytes] = []
        while waiting and len(parcels) < most:
            job = waiting.popleft()
            parcel = pack(job)
            if isinstance(parcel, Failed):
                yield parcel
            else:
                jobs.append(job)
                parcels.append(parcel)
        if parcels:
            tasks = _submit(self._executor, parcels)
            self._running |= {
                task.job_id: (job, task) for job, task in zip(jobs, tasks, strict=True)
            }

    def collect(self) -> Iterator[Finished | Failed]:
        """Yield what has ended since the last look, and what was lost."""
        lost: set[str] = set()
        if time.monotonic() - self._looked >= self._settings.patience:
            # The queue before the folder: a job that is no longer in it has written its result.
            absent = self._running.keys() - _in_queue(self._running)
            lost, self._missed = absent & self._missed, absent
            self._looked = time.monotonic()
        with os.scandir(self._folder) as entries:
            names = {entry.name for entry in entries}
        for number in list(self._running):
            job, task = self._running[number]
            if task.paths.result_pickle.name in names:
                outcome = _read(task).outcome(job)
            elif number in lost:
                outcome = Failed(job, _last_words(task))
            else:
                continue
            del self._running[number]
            for path in (task.paths.result_pickle, task.paths.submitted_pickle):
                path.unlink(missing_ok=True)
            yield outcome

    def cancel(self) -> None:
        """Cancel all that has no outcome yet."""
        if self._running:
            _call("scancel", *_arrays(self._running))


def answer_in_time(parcel: bytes) -> Answer:
    """Run a packed job in a Slurm task, and fail it by name if the time that Slurm gives ends."""
    signal.signal(signal.SIGUSR2, _end)
    return answer_on_one_core(parcel)


def _end(_signal: int, _frame: object) -> None:
    raise StudyError(
        "Slurm is about to end the job: its time is over, or it is preempted. Grant more time by "
        "the variable SBATCH_TIMELIMIT, or another partition by --address."
    )


def _check_commands() -> None:
    missing = [name for name in COMMANDS if shutil.which(name) is None]
    if missing:
        raise StudyError(
            f"Slurm's {', '.join(missing)} cannot be found on the PATH. Run this on a node from "
            "which jobs are submitted, or choose --executor processes or ray."
        )


@contextmanager
def _exchange_folder(parent: Path) -> Iterator[Path]:
    try:
        folder = Path(tempfile.mkdtemp(prefix="hyperbo-slurm-", dir=parent))
    except OSError as error:
        raise StudyError(
            f"No folder for Slurm's jobs can be made in {parent}: {error}. Start from a folder "
            "that you may write to, and that all nodes see."
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _submit(executor: Any, parcels: Sequence[bytes]) -> list[Any]:
    """Submit an array; a task for each parcel."""
    try:
        return list(executor.map_array(answer_in_time, parcels))
    except (RuntimeError, OSError) as error:
        said = str(error).strip().splitlines() or ["nothing"]
        raise StudyError(
            f"Slurm did not take the jobs ({said[-1]}). Choose a partition that sinfo lists by "
            "--address; if there are too many jobs, ask for fewer by --workers; what Slurm misses "
            "can be told by variables such as SBATCH_ACCOUNT."
        ) from error


def _arrays(numbers: Iterable[str]) -> list[str]:
    """The array jobs that tasks belong to."""
    return sorted({number.partition("_")[0] for number in numbers})


def _in_queue(numbers: Iterable[str]) -> set[str]:
    """Those tasks that wait or run; all of them if Slurm does not say."""
    arrays = ",".join(_arrays(numbers))
    asked = _call("squeue", "--noheader", "--array", "--format=%i", f"--jobs={arrays}")
    if asked.returncode == 0:
        return set(asked.stdout.split())
    # Slurm forgets jobs some minutes after their end, and says so if it has forgotten all.
    return set() if "Invalid job id" in asked.stderr else set(numbers)


def _call(*words: str) -> subprocess.CompletedProcess[str]:
    """Run one of Slurm's commands; a controller that is down makes it fail after a while."""
    return subprocess.run(words, check=False, capture_output=True, text=True)  # noqa: S603 - our own words


def _read(task: Any) -> Answer:
    """What the task left."""
    try:
        state, found = submitit.core.utils.pickle_load(task.paths.result_pickle)
    except Exception as error:  # noqa: BLE001 - a damaged pickle raises anything
        return Answer(None, f"The result of Slurm's job {task.job_id} cannot be read: {error!r}.")
    return found if state == "success" else Answer(None, str(found))


def _last_words(task: Any) -> str:
    """Why a task that left nothing ended, as far as its log tells."""
    try:
        log = task.paths.stderr.read_text(errors="replace").strip().splitlines()[-20:]
    except OSError:
        log = []
    end = f"Slurm's job {task.job_id} ended without a result. Its log: {log[-1] if log else 'none'}"
    return "\n".join([*log, end])
