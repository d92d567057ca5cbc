"""The table of evaluations: how it is made, what it refuses, that it survives the disk."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hyperbo.benchmark import (
    COLUMNS,
    PoolProblem,
    Run,
    branin,
    check_evaluations,
    load_evaluations,
    one_setting,
    record_function_run,
    record_pool_run,
    save_evaluations,
    split_settings,
)
from hyperbo.errors import StudyError

RUN = Run("study", "new points", "random", seed=3, fold=2)
POOL = PoolProblem(
    "task",
    np.array([[0.1], [0.2], [0.3], [0.4]]),
    values=np.log([1.0, 2.0, 3.0, 4.0]),
    native=np.array([1.0, 2.0, 3.0, 4.0]),
)


def test_pool_run_is_scored_in_native_units() -> None:
    """Methods are told the modelling value, the best so far is of the native one."""
    table = record_pool_run(RUN, POOL, np.array([1, 0, 2]), np.full(3, 0.5))

    assert table["trial"].tolist() == [1, 2, 3]
    assert table["config"].tolist() == [1, 0, 2]
    assert table["best_so_far"].tolist() == [2.0, 2.0, 3.0]
    np.testing.assert_allclose(table["value"], np.log([2.0, 1.0, 3.0]))
    assert set(table["optimum"]) == {4.0}
    assert set(table["regret_scale"]) == {1.5}


def test_function_run_evaluates_its_points() -> None:
    """The recorded values are the function's, and no pool row is named."""
    points = np.random.default_rng(0).random((4, 2))

    table = record_function_run(RUN, branin(), points, np.zeros(4))

    np.testing.assert_array_equal(table["value"], branin().evaluate(points))
    assert set(table["config"]) == {-1}
    np.testing.assert_array_equal(np.stack(table["point"].to_list()), points)


def test_pool_run_refuses_rows_outside_the_pool() -> None:
    """A negative row would silently count from the end."""
    with pytest.raises(StudyError, match="rows 0 to 3"):
        record_pool_run(RUN, POOL, np.array([-1]), np.zeros(1))


def test_saved_table_is_loaded_equal(study: pd.DataFrame, tmp_path: Path) -> None:
    """Nothing is lost on the way to disk and back, the points included."""
    save_evaluations(study, tmp_path / "study.parquet")

    loaded = load_evaluations(tmp_path / "study.parquet")

    plain = [name for name in COLUMNS if name != "point"]
    pd.testing.assert_frame_equal(loaded[plain], check_evaluations(study)[plain])
    assert [list(point) for point in loaded["point"]] == study["point"].tolist()
    assert [path.name for path in tmp_path.iterdir()] == ["study.parquet"]


def test_truncated_file_is_named(study: pd.DataFrame, tmp_path: Path) -> None:
    """A damaged file gives an error with its name and the remedy."""
    path = tmp_path / "study.parquet"
    save_evaluations(study, path)
    path.write_bytes(path.read_bytes()[:-100])

    with pytest.raises(StudyError, match=r"study\.parquet cannot be read.*run the study again"):
        load_evaluations(path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A path that does not exist is said so."""
    with pytest.raises(StudyError, match="There is no table"):
        load_evaluations(tmp_path / "nothing.parquet")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda table: table.drop(columns="native"), r"missing \['native'\]"),
        (lambda table: table.assign(extra=1), r"unknown \['extra'\]"),
        (lambda table: table.iloc[:0], "empty"),
        (lambda table: table.assign(trial="first"), "wrong type"),
        (lambda table: table.assign(value=np.nan), "'value' holds NaN"),
        (lambda table: table.assign(regret_scale=0.0), "must be positive"),
        (lambda table: pd.concat([table, table.iloc[:1]]), "trial 1 is doubled"),
        (lambda table: table[table["trial"] != 4], "one before it is missing"),
        (lambda table: table.assign(best_so_far=table["best_so_far"] - 1.0), "best_so_far"),
        (lambda table: table.assign(optimum=0.0), "above the problem's optimum"),
        (
            lambda table: table.assign(regret_scale=1.0 + table["seed"]),
            "disagree about the optimum",
        ),
    ],
)
def test_refuses_a_table_that_is_wrong(
    study: pd.DataFrame, spoil: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    """Each way in which a table can be wrong is named."""
    with pytest.raises(StudyError, match=message):
        check_evaluations(spoil(study))


def test_settings_are_split_and_never_mixed(study: pd.DataFrame) -> None:
    """Two settings come apart again; together they are refused."""
    both = pd.concat([study, study.assign(setting="same points")], ignore_index=True)

    parts = split_settings(both)

    assert list(parts) == [("study", "new points"), ("study", "same points")]
    assert all(len(one_setting(part)) == len(study) for part in parts.values())
    with pytest.raises(StudyError, match="same points"):
        one_setting(both)
