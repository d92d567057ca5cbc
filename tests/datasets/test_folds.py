"""Folds of a table."""

import numpy as np
import pandas as pd
import pytest

from hyperbo.errors import StudyError
from hyperbo.space import FloatParameter, SearchSpace
from hyperbo_datasets.folds import NewPoints, SamePoints, table_folds
from hyperbo_datasets.metric import Metric, Minimise
from hyperbo_datasets.schema import TuningTable, make_table


@pytest.fixture
def table() -> TuningTable:
    """Five tasks on the same nine configurations, ids not contiguous; errors to be minimised."""
    rng = np.random.default_rng(0)
    x = rng.random(9)
    frames = [
        pd.DataFrame({"task": name, "config_id": 10 * np.arange(9), "x": x, "error": x + 0.1 * n})
        for n, name in enumerate("edcba")
    ]
    space = SearchSpace((FloatParameter("x", 0.0, 1.0),))
    return make_table("t", space, Metric("error", Minimise()), pd.concat(frames))


def test_every_task_is_held_out_once(table: TuningTable) -> None:
    """Folds partition the tasks, and none is learned from where it is held out."""
    folds = table_folds(table, 2, SamePoints())

    held_out = [problem.name for fold in folds for problem in fold.held_out]
    assert sorted(held_out) == list("abcde")
    for fold in folds:
        names = {task.name for task in fold.training}
        assert names == set("abcde") - {problem.name for problem in fold.held_out}


def test_new_points_share_no_configuration(table: TuningTable) -> None:
    """The lower half of the ids is learned from, the upper half is to be searched."""
    for fold in table_folds(table, 2, NewPoints()):
        seen = {float(x) for task in fold.training for x in task.inputs[:, 0]}
        pool = {float(x) for problem in fold.held_out for x in problem.inputs[:, 0]}
        assert (len(seen), len(pool)) == (4, 5)
        assert not seen & pool


def test_same_points_share_all(table: TuningTable) -> None:
    """All configurations are seen and may be tried."""
    fold = table_folds(table, 2, SamePoints())[0]

    np.testing.assert_array_equal(fold.training[0].inputs, fold.held_out[0].inputs)


def test_native_values_are_maximised(table: TuningTable) -> None:
    """Scores are taken on the metric, maximised: an error is negated."""
    fold = table_folds(table, 5, SamePoints())[0]

    (problem,) = fold.held_out
    np.testing.assert_allclose(problem.native, -(problem.inputs[:, 0] + 0.4))


def test_too_many_folds(table: TuningTable) -> None:
    """There are no more folds than tasks."""
    with pytest.raises(StudyError, match="between 2 and 5"):
        table_folds(table, 6, SamePoints())
