"""Two priors on the tasks of one table: which of them foretells each task better."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hyperbo.registry import Registry, StoredPrior
from hyperbo.tasks import Task
from hyperbo_datasets.schema import TuningTable
from hyperbo_datasets.to_tasks import to_tasks
from hyperbo_service.errors import CommandError
from hyperbo_service.names import pick_all
from hyperbo_service.offline.evidence import log_evidence_per_point


@dataclass(frozen=True)
class TaskEvidence:
    """How two priors foretell one task.

    Attributes:
        task: The task's name.
        points: How many of its results were looked at.
        left: Log evidence per point under the first prior, in nats.
        right: The same under the second.
        is_known: Whether either prior was trained on a task of this name.
    """

    task: str
    points: int
    left: float
    right: float
    is_known: bool


@dataclass(frozen=True)
class Comparison:
    """Two priors on several tasks.

    Attributes:
        left: The first prior's reference.
        right: The second's.
        by_task: What was found on each task.
    """

    left: str
    right: str
    by_task: tuple[TaskEvidence, ...]

    @property
    def judged(self) -> tuple[TaskEvidence, ...]:
        """The tasks that count: those neither prior was trained on, or all if there is none."""
        unknown = tuple(each for each in self.by_task if not each.is_known)
        return unknown or self.by_task

    @property
    def is_flattering(self) -> bool:
        """Whether only tasks that a prior was trained on could be judged by."""
        return all(each.is_known for each in self.by_task)

    @property
    def wins(self) -> tuple[int, int]:
        """On how many of the tasks that count each prior is better."""
        left = sum(each.left > each.right for each in self.judged)
        right = sum(each.right > each.left for each in self.judged)
        return left, right

    @property
    def means(self) -> tuple[float, float]:
        """Mean log evidence per point over the tasks that count."""
        left = float(np.mean([each.left for each in self.judged]))
        right = float(np.mean([each.right for each in self.judged]))
        return left, right


def compare(
    registry: Registry,
    references: tuple[str, str],
    table: TuningTable,
    task_names: list[str],
    *,
    points: int,
    seed: int,
    report: Callable[[int, int], None],
) -> Comparison:
    """Compare two stored priors on a table's tasks.

    Args:
        registry: Where the priors are.
        references: Which priors.
        table: The table; of the same space and metric as both priors.
        task_names: Tasks to compare on; none means all.
        points: How many results of each task to look at.
        seed: Which results.
        report: Told how many tasks of how many are done.

    Raises:
        PriorError: If a prior is missing, damaged, or of another space than the table.
        CommandError: If a prior was trained on another metric than the table's.
    """
    left, right = (registry.load(reference, space=table.space) for reference in references)
    for prior in (left, right):
        _check_metric(prior, table)
    chosen = pick_all(task_names, table.tasks, f"task in table {table.name!r} called")
    known = {*left.manifest.training.tasks, *right.manifest.training.tasks}
    tasks = to_tasks(table, task_names=chosen or None)
    found = []
    report(0, len(tasks))
    for done, task in enumerate(tasks, start=1):
        found.append(_evidence(task, left, right, points, seed, is_known=task.name in known))
        report(done, len(tasks))
    return Comparison(str(left.reference), str(right.reference), tuple(found))


def _evidence(
    task: Task, left: StoredPrior, right: StoredPrior, points: int, seed: int, *, is_known: bool
) -> TaskEvidence:
    first, second = (
        log_evidence_per_point(prior.expert(task.inputs.shape[1]), task, points=points, seed=seed)
        for prior in (left, right)
    )
    return TaskEvidence(task.name, min(points, task.size), first, second, is_known)


def _check_metric(prior: StoredPrior, table: TuningTable) -> None:
    metric = prior.manifest.metric
    if metric is not None and metric != table.metric.to_dict():
        raise CommandError(
            f"Prior {prior.reference} was trained on {dict(metric)}, but table "
            f"{table.name!r} measures {table.metric.to_dict()}; log evidence on different metrics "
            "cannot be compared. Choose a table with the prior's metric."
        )
