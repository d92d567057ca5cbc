"""Where a command's jobs run, by name."""

from hyperbo.jobs import Executor, ProcessExecutor
from hyperbo_service.choices import ExecutorName
from hyperbo_service.errors import CommandError


def make_executor(name: ExecutorName, workers: int | None, address: str | None) -> Executor:
    """The executor of that name.

    Args:
        name: Which.
        workers: How many jobs at once; the engine's own choice if None.
        address: Where the engine is, for one that is somewhere.

    Raises:
        CommandError: If an address is given to one that has none.
        MissingExtraError: If the engine's library is not installed.
        StudyError: If the engine does not answer.
    """
    if name is ExecutorName.PROCESSES:
        if address is not None:
            raise CommandError("--address is for --executor ray or slurm; leave it out.")
        return ProcessExecutor(workers)
    raise CommandError(f"The executor {name.value} is not there yet.")
