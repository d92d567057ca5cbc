"""Spoiled training tasks keep their values and lose what they could teach."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from hyperbo.benchmark.misled import Spoiler, shuffled, unrelated
from hyperbo.tasks import Task

INPUTS = np.random.default_rng(0).random((2_000, 3))
TASK = Task("task", INPUTS, np.exp(INPUTS[:, 0]) + INPUTS[:, 1])


@pytest.mark.parametrize("spoil", [shuffled, unrelated])
def test_the_same_values_at_other_points(spoil: Spoiler) -> None:
    """Values are the task's own, dealt out anew."""
    values = spoil(np.random.default_rng(1), TASK)

    np.testing.assert_array_equal(np.sort(values), np.sort(TASK.values))
    assert (values != TASK.values).mean() > 0.9


def test_shuffling_leaves_no_trace() -> None:
    """The rank correlation is within four standard errors of none."""
    values = shuffled(np.random.default_rng(1), TASK)

    assert abs(spearmanr(values, TASK.values).statistic) < 4.0 / 2_000**0.5


def test_unrelated_tasks_are_smooth() -> None:
    """Near points have near values, so that there is something to be misled by."""
    rng = np.random.default_rng(2)
    near = np.clip(INPUTS + 0.01 * rng.standard_normal(INPUTS.shape), 0.0, 1.0)
    both = Task("both", np.concatenate([INPUTS, near]), np.tile(TASK.values, 2))
    values = unrelated(rng, both)

    assert spearmanr(values[:2_000], values[2_000:]).statistic > 0.95
