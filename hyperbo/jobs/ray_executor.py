"""Jobs on a Ray cluster, each on one core; needs the extra `ray`.

Ray runs in a process beside ours: where no cluster answers, it tries for minutes, heeding no
signal, and where its cluster goes away, it ends its process. That one can be killed, and its end
noticed.
"""

import importlib.util
import os
import re
import socket
import tempfile
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from hyperbo.errors import MissingExtraError, StudyError
from hyperbo.jobs.errands import Connecting, Delivery, Errand, Refused, run_errands, send_all
from hyperbo.jobs.interrupts import interrupts_held
from hyperbo.jobs.job import Failed, Finished, Job

if importlib.util.find_spec("ray") is None:
    raise MissingExtraError(
        "Ray is not installed. Install the extra: pip install 'hyperbo[server,ray]'."
    )


@dataclass(frozen=True)
class RayExecutor:
    """Runs jobs as tasks on a Ray cluster, whose nodes need the same packages as this machine.

    A job that loses its worker, or the node that it ran on, is begun again; one that does three
    times has failed.

    Attributes:
        address: The cluster's: `host:port`, `ray://host:port` or `auto`. If None, what the variable
            `RAY_ADDRESS` says, else a cluster of this machine alone is started, and ended.
        workers: How many jobs run at once; as many as the cluster has cores if None.
        patience: Seconds within which a cluster must have answered.
    """

    address: str | None = None
    workers: int | None = None
    patience: float = 30.0

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise StudyError(f"At least one job must run at once, got {self.workers}.")

    def run(self, jobs: Sequence[Job]) -> Generator[Finished | Failed, None, None]:
        """Yield the outcomes as they come."""
        if not jobs:
            return
        with closing(_Process(self)) as process:
            yield from send_all(jobs, process)


def serve(connection: Connection, log: Path, address: str | None, workers: int | None) -> None:
    """The life of the process that speaks with Ray, whose own output goes into a file."""
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    # Only this process may load Ray.
    from hyperbo.jobs.ray_engine import RayEngine  # noqa: PLC0415

    run_errands(connection, lambda: RayEngine(address, workers))


class _Process:
    """The process that speaks with Ray, and the pipe to it."""

    def __init__(self, settings: RayExecutor) -> None:
        self._address = settings.address or os.environ.get("RAY_ADDRESS") or None
        self._patience = settings.patience
        self._workers = settings.workers
        self._folder = tempfile.TemporaryDirectory(prefix="hyperbo-ray-")
        self._log = Path(self._folder.name) / "ray.log"
        context = get_context("spawn")
        self._connection, self._theirs = context.Pipe()
        self._process = context.Process(
            target=serve,
            args=(self._theirs, self._log, self._address, self._workers),
            daemon=True,
        )
        self._grace = 0.0

    def connect(self) -> int:
        """Reach the cluster; how many jobs it should be sent at once.

        Raises:
            StudyError: If it does not answer in time, or refuses.
        """
        self._knock()
        with interrupts_held():
            self._process.start()
        # Only the process may hold its end: so the pipe closes when it ends.
        self._theirs.close()
        if not isinstance(self._receive(), Connecting):
            raise StudyError("The process that speaks with Ray spoke out of turn.")
        # A cluster of our own comes up, or Ray gives up; it may take longer on a busy machine.
        if self._address is not None and not self._connection.poll(self._patience):
            raise StudyError(
                f"No Ray cluster answers at {self._address}: it was waited for {self._patience:g} "
                f"seconds. {_REMEDY}"
            )
        said = self._receive()
        if isinstance(said, Refused):
            raise StudyError(
                f"The Ray cluster {self._place} cannot be used: {said.reason} {_REMEDY}"
            )
        self._grace = _FAREWELL
        capacity: int = said.capacity
        return capacity

    def send(self, errand: Errand) -> None:
        """Send a job on its way."""
        try:
            self._connection.send(errand)
        except OSError as error:
            raise self._lost() from error

    def receive(self) -> Delivery:
        """Wait for the next answer."""
        delivery: Delivery = self._receive()
        return delivery

    def close(self) -> None:
        """Let the process cancel its tasks and leave the cluster; kill it if it does not."""
        self._connection.close()
        self._theirs.close()
        if self._process.pid is not None:
            self._process.join(self._grace)
            self._process.kill()
            self._process.join()
        self._folder.cleanup()

    @property
    def _place(self) -> str:
        return "on this machine" if self._address is None else f"at {self._address}"

    def _knock(self) -> None:
        """See whether somebody listens at the address, which Ray itself tries for minutes."""
        found = re.fullmatch(r"(?:ray://)?\[?([^/]+?)\]?:(\d+)", self._address or "")
        if found is None:
            return
        try:
            socket.create_connection((found[1], int(found[2])), self._patience).close()
        except (OSError, OverflowError) as error:
            raise StudyError(
                f"No Ray cluster answers at {self._address}: {error}. {_REMEDY}"
            ) from error

    def _receive(self) -> Any:
        try:
            return self._connection.recv()
        except (EOFError, OSError) as error:
            raise self._lost() from error

    def _lost(self) -> StudyError:
        """What became of the process, as far as its log tells."""
        self._process.join(_FAREWELL)
        log = self._log.read_text(errors="replace").strip() if self._log.exists() else ""
        last = log.splitlines()[-1] if log else "Its log is empty."
        return StudyError(
            f"The connection to the Ray cluster {self._place} was lost. Ray's last words: {last} "
            "Results so far are kept; once the cluster is there again, run the same again to go on."
        )


_FAREWELL = 20.0
"""Seconds that the process has to cancel its tasks and end a cluster of its own."""

_REMEDY = (
    "Give --address HOST:PORT of a cluster's head (start one with: ray start --head), or leave it "
    "out to run on this machine."
)
