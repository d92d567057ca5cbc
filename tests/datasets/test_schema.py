"""Making tables: types, defaults, refusals, and the numbering of configurations."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperbo.space import FixedParameter, FloatParameter, SearchSpace
from hyperbo_datasets.errors import TableError
from hyperbo_datasets.metric import Metric, Minimise
from hyperbo_datasets.schema import (
    TuningTable,
    make_table,
    number_configurations,
    number_repeats,
)

Make = Callable[[pd.DataFrame], TuningTable]


def test_optional_columns_get_their_defaults(frame: pd.DataFrame, make: Make) -> None:
    """Without status, seed, step and cost: completed, first run, first step, unknown cost."""
    table = make(frame.drop(columns="status"))

    assert set(table.frame["status"]) == {"completed"}
    assert (table.frame["seed"] == 0).all()
    assert (table.frame["step"] == 0).all()
    assert table.frame["cost"].isna().all()


def test_fixed_parameters_may_be_left_out(frame: pd.DataFrame) -> None:
    """A parameter with one value need not be a column."""
    space = SearchSpace((FloatParameter("lr", 1e-4, 1.0), FixedParameter("epochs", 12)))
    kept = frame[["task", "config_id", "lr", "error"]]

    table = make_table("fixed", space, Metric("error", Minimise()), kept)

    assert (table.frame["epochs"] == 12).all()


def test_the_order_of_columns_does_not_matter(frame: pd.DataFrame, make: Make) -> None:
    """A table's columns stand in the schema's order whatever the file's."""
    shuffled = make(frame[frame.columns[::-1]])

    pd.testing.assert_frame_equal(shuffled.frame, make(frame).frame)
    assert tuple(shuffled.frame.columns) == shuffled.columns


def test_the_given_frame_is_left_alone(frame: pd.DataFrame, make: Make) -> None:
    """Making a table does not change the frame it was made from."""
    before = frame.copy(deep=True)
    make(frame)

    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize("column", ["task", "config_id", "lr", "error"])
def test_missing_columns_are_named(frame: pd.DataFrame, make: Make, column: str) -> None:
    """A table without a needed column is refused, and the message names it."""
    with pytest.raises(TableError, match=f"lacks the columns .*'{column}'"):
        make(frame.drop(columns=column))


def test_unknown_columns_are_named(frame: pd.DataFrame, make: Make) -> None:
    """A column nobody declared could be a forgotten parameter, so it is refused."""
    with pytest.raises(TableError, match=r"unknown columns \['weight_decay'\]"):
        make(frame.assign(weight_decay=0.1))


def test_columns_given_twice_are_refused(frame: pd.DataFrame, make: Make) -> None:
    """Which of two equal names is meant cannot be known."""
    with pytest.raises(TableError, match="more than once"):
        make(pd.concat([frame, frame[["lr"]]], axis=1))


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("error", ["high"] * 6),
        ("lr", ["0.1x"] * 6),
        ("config_id", [0.5] * 6),
        ("seed", [np.nan] * 6),
        ("task", [None] * 6),
    ],
)
def test_values_of_the_wrong_kind_are_refused(
    frame: pd.DataFrame, make: Make, column: str, values: list[object]
) -> None:
    """A column that cannot have its type is an error that names it, never a silent rounding."""
    with pytest.raises(TableError, match=f"Column '{column}'"):
        make(frame.assign(**{column: values}))


@pytest.mark.parametrize("name", ["task", "status", "error"])
def test_parameters_must_not_take_the_names_of_columns(frame: pd.DataFrame, name: str) -> None:
    """A parameter called like another column would overwrite it."""
    space = SearchSpace((FloatParameter(name, 0.0, 1.0),))

    with pytest.raises(TableError, match="Rename"):
        make_table("clash", space, Metric("error", Minimise()), frame)


def test_final_rows_are_those_of_the_largest_step(frame: pd.DataFrame, make: Make) -> None:
    """However rows are ordered, each run's final row has its largest step."""
    one = frame.iloc[[0]].assign(status="completed")
    curve = pd.concat([one.assign(step=step, error=error) for step, error in [(2, 3.0), (9, 1.0)]])
    other = one.assign(step=1, error=7.0, seed=1)
    table = make(pd.concat([curve.iloc[::-1], other]).fillna({"seed": 0}))

    assert sorted(table.final["error"]) == [1.0, 7.0]


def test_equal_configurations_get_equal_numbers() -> None:
    """Numbers depend on the values, not on where rows stand; float noise does not split them."""
    frame = pd.DataFrame({"x": [0.3, 1e-7, 0.1 + 0.2, 0.0, np.nan], "kind": list("aabaa")})
    frame.loc[2, "kind"] = "a"
    numbers = number_configurations(frame, ["x", "kind"])

    assert numbers[0] == numbers[2]
    assert numbers.nunique() == 4


@given(st.permutations(range(6)))
def test_numbering_ignores_the_order_of_rows(order: list[int]) -> None:
    """Shuffling rows shuffles the numbers with them."""
    frame = pd.DataFrame({"x": [0.1, 0.2, 0.1, 5e-9, 3.0, 0.2], "n": [1, 1, 2, 1, 1, 1]})
    numbers = number_configurations(frame, ["x", "n"])
    shuffled = number_configurations(frame.iloc[order], ["x", "n"])

    assert shuffled.tolist() == numbers.iloc[order].tolist()


def test_repeats_are_numbered_in_order() -> None:
    """Rows that agree get 0, 1, 2, ... as they appear."""
    frame = pd.DataFrame({"task": list("aabab")})

    assert number_repeats(frame, ["task"]).tolist() == [0, 1, 0, 2, 1]
