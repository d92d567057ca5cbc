"""Scales lay native values along the unit interval."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperbo.space import FloatParameter, Linear, Log, ReverseLog
from hyperbo.space.scales import Interval

INTERVALS = [
    Interval(Linear(), -3.0, 5.0),
    Interval(Log(), 1e-6, 1e3),
    Interval(ReverseLog(), -2.0, 0.9999),
]


def unit_of(parameter: FloatParameter, *values: float) -> list[float]:
    """The unit coordinates of native values."""
    return parameter.encode(np.array(values))[:, 0].tolist()


def test_linear_is_affine() -> None:
    """On a linear scale the coordinate is the share of the range."""
    assert unit_of(FloatParameter("x", -1.0, 3.0), -1.0, 0.0, 3.0) == [0.0, 0.25, 1.0]


def test_log_gives_equal_steps_to_equal_ratios() -> None:
    """On a log scale the powers of ten are equally far apart."""
    units = unit_of(FloatParameter("x", 1e-4, 1.0, Log()), 1e-4, 1e-3, 1e-2, 1e-1, 1.0)

    np.testing.assert_allclose(units, [0.0, 0.25, 0.5, 0.75, 1.0], atol=1e-15)


def test_reverse_log_gives_equal_steps_to_equal_ratios_of_the_remainder() -> None:
    """On a reverse log scale 0, 0.9, 0.99 and 0.999 are equally far apart, in rising order."""
    units = unit_of(FloatParameter("x", 0.0, 0.999, ReverseLog()), 0.0, 0.9, 0.99, 0.999)

    np.testing.assert_allclose(units, [0.0, 1 / 3, 2 / 3, 1.0], atol=1e-14)


@pytest.mark.parametrize("interval", INTERVALS)
@settings(deadline=None, derandomize=True)
@given(unit=st.floats(0.0, 1.0))
def test_round_trip(interval: Interval, unit: float) -> None:
    """A coordinate comes back from its native value."""
    values = interval.from_unit(np.array([unit]))

    np.testing.assert_allclose(interval.to_unit(values), [unit], atol=1e-12)


@pytest.mark.parametrize("interval", INTERVALS)
def test_increases(interval: Interval) -> None:
    """A larger coordinate is a larger native value, whatever the scale."""
    assert (np.diff(interval.from_unit(np.linspace(0.0, 1.0, 101))) > 0).all()


@pytest.mark.parametrize("interval", INTERVALS)
def test_bounds_are_reached_exactly(interval: Interval) -> None:
    """Coordinates 0 and 1, and those beyond, are the bounds to the last bit."""
    values = interval.from_unit(np.array([-0.5, 0.0, 1.0, 1.5])).tolist()

    assert values == [interval.low, interval.low, interval.high, interval.high]
