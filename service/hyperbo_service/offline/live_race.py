"""Live races: the same workload really trained from a prior, and from nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from hyperbo.space import sample_sobol
from hyperbo.suggest import History, Strategy, from_prior, from_scratch, suggest
from hyperbo.surrogates import Expert
from hyperbo.tasks import Task
from hyperbo_datasets.collect.collected_table import METRIC
from hyperbo_datasets.collect.optimizers import OPTIMIZERS, Optimizer
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.collect.train import Trainer
from hyperbo_datasets.schema import TuningTable
from hyperbo_datasets.to_tasks import to_tasks
from hyperbo_service.errors import CommandError

WORST = 1.0
"""The error rate of a run that diverged."""

Tell = Callable[[str, int, float], None]


@dataclass(frozen=True)
class Course:
    """What a study found.

    Attributes:
        method: From which start.
        seed: Of the pre-training and of the suggestions.
        errors: Each run's error rate, in the order of the runs.
        seconds: Wall time of all training.
    """

    method: str
    seed: int
    errors: tuple[float, ...]
    seconds: float

    @property
    def best(self) -> np.ndarray:
        """The least error rate up to each run."""
        return np.minimum.accumulate(self.errors)


def unrelated_tasks(table: TuningTable, workload: TaskName) -> list[Task]:
    """A collected table's tasks that share neither corpus nor network with a workload.

    Raises:
        CollectError: If the table's tasks are not named as collected ones are.
        CommandError: If all are related.
    """
    names = [name for name in table.tasks if not TaskName.parse(name).is_related(workload)]
    if not names:
        raise CommandError(
            f"Every task of {table.name!r} is related to {workload}; choose another workload."
        )
    return to_tasks(table, task_names=names)


def optimizer_of(table: TuningTable) -> Optimizer:
    """The optimiser whose hyperparameters a collected table tunes.

    Raises:
        CommandError: If there is none of that search space.
    """
    for optimizer in OPTIMIZERS.values():
        if optimizer.space == table.space:
            return optimizer
    raise CommandError(f"No optimiser of hyperbo data collect has the space of {table.name!r}.")


def starts(expert: Expert, dimension: int) -> Mapping[str, Strategy]:
    """What races, by name."""
    return {"HyperBO": from_prior(expert, dimension), "GP from scratch": from_scratch(dimension)}


def tune(
    trainer: Trainer,
    optimizer: Optimizer,
    strategy: Strategy,
    method: str,
    seed: int,
    trials: int,
    tell: Tell,
) -> Course:
    """One study of really trained runs.

    Args:
        trainer: Trains the workload.
        optimizer: What its hyperparameters mean.
        strategy: How the next configuration is chosen.
        method: The strategy's name.
        seed: Of the suggestions.
        trials: Training runs.
        tell: Told the method, the run's number and its error rate.
    """
    rng = np.random.default_rng(seed)
    # The door gives every study the same design; seeds that are to tell of more than one have each
    # their own.
    opening = sample_sobol(optimizer.space, strategy.design, rng)
    points = np.zeros((0, optimizer.space.dimension))
    errors: list[float] = []
    seconds, memory = 0.0, None
    for trial in range(trials):
        if trial < len(opening):
            point = opening[trial : trial + 1]
        else:
            values = METRIC.warped(np.array(errors, dtype=np.float64))
            history = History(points, values, np.zeros((0, points.shape[1])))
            found = suggest(rng, strategy, optimizer.space, history, count=1, memory=memory)
            point, memory = found.points, found.memory
        points = np.concatenate([points, point])
        (configuration,) = optimizer.space.decode(point)
        *_, (last,) = trainer.train([configuration])
        errors.append(WORST if last.diverged_at is not None else last.error_rate)
        seconds += last.seconds
        tell(method, trial + 1, errors[-1])
    return Course(method, seed, tuple(errors), seconds)
