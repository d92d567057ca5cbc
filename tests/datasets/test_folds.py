"""Folds of a table."""

import numpy as np
import pandas as pd
import pytest

from hyperbo.errors import StudyError
from hyperbo.space import FloatParameter, SearchSpace
from hyperbo_datasets.errors import CollectError, TableError
from hyperbo_datasets.folds import NewPoints, SamePoints, related_folds, table_folds
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


def collected(*names: str, own: int = 3, owners: int | None = None) -> TuningTable:
    """Tasks that share four configurations; the first ones, or all, have some of their own."""
    rng = np.random.default_rng(1)
    shared, frames = rng.random(4), []
    for number, name in enumerate(names):
        count = own if owners is None or number < owners else 0
        ids = [*range(4), *(100 * (number + 1) + place for place in range(count))]
        x = np.concatenate([shared, rng.random(count)])
        frames.append(pd.DataFrame({"task": name, "config_id": ids, "x": x, "error": x}))
    space = SearchSpace((FloatParameter("x", 0.0, 1.0),))
    return make_table("t", space, Metric("error", Minimise()), pd.concat(frames))


FAMILY = ("a_mlp_8", "a_mlp_64", "a_cnn_8", "b_mlp_8", "b_gemma_8", "c_gemma_8", "a-b_mlp2_8")


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


def test_own_configurations_are_the_new_points() -> None:
    """Where tasks have configurations of their own, all are learned from, and those are tried."""
    table = collected("k", "l", "m")
    setting = NewPoints()

    assert setting.pool(table).tolist() == [100, 101, 102, 200, 201, 202, 300, 301, 302]
    assert setting.seen(table).tolist() == [0, 1, 2, 3, *setting.pool(table)]
    for fold in table_folds(table, 3, setting):
        (held_out,) = fold.held_out
        assert held_out.inputs.shape == (3, 1)
        assert [task.inputs.shape for task in fold.training] == [(7, 1), (7, 1)]
        seen = {float(x) for task in fold.training for x in task.inputs[:, 0]}
        assert not seen & set(held_out.inputs[:, 0].tolist())


def test_own_configurations_must_be_everybodys() -> None:
    """Where some task has none of its own, those that all tasks share are divided in halves."""
    table = collected("k", "l", "m", owners=2)
    setting = NewPoints()

    assert setting.seen(table).tolist() == [0, 1]
    assert setting.pool(table).tolist() == [2, 3]
    for fold in table_folds(table, 3, setting):
        assert [problem.inputs.shape for problem in fold.held_out] == [(2, 1)]


def test_related_tasks_are_held_out_together() -> None:
    """What a fold learns from shares neither its corpus nor its architecture, in whole names."""
    folds = related_folds(collected(*FAMILY), SamePoints())

    found = {
        tuple(problem.name for problem in fold.held_out): {task.name for task in fold.training}
        for fold in folds
    }
    assert found == {
        ("a_mlp_8", "a_mlp_64"): {"b_gemma_8", "c_gemma_8", "a-b_mlp2_8"},
        ("a_cnn_8",): {"b_mlp_8", "b_gemma_8", "c_gemma_8", "a-b_mlp2_8"},
        ("b_mlp_8",): {"a_cnn_8", "c_gemma_8", "a-b_mlp2_8"},
        ("b_gemma_8",): {"a_mlp_8", "a_mlp_64", "a_cnn_8", "a-b_mlp2_8"},
        ("c_gemma_8",): {"a_mlp_8", "a_mlp_64", "a_cnn_8", "b_mlp_8", "a-b_mlp2_8"},
        ("a-b_mlp2_8",): set(FAMILY) - {"a-b_mlp2_8"},
    }
    assert [fold.number for fold in folds] == list(range(6))


def test_related_folds_take_new_points() -> None:
    """Held-out tasks of a fold are searched over their own configurations."""
    for fold in related_folds(collected(*FAMILY), NewPoints()):
        assert {problem.inputs.shape for problem in fold.held_out} == {(3, 1)}


def test_all_related_is_refused() -> None:
    """Where nothing would be left to learn from, the way out is named."""
    with pytest.raises(TableError, match=r"nothing is left to learn from\. Hold out in turns"):
        related_folds(collected("a_mlp_8", "a_cnn_8", "b_mlp_8"), SamePoints())


def test_other_names_are_not_related(table: TuningTable) -> None:
    """Tasks that were not collected have no parts to be related by."""
    with pytest.raises(CollectError, match="not the name of a collected task"):
        related_folds(table, SamePoints())
