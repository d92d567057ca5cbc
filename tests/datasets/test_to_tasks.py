"""The bridge from tables to arrays: signs, warps, diverged runs, seeds and curves."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from hyperbo.tasks import match
from hyperbo_datasets.errors import TableError
from hyperbo_datasets.schema import TuningTable
from hyperbo_datasets.to_tasks import to_pools, to_tasks

Make = Callable[[pd.DataFrame], TuningTable]


def test_values_are_maximised_and_warped(table: TuningTable) -> None:
    """A minimised error of e becomes -log(e + epsilon), and natively -e."""
    pool = to_pools(table)[1]

    np.testing.assert_allclose(pool.values, -np.log(np.array([0.1, 0.2, 0.3]) + 1e-2))
    np.testing.assert_allclose(pool.native, [-0.1, -0.2, -0.3])


def test_a_diverged_run_bears_the_worst_value(table: TuningTable) -> None:
    """It gets the worst completed value of its own task, not of another, and is marked."""
    pool = to_pools(table)[0]

    np.testing.assert_allclose(pool.native, [-0.5, -0.25, -0.5])
    np.testing.assert_allclose(pool.values, -np.log(np.array([0.5, 0.25, 0.5]) + 1e-2))
    assert pool.is_completed.tolist() == [True, True, False]


@pytest.mark.parametrize("status", ["diverged", "failed", "infeasible"])
@pytest.mark.parametrize("measured", [0.001, 1e30, np.inf, np.nan])
def test_what_a_lost_run_measured_does_not_count(
    frame: pd.DataFrame, make: Make, status: str, measured: float
) -> None:
    """Whatever was measured before a run was lost, it is neither a success nor an outlier."""
    frame.loc[2, ["error", "status"]] = [measured, status]

    np.testing.assert_allclose(to_pools(make(frame))[0].native, [-0.5, -0.25, -0.5])


def test_the_worst_is_taken_over_the_whole_task(table: TuningTable) -> None:
    """Choosing configurations does not change what a diverged run is worth."""
    (pool,) = to_pools(table, task_names=["a"], config_ids=[1, 2])

    np.testing.assert_allclose(pool.native, [-0.25, -0.5])
    assert pool.config_ids.tolist() == [1, 2]


def test_inputs_are_the_spaces_own(table: TuningTable) -> None:
    """Each row's inputs are what the space encodes its configuration to."""
    pool = to_pools(table)[0]
    configs = [
        {"lr": 0.01, "optimizer": "adam"},
        {"lr": 0.1, "optimizer": "sgd", "momentum": 0.5},
        {"lr": 1.0, "optimizer": "sgd", "momentum": 0.9},
    ]

    np.testing.assert_allclose(pool.inputs, table.space.encode(configs), rtol=1e-12)


def test_only_the_final_step_counts(frame: pd.DataFrame, make: Make) -> None:
    """Of a learning curve the largest step is the result, wherever its row stands."""
    early = frame.assign(step=1, error=0.9, status="completed")
    table = make(pd.concat([frame.assign(step=5), early]))

    for pool, alone in zip(to_pools(table), to_pools(make(frame)), strict=True):
        np.testing.assert_array_equal(pool.values, alone.values)


def test_repeats_stay_several_points(frame: pd.DataFrame, make: Make) -> None:
    """Two seeds of a configuration are two values at one point."""
    again = frame.assign(seed=1, error=frame["error"] + 0.1)
    pool = to_pools(make(pd.concat([frame.assign(seed=0), again])))[1]

    assert pool.size == 6
    assert pool.seeds.tolist() == [0, 0, 0, 1, 1, 1]
    np.testing.assert_array_equal(pool.inputs[:3], pool.inputs[3:])


def test_tasks_hold_what_pools_hold(table: TuningTable) -> None:
    """The tasks to train on are the pools' inputs and warped values."""
    for task, pool in zip(to_tasks(table), to_pools(table), strict=True):
        assert task.name == pool.name
        np.testing.assert_array_equal(task.inputs, pool.inputs)
        np.testing.assert_array_equal(task.values, pool.values)


def test_shared_configurations_match(table: TuningTable) -> None:
    """Tasks of one table that share configurations can be joined point by point."""
    matched = match(to_tasks(table))

    assert matched.values.shape == (2, 3)


def test_tasks_come_in_the_order_asked_for(table: TuningTable) -> None:
    """The order of names is kept."""
    assert [task.name for task in to_tasks(table, task_names=["b", "a"])] == ["b", "a"]


def test_unknown_tasks_are_named(table: TuningTable) -> None:
    """A misspelt task is named in the error."""
    with pytest.raises(TableError, match=r"no tasks \['c'\]"):
        to_tasks(table, task_names=["a", "c"])


def test_a_task_asked_for_twice_is_refused(table: TuningTable) -> None:
    """Twice the same task would weigh twice."""
    with pytest.raises(TableError, match="more than once"):
        to_tasks(table, task_names=["a", "a"])


def test_tasks_without_chosen_configurations_are_refused(table: TuningTable) -> None:
    """A task with no run left is an error, not an empty array."""
    with pytest.raises(TableError, match="no run among the configurations"):
        to_tasks(table, config_ids=[77])


def test_a_bad_table_gives_no_arrays(frame: pd.DataFrame, make: Make) -> None:
    """The bridge checks the table itself, so that no NaN passes."""
    frame.loc[0, "error"] = np.nan

    with pytest.raises(TableError, match="not a finite number"):
        to_tasks(make(frame))
