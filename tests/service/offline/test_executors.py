"""Executors by name."""

import sys

import pytest

from hyperbo.errors import MissingExtraError, StudyError
from hyperbo.jobs import Executor, ProcessExecutor, SerialExecutor
from hyperbo.jobs.slurm_executor import SlurmExecutor
from hyperbo_service.choices import ExecutorName
from hyperbo_service.errors import CommandError
from hyperbo_service.offline.executors import make_executor


@pytest.mark.parametrize(
    ("name", "workers", "address", "expected"),
    [
        (ExecutorName.PROCESSES, None, None, ProcessExecutor()),
        (ExecutorName.PROCESSES, 3, None, ProcessExecutor(3)),
        (ExecutorName.PROCESSES, 0, None, SerialExecutor()),
        (ExecutorName.SLURM, None, None, SlurmExecutor()),
        (ExecutorName.SLURM, 4, "cpu", SlurmExecutor("cpu", 4)),
    ],
)
def test_each_name_has_its_executor(
    name: ExecutorName, workers: int | None, address: str | None, expected: Executor
) -> None:
    """What the options say reaches the executor."""
    assert make_executor(name, workers, address) == expected


def test_processes_have_no_address() -> None:
    """An address that would be ignored is refused."""
    with pytest.raises(CommandError, match="--address is for --executor ray or slurm"):
        make_executor(ExecutorName.PROCESSES, None, "somewhere")


def test_a_cluster_is_not_this_process() -> None:
    """Zero workers are this process only where there is no cluster."""
    with pytest.raises(StudyError, match="At least one job"):
        make_executor(ExecutorName.SLURM, 0, None)


@pytest.mark.parametrize(
    ("name", "library", "module"),
    [
        (ExecutorName.RAY, "ray", "hyperbo.jobs.ray_executor"),
        (ExecutorName.SLURM, "submitit", "hyperbo.jobs.slurm_executor"),
    ],
)
def test_a_missing_library_names_its_extra(
    monkeypatch: pytest.MonkeyPatch, name: ExecutorName, library: str, module: str
) -> None:
    """The remedy is the extra to install."""
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, module, raising=False)

    with pytest.raises(MissingExtraError, match=rf"hyperbo\[server,{name.value}\]"):
        make_executor(name, None, None)
