"""Tasks lose their location and scale; what teaches nothing is left out."""

import numpy as np
import pytest

from hyperbo.errors import TaskError
from hyperbo.pretraining import standardise
from hyperbo.tasks import Task

POINTS = np.random.default_rng(0).random((20, 2))


def _tasks(unit: float) -> list[Task]:
    """Four tasks that vary, in some unit."""
    return [Task(f"task {k}", POINTS, unit * (k + POINTS[:, 0])) for k in range(1, 5)]


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e12])
def test_the_unit_does_not_matter(unit: float) -> None:
    """Standardised values are the same in every unit; none of the tasks is called constant."""
    found = standardise(_tasks(unit))

    assert found.left_out == ()
    np.testing.assert_allclose(found.batch.values, standardise(_tasks(1.0)).batch.values, atol=1e-6)
    np.testing.assert_allclose(found.batch.values.std(axis=1), 1.0)


def test_constant_tasks_are_left_out() -> None:
    """Constant but for rounding, or of one point: named, and not learned from."""
    rounded = Task("rounded", POINTS, 3.0 + 1e-14 * POINTS[:, 0])
    single = Task("single", POINTS[:1], np.ones(1))

    assert standardise([*_tasks(1.0), rounded, single]).left_out == ("rounded", "single")


def test_too_few_tasks_are_refused() -> None:
    """Two tasks are too few, and the message names those that did not count."""
    with pytest.raises(TaskError, match=r"Only 2 of 3 .* of one point: zero\."):
        standardise([*_tasks(1.0)[:2], Task("zero", POINTS, np.zeros(20))])


def test_values_too_large_to_square_are_refused() -> None:
    """A task that would overflow is refused by name where it is made."""
    with pytest.raises(TaskError, match=r"'big' holds the value -1e\+300"):
        Task("big", POINTS[:2], np.array([1.0, -1e300]))
