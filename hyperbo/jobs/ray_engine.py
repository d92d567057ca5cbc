"""Ray as an engine that runs jobs; needs the extra `ray`."""

import logging
import os
from collections.abc import Sequence
from typing import Any

from hyperbo.errors import MissingExtraError
from hyperbo.jobs.errands import WorkerLost
from hyperbo.jobs.parcels import Answer, answer_on_one_core

try:
    import ray
    import ray.exceptions
except ImportError as error:
    raise MissingExtraError(
        "Ray is not installed. Install the extra: pip install 'hyperbo[server,ray]'."
    ) from error


class RayEngine:
    """A connection to a Ray cluster, on which each job is a task with one core.

    Args:
        address: The cluster's. If None, a cluster of this machine alone is started, and ended.
        workers: How many jobs at once; twice as many as there are cores if None, so that no core
            waits for its next job, and a cluster that can grow sees that it should.
    """

    def __init__(self, address: str | None, workers: int | None) -> None:
        self._workers = workers
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        where: dict[str, Any] = {"address": address}
        if address is None:
            where = {"address": "local", "num_cpus": workers, "include_dashboard": False}
        ray.init(**where, log_to_driver=False, logging_level=logging.ERROR)
        # Losses are counted by the runner, of every kind alike: Ray retries some without end.
        self._task = ray.remote(num_cpus=1, max_retries=0)(answer_on_one_core)

    def capacity(self) -> int:
        """How many jobs should be on their way at once."""
        if self._workers is not None:
            return self._workers
        cores = ray.cluster_resources().get("CPU", 0)  # type: ignore[no-untyped-call]
        return max(1, 2 * int(cores))

    def submit(self, parcel: bytes) -> Any:
        """Begin a packed job."""
        return self._task.remote(parcel)

    def wait(self, handles: Sequence[Any], seconds: float) -> Sequence[Any]:
        """Those that have ended by then, as soon as there is one."""
        ended, _ = ray.wait(list(handles), num_returns=1, timeout=seconds)
        return ended

    def collect(self, handle: Any) -> Answer:
        """The answer of a task that has ended."""
        try:
            found: Answer = ray.get(handle)
        except ray.exceptions.RayTaskError as error:
            return Answer(None, f"The job cannot be run by a worker of Ray: {error}")
        except ray.exceptions.RayError as error:
            raise WorkerLost(str(error).strip()) from error
        return found

    def close(self, handles: Sequence[Any]) -> None:
        """Kill the workers of these tasks, and leave the cluster."""
        for handle in handles:
            ray.cancel(handle, force=True)
        ray.shutdown()
