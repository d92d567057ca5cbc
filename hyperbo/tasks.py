"""Tasks: the tuning results a prior is trained on, single, padded into one batch, or matched."""

from collections.abc import Sequence
from dataclasses import dataclass

import equinox as eqx
import numpy as np
from jaxtyping import Bool, Float

from hyperbo.arrays import Array
from hyperbo.errors import TaskError

LARGEST_VALUE = 1e100
"""Objectives are squared; the squares must stay finite."""


@dataclass(frozen=True)
class Task:
    """One task's tuning results: `N` points of the unit cube and the objective found there.

    Attributes:
        name: The task's name, unique within a dataset.
        inputs: Points in the unit cube, shape (N, D), float64.
        values: Objective at each point, shape (N,), maximised, finite.
    """

    name: str
    inputs: Float[np.ndarray, "N D"]
    values: Float[np.ndarray, " N"]

    def __post_init__(self) -> None:
        if self.inputs.ndim != 2 or self.values.shape != self.inputs.shape[:1]:
            raise TaskError(
                f"Task {self.name!r}: inputs have shape {self.inputs.shape} and values "
                f"{self.values.shape}; wanted (N, D) and (N,)."
            )
        if not np.isfinite(self.inputs).all() or not np.isfinite(self.values).all():
            raise TaskError(
                f"Task {self.name!r} holds NaN or infinite numbers; give diverged trials a finite "
                "value (the loaders do) or leave them out."
            )
        if self.values.size and np.abs(self.values).max() > LARGEST_VALUE:
            raise TaskError(
                f"Task {self.name!r} holds the value "
                f"{self.values[np.argmax(np.abs(self.values))]:g}; no more than {LARGEST_VALUE:g} "
                "in size can be computed with. Use another unit, or a warp."
            )

    @property
    def size(self) -> int:
        """Number of points."""
        return int(self.values.shape[0])


class TaskBatch(eqx.Module):
    """`M` tasks padded to the same number of points; a padded entry never changes a result.

    Attributes:
        inputs: Points of every task, padded with 0.5.
        values: Objectives, maximised, padded with zero.
        mask: True where an entry is real.
        names: The tasks' names, in order.
    """

    inputs: Float[Array, "M N D"] | Float[np.ndarray, "M N D"]
    values: Float[Array, "M N"] | Float[np.ndarray, "M N"]
    mask: Bool[Array, "M N"] | Bool[np.ndarray, "M N"]
    names: tuple[str, ...] = eqx.field(static=True)

    @property
    def sizes(self) -> np.ndarray:
        """Number of real points of each task, shape (M,)."""
        return np.asarray(self.mask).sum(axis=1)


class MatchedTasks(eqx.Module):
    """`M` tasks evaluated at the same `N` points, none missing.

    Attributes:
        inputs: The shared points.
        values: Objective of every task at every point, maximised.
        names: The tasks' names, in order.
    """

    inputs: Float[Array, "N D"] | Float[np.ndarray, "N D"]
    values: Float[Array, "M N"] | Float[np.ndarray, "M N"]
    names: tuple[str, ...] = eqx.field(static=True)


def pad(tasks: Sequence[Task], *, length: int | None = None) -> TaskBatch:
    """Pad tasks to one batch of `length` points each (default: the longest task's).

    Raises:
        TaskError: If there is no task, a task is empty or longer than `length`, or dimensions or
            names clash.
    """
    if not tasks:
        raise TaskError("No task was given; at least one is needed.")
    dimensions = {task.inputs.shape[1] for task in tasks}
    if len(dimensions) > 1:
        raise TaskError(
            f"Tasks have different numbers of dimensions: {sorted(dimensions)}. A batch needs one "
            "search space; train a hierarchical prior to learn across spaces."
        )
    names = tuple(task.name for task in tasks)
    if len(set(names)) < len(names):
        raise TaskError(f"Task names repeat: {sorted(n for n in names if names.count(n) > 1)}.")
    empty = [task.name for task in tasks if task.size == 0]
    if empty:
        raise TaskError(f"Tasks without any finished trial: {empty}. Leave them out.")
    longest = max(task.size for task in tasks)
    length = longest if length is None else length
    if length < longest:
        raise TaskError(f"Cannot pad a task of {longest} points to {length}.")

    inputs = np.full((len(tasks), length, dimensions.pop()), 0.5)
    values = np.zeros((len(tasks), length))
    mask = np.zeros((len(tasks), length), dtype=bool)
    for row, task in enumerate(tasks):
        inputs[row, : task.size] = task.inputs
        values[row, : task.size] = task.values
        mask[row, : task.size] = True
    return TaskBatch(inputs, values, mask, names)


def match(tasks: Sequence[Task]) -> MatchedTasks:
    """Join tasks at the points that all of them evaluated, in the first task's order.

    Points are the same if they agree to 1e-9 in every coordinate; where a task holds a point more
    than once, its values are averaged.

    Raises:
        TaskError: If no point is shared by every task.
    """
    if not tasks:
        raise TaskError("No task was given; at least one is needed.")
    tables = [_values_by_point(task) for task in tasks]
    shared = [point for point in tables[0] if all(point in table for table in tables)]
    if not shared:
        raise TaskError(
            "The tasks share no point, so they are not matched. Train with the likelihood, which "
            "does not need matched tasks."
        )
    values = np.array([[float(np.mean(table[point])) for point in shared] for table in tables])
    inputs = np.array([np.frombuffer(point, dtype=np.int64) for point in shared]) * _RESOLUTION
    return MatchedTasks(inputs, values, tuple(task.name for task in tasks))


_RESOLUTION = 1e-9


def _values_by_point(task: Task) -> dict[bytes, list[float]]:
    """The task's values, gathered by the rounded point they were found at."""
    points = np.round(task.inputs / _RESOLUTION).astype(np.int64)
    table: dict[bytes, list[float]] = {}
    for point, value in zip(points, task.values, strict=True):
        table.setdefault(point.tobytes(), []).append(float(value))
    return table
