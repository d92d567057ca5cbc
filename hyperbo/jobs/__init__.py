"""Work in pieces that can be done anywhere, at any time, and is resumed after a kill."""

from hyperbo.jobs.executors import Executor, ProcessExecutor, SerialExecutor, TimeLimited
from hyperbo.jobs.harness import (
    Progress,
    installed_versions,
    read_manifest,
    read_results,
    read_results_by_key,
    run_jobs,
)
from hyperbo.jobs.job import Failed, Finished, Job, attempt, canonical_json

__all__ = [
    "Executor",
    "Failed",
    "Finished",
    "Job",
    "ProcessExecutor",
    "Progress",
    "SerialExecutor",
    "TimeLimited",
    "attempt",
    "canonical_json",
    "installed_versions",
    "read_manifest",
    "read_results",
    "read_results_by_key",
    "run_jobs",
]
