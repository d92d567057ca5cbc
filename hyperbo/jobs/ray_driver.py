"""The process beside ours that speaks with Ray, so that Ray can neither hang nor end ours.

Connecting to an address where no cluster answers takes Ray minutes, in which it heeds no signal,
and a driver whose cluster goes away is ended by Ray. A process can be killed, and its end noticed.
"""

import os
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Protocol

from hyperbo.jobs.parcels import Answer

LOCAL = "local"
"""The address that stands for a cluster of this machine alone, which ends with its driver."""

MOST_LOSSES = 3
"""How often a job may lose its worker, to a crash or with its node, until it has failed."""

PAUSE = 0.2
"""Seconds for which outcomes are waited for until new jobs are looked for."""


class WorkerLost(Exception):  # noqa: N818 - an event that the driver answers, not an error
    """A job ended with its worker; the message says how."""


class Engine(Protocol):
    """What the driver needs of a cluster."""

    @property
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
        """Cancel jobs, and leave the cluster; end it if it is ours."""


@dataclass(frozen=True)
class Connecting:
    """The driver is there, and tries to reach the cluster."""


@dataclass(frozen=True)
class Refused:
    """The cluster cannot be used."""

    reason: str


@dataclass(frozen=True)
class Connected:
    """The cluster answers, and takes jobs."""

    capacity: int


@dataclass(frozen=True)
class Errand:
    """A job on its way to the cluster."""

    number: int
    parcel: bytes
    losses: int = 0


@dataclass(frozen=True, eq=False)
class Delivery:
    """The answer to an errand, and the capacity by now: clusters grow and shrink."""

    number: int
    answer: Answer
    capacity: int


def serve(connection: Connection, log: Path, address: str, workers: int | None) -> None:
    """The life of the driver's process: connect to Ray, and do errands until the other end closes.

    Args:
        connection: Takes an `Errand` for each job; gives `Connecting`, then `Refused`, or
            `Connected` and a `Delivery` for each errand.
        log: Where Ray's own output goes.
        address: The cluster's, or `local`.
        workers: How many jobs at once; a function of the cluster's cores if None.
    """
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    # Only this process may load Ray: it is large, and the others need it not.
    from hyperbo.jobs.ray_engine import RayEngine  # noqa: PLC0415

    drive(connection, lambda: RayEngine(address, workers))


def drive(connection: Connection, connect: Callable[[], Engine]) -> None:
    """Connect to an engine, and do errands until the connection's other end closes."""
    with suppress(OSError):
        connection.send(Connecting())
        try:
            engine = connect()
        except Exception as error:  # noqa: BLE001 - Ray raises whatever; the parent words it
            traceback.print_exc()
            connection.send(Refused(str(error) or type(error).__name__))
            return
        _work(connection, engine)


def _work(connection: Connection, engine: Engine) -> None:
    running: dict[Any, Errand] = {}
    # Read by a thread of its own: were both ends to write at once, neither would read.
    inbox: SimpleQueue[Errand | None] = SimpleQueue()
    Thread(target=_receive, args=(connection, inbox), daemon=True).start()
    try:
        connection.send(Connected(engine.capacity))
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
                connection.send(Delivery(errand.number, answer, engine.capacity))
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
