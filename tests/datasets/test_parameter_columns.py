"""Columns of parameters: rounding is repaired, nothing else is touched."""

import numpy as np
import pandas as pd
import pytest

from hyperbo.space import (
    CategoricalParameter,
    DiscreteParameter,
    FloatParameter,
    IntegerParameter,
    Parameter,
    SearchSpace,
)
from hyperbo_datasets.parameter_columns import active_rows, snap


def test_float32_bounds_come_back_exactly() -> None:
    """The float32 of a bound may lie outside it; it is set to the bound."""
    parameter = FloatParameter("lr", 1e-4, 0.1)
    column = pd.Series(np.array([1e-4, 0.1, 0.05], dtype=np.float32))
    assert float(column[0]) < 1e-4
    assert float(column[1]) > 0.1

    snapped = snap(parameter, column)

    assert snapped[0] == 1e-4
    assert snapped[1] == 0.1
    assert snapped[2] == float(np.float32(0.05))


@pytest.mark.parametrize("value", [0.99e-4, 0.1001, -1.0, np.inf])
def test_values_really_outside_stay(value: float) -> None:
    """What is further off than rounding is not hidden by clipping."""
    parameter = FloatParameter("lr", 1e-4, 0.1)
    snapped = snap(parameter, pd.Series([value]))

    assert snapped[0] == value
    assert not parameter.admits(snapped.to_numpy()).any()


def test_listed_values_come_back_exactly() -> None:
    """The float32 of a listed value is that value."""
    parameter = DiscreteParameter("dropout", (0.0, 0.3, 0.6))
    snapped = snap(parameter, pd.Series(np.array([0.0, 0.3, 0.6, 0.5], dtype=np.float32)))

    assert snapped.tolist() == [0.0, 0.3, 0.6, 0.5]


def test_spelled_categories_are_recognised() -> None:
    """A CSV file holds categories as text; those of other kinds are found by their spelling."""
    parameter = CategoricalParameter("flag", (True, 2, "None"))
    snapped = snap(parameter, pd.Series(["True", "2", "None", "three", None]))

    assert snapped.tolist() == [True, 2, "None", "three", None]
    assert parameter.admits(snapped.to_numpy()).tolist() == [True, True, True, False, False]


@pytest.mark.parametrize("parameter", [IntegerParameter("n", 1, 9), FloatParameter("n", 0.0, 9.0)])
def test_text_in_a_numeric_column_is_an_error(parameter: Parameter) -> None:
    """Text is not silently dropped."""
    with pytest.raises(ValueError, match="many"):
        snap(parameter, pd.Series(["3", "many"]))


def test_integers_that_are_whole_become_integers() -> None:
    """3.0 is 3; 2.5 stays, to be refused."""
    parameter = IntegerParameter("n", 1, 9)

    assert snap(parameter, pd.Series([3.0, 1.0])).dtype == np.int64
    assert snap(parameter, pd.Series([2.5, 1.0])).tolist() == [2.5, 1.0]


def test_conditional_parameters_are_active_below_their_category() -> None:
    """A grandchild takes part only where both categories above it hold."""
    inner = CategoricalParameter("b", ("p", "q"), {"q": (FloatParameter("c", 0.0, 1.0),)})
    space = SearchSpace((CategoricalParameter("a", ("x", "y"), {"x": (inner,)}),))
    frame = pd.DataFrame({"a": ["x", "x", "y"], "b": ["p", "q", "q"], "c": [0.0, 0.0, 0.0]})
    active = active_rows(space, frame)

    assert active["a"].tolist() == [True, True, True]
    assert active["b"].tolist() == [True, True, False]
    assert active["c"].tolist() == [False, True, False]
