"""Where a command's jobs run, by name."""

from collections.abc import Callable, Mapping

from hyperbo.jobs import Executor, ProcessExecutor, SerialExecutor
from hyperbo_service.choices import ExecutorName
from hyperbo_service.errors import CommandError


def make_executor(name: ExecutorName, workers: int | None, address: str | None) -> Executor:
    """The executor of that name.

    Args:
        name: Which.
        workers: How many jobs at once; the engine's own choice if None. Zero processes are this
            process itself.
        address: Where the engine is, for one that is somewhere.

    Raises:
        CommandError: If an address is given to one that has none.
        MissingExtraError: If the engine's library is not installed.
        StudyError: If nobody would work.
    """
    return _EXECUTORS[name](workers, address)


def _processes(workers: int | None, address: str | None) -> Executor:
    if address is not None:
        raise CommandError("--address is for --executor ray or slurm; leave it out.")
    return SerialExecutor() if workers == 0 else ProcessExecutor(workers)


def _ray(workers: int | None, address: str | None) -> Executor:
    from hyperbo.jobs.ray_executor import RayExecutor  # noqa: PLC0415 - needs the extra `ray`

    return RayExecutor(address, workers)


def _slurm(workers: int | None, address: str | None) -> Executor:
    from hyperbo.jobs.slurm_executor import SlurmExecutor  # noqa: PLC0415 - needs the extra `slurm`

    return SlurmExecutor(address, workers)


_EXECUTORS: Mapping[ExecutorName, Callable[[int | None, str | None], Executor]] = {
    ExecutorName.PROCESSES: _processes,
    ExecutorName.RAY: _ray,
    ExecutorName.SLURM: _slurm,
}
