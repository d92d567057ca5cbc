"""Jobs as errands that another process runs on an engine: what is said, and both ends of it."""

import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Protocol, runtime_checkable

from hyperbo.jobs.job import Failed, Finished, Job
from hyperbo.jobs.parcels import Answer, pack

MOST_LOSSES = 3
"""How often a job may lose its worker, to a crash or with its node, until it has failed."""

PAUSE = 0.2
"""Seconds for which outcomes are waited for until new jobs are looked for."""


class WorkerLost(Exception):  # noqa: N818 - an event that the runner answers, not an error
    """A job ended with its worker; the message says how."""


@dataclass(frozen=True)
class Connecting:
    """The runner is there, and tries to reach the engine."""


@dataclass(frozen=True)
class Refused:
    """The engine cannot be used.

    Attributes:
        reason: In the engine's words.
    """

    reason: str


@dataclass(frozen=True)
class Connected:
    """The engine takes jobs.

    Attributes:
        capacity: How many should be on their way at once.
    """

    capacity: int


@dataclass(frozen=True)
class Errand:
    """A job on its way to the engine.

    Attributes:
        number: Which.
        parcel: The packed job.
        losses: How often it has lost its worker.
    """

    number: int
    parcel: bytes
    losses: int = 0


@dataclass(frozen=True, eq=False)
class Delivery:
    """An errand done.

    Attributes:
        number: Which.
        answer: What became of it.
        capacity: How many should be on their way by now: clusters grow and shrink.
    """

    number: int
    answer: Answer
    capacity: int


@runtime_checkable
class Engine(Protocol):
    """What runs jobs, seen from the process that speaks with it."""

    def capacity(self) -> int:
        """How many jobs should be on their way at once."""

    def submit(self, parcel: bytes) -> Any:
        """Begin a packed job; the handle that stands for it is hashable."""

    def wait(self, handles: Sequence[Any], seconds: float) -> Sequence[Any]:
        """Those of the jobs that have ended; wait until one has, but no longer than told."""

    def collect(self, handle: Any) -> Answer:
        """The answer of a job that has ended.

        Raises:
            WorkerLost: If its worker ended before it.
        """

    def close(self, handles: Sequence[Any]) -> None:
        """Cancel jobs, and leave the engine; end it if it is ours."""


@runtime_checkable
class Runner(Protocol):
    """The process that speaks with an engine, seen from the one that has jobs."""

    def connect(self) -> int:
        """Reach the engine; how many jobs should be on their way at once."""

    def send(self, errand: Errand) -> None:
        """Send a job on its way."""

    def receive(self) -> Delivery:
        """Wait for the next answer."""


def send_all(jobs: Sequence[Job], runner: Runner) -> Iterator[Finished | Failed]:
    """Send jobs through a runner, never more at once than it wants, and yield what comes back."""
    waiting = deque(jobs)
    running: dict[int, Job] = {}
    capacity = runner.connect()
    while waiting or running:
        while waiting and len(running) < capacity:
            number, job = len(jobs) - len(waiting), waiting.popleft()
            parcel = pack(job)
            if isinstance(parcel, Failed):
                yield parcel
            else:
                running[number] = job
                runner.send(Errand(number, parcel))
        if running:
            delivery = runner.receive()
            capacity = delivery.capacity
            yield delivery.answer.outcome(running.pop(delivery.number))


def run_errands(connection: Connection, connect: Callable[[], Engine]) -> None:
    """A runner's life: connect to an engine, and do errands until the other end closes.

    Args:
        connection: Takes an `Errand` for each job; gives `Connecting`, then `Refused`, or
            `Connected` and a `Delivery` for each errand.
        connect: Reaches the engine; may raise whatever it likes.
    """
    with suppress(OSError):
        connection.send(Connecting())
        try:
            engine = connect()
        except Exception as error:  # noqa: BLE001 - the other end words it
            traceback.print_exc()
            connection.send(Refused(str(error).strip() or type(error).__name__))
            return
        _run(connection, engine)


def _run(connection: Connection, engine: Engine) -> None:
    running: dict[Any, Errand] = {}
    # Read by a thread of its own: were both ends to write at once, neither would read.
    inbox: SimpleQueue[Errand | None] = SimpleQueue()
    Thread(target=_receive, args=(connection, inbox), daemon=True).start()
    try:
        connection.send(Connected(engine.capacity()))
        while _begin(inbox, running, engine):
            for handle in engine.wait(list(running), PAUSE):
                errand = running.pop(handle)
                try:
                    answer = engine.collect(handle)
                except WorkerLost as loss:
                    if errand.losses + 1 < MOST_LOSSES:
                        again = replace(errand, losses=errand.losses + 1)
                        running[engine.submit(again.parcel)] = again
                        continue
                    answer = Answer(None, f"The worker was lost {MOST_LOSSES} times: {loss}")
                connection.send(Delivery(errand.number, answer, engine.capacity()))
    finally:
        engine.close(list(running))


def _begin(inbox: "SimpleQueue[Errand | None]", running: dict[Any, Errand], engine: Engine) -> bool:
    """Begin what came in, and wait for it if nothing runs; False once nothing will come."""
    while True:
        try:
            errand = inbox.get(block=not running)
        except Empty:
            return True
        if errand is None:
            return False
        running[engine.submit(errand.parcel)] = errand


def _receive(connection: Connection, inbox: "SimpleQueue[Errand | None]") -> None:
    with suppress(EOFError, OSError):
        while True:
            inbox.put(connection.recv())
    inbox.put(None)
