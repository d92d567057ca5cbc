"""Divergences as objectives of a training: at the points that all tasks share."""

import numpy as np

from hyperbo.pretraining.divergence import DivergenceObjective, EuclideanObjective
from hyperbo.tasks import MatchedTasks, Task, TaskBatch, match

DIVERGENCE_POINTS = 100
EUCLIDEAN_POINTS = 400


def divergence_at_points(batch: TaskBatch) -> DivergenceObjective:
    """HyperBO's EKL at a hundred of the shared points, drawn anew each step.

    Raises:
        TaskError: If no point is shared.
    """
    return DivergenceObjective(matched(batch), points=DIVERGENCE_POINTS)


def euclidean_at_points(batch: TaskBatch) -> EuclideanObjective:
    """The Euclidean divergence at at most 400 of the shared points, evenly chosen.

    Raises:
        TaskError: If no point is shared.
    """
    shared = matched(batch)
    count = np.asarray(shared.inputs).shape[0]
    rows = np.linspace(0, count - 1, min(count, EUCLIDEAN_POINTS)).round().astype(int)
    inputs, values = np.asarray(shared.inputs)[rows], np.asarray(shared.values)[:, rows]
    return EuclideanObjective(MatchedTasks(inputs, values, shared.names))


def matched(batch: TaskBatch) -> MatchedTasks:
    """The tasks of a batch at the points that all of them share.

    Raises:
        TaskError: If there is no such point.
    """
    mask = np.asarray(batch.mask)
    rows = zip(batch.names, np.asarray(batch.inputs), np.asarray(batch.values), mask, strict=True)
    return match([Task(name, inputs[real], values[real]) for name, inputs, values, real in rows])
