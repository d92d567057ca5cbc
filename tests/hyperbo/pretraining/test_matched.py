"""Divergences as objectives of a training: padding and unshared points never count."""

from collections.abc import Callable

import jax
import numpy as np
import pytest

from hyperbo.errors import TaskError
from hyperbo.pretraining import (
    DivergenceObjective,
    EuclideanObjective,
    divergence_at_points,
    euclidean_at_points,
)
from hyperbo.pretraining.matched import DIVERGENCE_POINTS, EUCLIDEAN_POINTS, matched
from hyperbo.surrogates.presets import matern_prior
from hyperbo.tasks import Task, TaskBatch, match, pad

Evaluate = Callable[..., tuple[float, np.ndarray]]


def tasks_of(shared: int, *own: int) -> list[Task]:
    """Tasks that share points, each with a number of its own, in an order of its own."""
    random = np.random.default_rng(shared)
    common, tasks = random.random((shared, 2)), []
    for number, count in enumerate(own):
        inputs = np.concatenate([common, random.random((count, 2))])
        inputs = inputs[random.permutation(len(inputs))]
        values = np.sin(inputs[:, 0] * (number + 1)) + inputs[:, 1]
        tasks.append(Task(f"task-{number}", inputs, values))
    return tasks


def test_a_batchs_shared_points_are_its_tasks() -> None:
    """Points that only some tasks have, and what fills up a row, take no part."""
    tasks = tasks_of(6, 0, 5, 2)

    found, expected = matched(pad(tasks)), match(tasks)

    assert found.names == ("task-0", "task-1", "task-2")
    assert np.asarray(found.inputs).shape == (6, 2)
    np.testing.assert_array_equal(found.inputs, expected.inputs)
    np.testing.assert_array_equal(found.values, expected.values)


def test_few_points_are_all_looked_at(evaluate: Evaluate, key: jax.Array) -> None:
    """With no more points than are drawn, the objectives are those of the matched tasks."""
    tasks, prior = tasks_of(12, 3, 0, 1), matern_prior(2, noise=0.1)

    for build, objective in (
        (divergence_at_points, DivergenceObjective),
        (euclidean_at_points, EuclideanObjective),
    ):
        got, wanted = (
            evaluate(build(pad(tasks)), prior, key),
            evaluate(objective(match(tasks)), prior, key),
        )
        np.testing.assert_allclose(got[0], wanted[0], rtol=1e-12)
        np.testing.assert_allclose(got[1], wanted[1], rtol=1e-10)


def test_divergence_draws_a_hundred() -> None:
    """All shared points are kept, and a hundred of them are looked at in each step."""
    objective = divergence_at_points(pad(tasks_of(130, 2, 0)))

    assert objective.inputs.shape == (130, 2)
    assert objective.points == DIVERGENCE_POINTS == 100


def test_euclidean_takes_four_hundred_evenly() -> None:
    """Of many shared points, four hundred from the first to the last, each once."""
    tasks = tasks_of(1_000, 0, 3)
    objective, all_points = euclidean_at_points(pad(tasks)), np.asarray(match(tasks).inputs)

    rows = [
        int(np.flatnonzero((all_points == point).all(axis=1))[0])
        for point in np.asarray(objective.inputs)
    ]
    assert len(rows) == EUCLIDEAN_POINTS == 400
    assert (rows[0], rows[-1]) == (0, 999)
    assert set(np.diff(rows)) == {2, 3}
    np.testing.assert_array_equal(objective.values, np.asarray(match(tasks).values)[:, rows])


@pytest.mark.parametrize("build", [divergence_at_points, euclidean_at_points])
def test_strangers_are_refused(build: Callable[[TaskBatch], object]) -> None:
    """Tasks that share no point have no divergence; the way out is named."""
    with pytest.raises(TaskError, match=r"share no point.*Train with the likelihood"):
        build(pad(tasks_of(0, 4, 5)))
