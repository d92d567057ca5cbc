"""Pools: what counts as best, as median, as the scale of a regret, and what is refused."""

import numpy as np
import pytest

from hyperbo.benchmark import PoolProblem, hartmann6
from hyperbo.errors import StudyError


def pool_of(native: list[float]) -> PoolProblem:
    """A pool with these native values, whose modelling values are twice as large."""
    values = np.asarray(native, dtype=float)
    return PoolProblem("task", np.linspace(0.0, 1.0, values.size)[:, None], 2.0 * values, values)


def test_scale_is_best_less_median() -> None:
    """A regret of one is what a median configuration has, in native units."""
    problem = pool_of([0.0, 10.0, 40.0, 50.0, 100.0])

    assert (problem.optimum, problem.median, problem.regret_scale) == (100.0, 40.0, 60.0)


def test_scale_where_half_the_pool_is_optimal() -> None:
    """Where the median is the best, the mean takes its place, so that no regret is infinite."""
    problem = pool_of([1.0, 1.0, 1.0, 0.0])

    assert problem.regret_scale == pytest.approx(0.25)


def test_scale_of_a_constant_pool() -> None:
    """A constant pool divides its zero regrets by one."""
    assert pool_of([3.0, 3.0, 3.0]).regret_scale == 1.0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_refuses_values_that_are_not_finite(bad: float) -> None:
    """A diverged trial must have been given a number before it gets here."""
    with pytest.raises(StudyError, match="NaN or infinite"):
        pool_of([0.0, bad])


def test_refuses_points_outside_the_cube() -> None:
    """Native hyperparameters passed by mistake are found out."""
    with pytest.raises(StudyError, match="unit cube"):
        PoolProblem("task", np.array([[0.1], [7.0]]), np.zeros(2), np.zeros(2))


def test_refuses_an_empty_pool() -> None:
    """A pool has at least one configuration."""
    with pytest.raises(StudyError, match="at least 1"):
        PoolProblem("task", np.zeros((0, 2)), np.zeros(0), np.zeros(0))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [(np.zeros((1, 3)), "6 dimensions"), (np.full((1, 6), 1.5), "unit cube")],
)
def test_function_refuses_points_elsewhere(inputs: np.ndarray, message: str) -> None:
    """A function says what it takes instead of returning a number for something else."""
    with pytest.raises(StudyError, match=message):
        hartmann6().evaluate(inputs)
