"""Where jobs run: in this process, or in a pool of worker processes with a core each."""

import os
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Protocol, cast, runtime_checkable

from hyperbo.errors import StudyError
from hyperbo.jobs.interrupts import interrupts_held
from hyperbo.jobs.job import Failed, Finished, Job, attempt
from hyperbo.jobs.parcels import Answer, answer, pack


@runtime_checkable
class Executor(Protocol):
    """A way to run jobs; a cluster's engine joins by offering this one method."""

    def run(self, jobs: Sequence[Job]) -> Generator[Finished | Failed, None, None]:
        """Run every job once and yield each outcome as soon as it is known, in any order.

        A job that raises, or takes its worker down with it, is yielded as failed, and the others
        go on. Closing the generator before its end stops the workers.
        """


@dataclass(frozen=True)
class SerialExecutor:
    """Runs jobs one after the other in this process: for tests and for debugging."""

    def run(self, jobs: Sequence[Job]) -> Generator[Finished | Failed, None, None]:
        """Yield the outcomes in the order of the jobs."""
        for job in jobs:
            yield attempt(job)


@dataclass(frozen=True)
class ProcessExecutor:
    """Runs jobs in worker processes that import once and stay.

    Each worker is started afresh (not forked: JAX's threads do not survive a fork) and pinned to a
    core of its own where the system allows it. Two JAX processes that share cores slow each other
    down many times over, and JAX settles the number of its threads when it is imported; so the core
    is set before the worker's first instruction. Should this process be killed, its workers end
    with their current job.

    Attributes:
        workers: Number of processes; one for each core that this process may use by default.
    """

    workers: int | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise StudyError(f"A pool needs at least one worker, got {self.workers}.")

    def run(self, jobs: Sequence[Job]) -> Generator[Finished | Failed, None, None]:
        """Yield the outcomes as they come."""
        cores = _available_cores()
        wanted = self.workers if self.workers is not None else len(cores)
        workers = [_Worker(cores[slot % len(cores)]) for slot in range(min(wanted, len(jobs)))]
        waiting = deque(jobs)
        try:
            for worker in workers:
                yield from _occupy(worker, waiting)
            while busy := {w.connection: w for w in workers if w.connection and w.job}:
                for connection in wait(list(busy)):
                    worker = busy[cast("Connection", connection)]
                    outcome = worker.collect()
                    # Before yielding, so that the worker is not idle while the result is stored.
                    unsendable = list(_occupy(worker, waiting))
                    yield outcome
                    yield from unsendable
        finally:
            for worker in workers:
                worker.stop()


@dataclass(frozen=True)
class TimeLimited:
    """Begins nothing new once its time is over, so that long work can be done by instalments.

    The jobs that run then are given up, as soon as one of them ends.

    Attributes:
        executor: Where the jobs run.
        end: When to stop, by `time.monotonic`.
    """

    executor: Executor
    end: float

    def run(self, jobs: Sequence[Job]) -> Generator[Finished | Failed, None, None]:
        """Yield the outcomes until the time is over; none if it is over already."""
        if time.monotonic() >= self.end:
            return
        with closing(self.executor.run(jobs)) as outcomes:
            for outcome in outcomes:
                yield outcome
                if time.monotonic() >= self.end:
                    return


def _occupy(worker: "_Worker", waiting: deque[Job]) -> Iterator[Failed]:
    """Give the worker the first waiting job that can be sent; yield those before it as failed."""
    while waiting and worker.job is None:
        job = waiting.popleft()
        parcel = pack(job)
        if isinstance(parcel, Failed):
            yield parcel
        else:
            worker.start(job, parcel)


class _Worker:
    """One worker process, the pipe to it, and the job it is at; started anew when it has died."""

    def __init__(self, core: int | None) -> None:
        self._core = core
        self._process: SpawnProcess | None = None
        self.connection: Connection | None = None
        self.job: Job | None = None

    def start(self, job: Job, parcel: bytes) -> None:
        """Send a packed job; if the worker has died since its last, `collect` finds out."""
        if self.connection is None:
            self.connection = self._launch()
        self.job = job
        with suppress(OSError):
            self.connection.send_bytes(parcel)

    def collect(self) -> Finished | Failed:
        """Receive the outcome of the job the worker is at, and free the worker."""
        if self.connection is None or self.job is None or self._process is None:
            raise StudyError("A worker that was given no job has no outcome.")
        job, self.job = self.job, None
        try:
            found: Answer = self.connection.recv()
        except (EOFError, OSError):
            self._process.join()
            code = self._process.exitcode
            self.stop()
            return Failed(
                job,
                f"The worker died with exit code {code}. (-9: it was killed, perhaps because "
                "memory ran out; then use fewer workers.)",
            )
        return found.outcome(job)

    def stop(self) -> None:
        """End the worker, whatever it is doing."""
        if self.connection is not None and self._process is not None:
            self.connection.close()
            self._process.terminate()
            self._process.join()
        self.connection = self._process = self.job = None

    def _launch(self) -> Connection:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        with _pinned_to(self._core), interrupts_held():
            self._process.start()
        # Only the worker may hold its end: so the pipe closes when the worker dies.
        theirs.close()
        return ours


def _serve(connection: Connection) -> None:
    """A worker's life: answer jobs until the pipe closes."""
    with suppress(EOFError, OSError):
        while True:
            connection.send(answer(connection.recv_bytes()))


def _available_cores() -> list[int | None]:
    """Cores this process may use; None for each where the system cannot pin."""
    if hasattr(os, "sched_getaffinity"):
        return [*sorted(os.sched_getaffinity(0))]
    return [None] * (os.cpu_count() or 1)


@contextmanager
def _pinned_to(core: int | None) -> Iterator[None]:
    """Pin this thread for a moment, so that a process started meanwhile inherits the core."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
