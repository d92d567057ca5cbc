"""Standardised tasks: each with its own location and scale taken out, and beliefs about the next's.

A prior is trained on tasks of mean zero and standard deviation one; what was taken out becomes the
hierarchy by which a new task's location and scale are inferred.
"""

from dataclasses import dataclass

import equinox as eqx
import numpy as np
from jaxtyping import Float

from hyperbo.errors import TaskError
from hyperbo.surrogates import Hierarchy
from hyperbo.tasks import Task, TaskBatch, pad

LEAST_TASKS = 3
"""What tasks have in common cannot be learned from one or two."""

_CONSTANT = 1e-9
"""A task that varies by less than this share of its largest value is constant but for rounding."""


@dataclass(frozen=True)
class Standardised:
    """Tasks ready to learn from.

    Attributes:
        batch: The tasks, each of mean zero and standard deviation one.
        locations: The means taken out, in the objective's unit.
        scales: The standard deviations taken out, same unit.
        left_out: Names of tasks that teach nothing: constant, or of a single point.
    """

    batch: TaskBatch
    locations: Float[np.ndarray, " M"]
    scales: Float[np.ndarray, " M"]
    left_out: tuple[str, ...]

    def hierarchy(self) -> Hierarchy:
        """Normal beliefs about the location and log scale of a task like these.

        Spreads are those of a prediction from `M` tasks, hence wider where there are few.
        """
        logs = np.log(self.scales)
        return Hierarchy.normal(_predictive(self.locations), _predictive(logs), (1.0,))


def standardise(tasks: list[Task]) -> Standardised:
    """Take out each task's location and scale.

    Raises:
        TaskError: If fewer than `LEAST_TASKS` vary.
    """
    varying = [task for task in tasks if task.size > 1 and _varies(task)]
    left_out = tuple(task.name for task in tasks if task not in varying)
    if len(varying) < LEAST_TASKS:
        constant = (
            "Left out as constant (to a billionth of their size) or of one point: "
            f"{', '.join(left_out)}. "
        )
        raise TaskError(
            f"Only {len(varying)} of {len(tasks)} tasks can be learned from; at least "
            f"{LEAST_TASKS} are needed to learn what tasks have in common. "
            f"{constant if left_out else ''}Add tasks, or tune without a prior."
        )
    batch = pad(varying)
    locations = np.array([np.mean(task.values) for task in varying])
    scales = np.array([np.std(task.values) for task in varying])
    values = (np.asarray(batch.values) - locations[:, None]) / scales[:, None]
    values = np.where(np.asarray(batch.mask), values, 0.0)
    standard = eqx.tree_at(lambda b: b.values, batch, values)
    return Standardised(standard, locations, scales, left_out)


def _varies(task: Task) -> bool:
    size = float(np.abs(task.values).max())
    return float(np.std(task.values)) > _CONSTANT * size


def _predictive(draws: Float[np.ndarray, " M"]) -> tuple[float, float]:
    """Mean and standard deviation of the next draw from the same normal distribution."""
    count = draws.size
    return float(np.mean(draws)), float(np.std(draws, ddof=1) * np.sqrt(1.0 + 1.0 / count))
