"""Jobs on their way to another process, and their outcomes on the way back."""

import os
import pickle
import traceback
from dataclasses import dataclass

import pandas as pd

from hyperbo.jobs.job import Failed, Finished, Job, attempt

SINGLE_THREADED = {
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "OMP_NUM_THREADS": "1",
}
"""Environment of a worker that has one core on a machine with others."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What a worker sends back; the job itself need not travel twice.

    Attributes:
        table: The job's table, checked; None if it has failed.
        reason: Why it has failed; empty if it has not.
    """

    table: pd.DataFrame | None
    reason: str = ""

    def outcome(self, job: Job) -> Finished | Failed:
        """The outcome of the job that this answers."""
        return Failed(job, self.reason) if self.table is None else Finished(job, self.table)


def pack(job: Job) -> bytes | Failed:
    """The job as bytes, or its failure if it cannot be sent."""
    try:
        return pickle.dumps(job)
    except Exception:  # noqa: BLE001 - pickling raises whatever the arguments' classes raise
        return Failed(job, f"The job cannot be sent to a worker.\n{traceback.format_exc()}")


def answer(parcel: bytes) -> Answer:
    """Run a packed job here and now."""
    try:
        job: Job = pickle.loads(parcel)  # noqa: S301 - packed by the process that started this one
    except Exception:  # noqa: BLE001 - unpickling imports the job's modules, which may raise
        return Answer(None, f"The job cannot be read by the worker.\n{traceback.format_exc()}")
    outcome = attempt(job)
    if isinstance(outcome, Failed):
        return Answer(None, outcome.reason)
    return Answer(outcome.table)


def answer_on_one_core(parcel: bytes) -> Answer:
    """Run a packed job where an engine granted one core, unless the user set otherwise.

    JAX reads the number of its threads when it is imported, which happens when the first job is
    unpacked; so this must come before.
    """
    for name, value in SINGLE_THREADED.items():
        os.environ.setdefault(name, value)
    return answer(parcel)
