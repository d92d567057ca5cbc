"""Floats, integers and listed numbers, and their one unit coordinate."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hyperbo.errors import SpaceError
from hyperbo.space import (
    DiscreteParameter,
    FloatParameter,
    IntegerParameter,
    Linear,
    Log,
    Parameter,
    ReverseLog,
)


def column(*values: object) -> np.ndarray:
    """A column of Python objects."""
    filled = np.empty(len(values), dtype=object)
    filled[:] = values
    return filled


def decode(parameter: Parameter, *units: float) -> list[Any]:
    """The native values at unit coordinates."""
    return parameter.decode(np.array(units)[:, None])


@settings(deadline=None, derandomize=True)
@given(low=st.integers(-50, 50), levels=st.integers(2, 40), position=st.integers(0, 39))
def test_linear_integer_lies_in_the_middle_of_its_bin(low: int, levels: int, position: int) -> None:
    """Integer number k of K encodes to (k + 1/2) / K."""
    position %= levels
    parameter = IntegerParameter("n", low, low + levels - 1)

    unit = parameter.encode(np.array([low + position]))[0, 0]

    assert unit == pytest.approx(float(Fraction(2 * position + 1, 2 * levels)), abs=1e-14)


def test_linear_integers_are_equally_likely() -> None:
    """Uniform coordinates decode to each integer alike, the outermost too (chi-square)."""
    units = np.random.default_rng(1).random(70_000)

    counts = np.bincount(np.array(decode(IntegerParameter("n", 0, 6), *units)), minlength=7)

    assert stats.chisquare(counts).pvalue > 1e-3


def test_linear_integer_bins_have_equal_width() -> None:
    """On a fine regular grid every integer owns just the same number of points."""
    units = (np.arange(6000) + 0.5) / 6000

    counts = np.bincount(np.array(decode(IntegerParameter("n", 0, 5), *units)))

    assert counts.tolist() == [1000] * 6


def test_log_integer_is_as_likely_as_the_numbers_that_round_to_it() -> None:
    """On a log scale the bin of n is log((n + 1/2) / (n - 1/2)) of the whole."""
    units = np.random.default_rng(2).random(100_000)
    numbers = np.arange(1, 9)
    shares = np.log((numbers + 0.5) / (numbers - 0.5)) / np.log(8.5 / 0.5)

    counts = np.bincount(np.array(decode(IntegerParameter("n", 1, 8, Log()), *units)))[1:]

    assert stats.chisquare(counts, shares * counts.sum()).pvalue > 1e-3


def test_log_integers_double_in_equal_steps() -> None:
    """On a log scale 1, 2, 4, 8 are equally far apart, so that a kernel sees ratios."""
    units = IntegerParameter("n", 1, 8, Log()).encode(np.array([1, 2, 4, 8]))[:, 0]

    np.testing.assert_allclose(np.diff(units), np.log(2.0) / np.log(17.0))


@pytest.mark.parametrize("high", [3, 1000, 2**40])
@pytest.mark.parametrize("scale", [Linear(), Log()])
def test_integer_round_trip(scale: Linear | Log, high: int) -> None:
    """Integers survive the unit cube up to the largest one allowed, and stay Python integers."""
    values = sorted({1, 2, 3, high // 2, high - 1, high})
    parameter = IntegerParameter("n", 1, high, scale)

    decoded = parameter.decode(parameter.encode(np.array(values)))

    assert decoded == values
    assert {type(value) for value in decoded} == {int}


def test_reverse_log_integers_are_below_one() -> None:
    """The reverse log scale takes integers up to zero and gives them back."""
    values = [-9, -3, -1, 0]
    parameter = IntegerParameter("n", -9, 0, ReverseLog())

    assert parameter.decode(parameter.encode(np.array(values))) == values


def test_border_of_two_integers_goes_up() -> None:
    """Dyadic designs hit borders exactly; each goes to the upper integer, the last one stays in."""
    parameter = IntegerParameter("n", 0, 3)

    assert decode(parameter, 0.0, 0.25, 0.5, 0.75, 1.0) == [0, 1, 2, 3, 3]


@pytest.mark.parametrize(("high", "is_continuous"), [(31, False), (32, True)])
def test_integers_of_many_levels_are_continuous(high: int, *, is_continuous: bool) -> None:
    """From 32 levels on an integer may be moved by gradient steps."""
    assert IntegerParameter("n", 1, high).is_continuous is is_continuous


def test_integer_steps_stay_inside() -> None:
    """An integer steps to the next smaller and larger one, at a bound only inwards."""
    parameter = IntegerParameter("n", 1, 3)

    steps = [parameter.decode(parameter.steps(unit)) for unit in parameter.encode(np.arange(1, 4))]

    assert steps == [[2], [1, 3], [2]]


def test_even_values_own_equal_bins() -> None:
    """Values spread evenly on the scale own equal bins, and lie in their middle."""
    parameter = DiscreteParameter("batch", (16, 32, 64, 128), Log())
    units = (np.arange(4000) + 0.5) / 4000

    places = parameter.encode(np.array([16, 32, 64, 128]))[:, 0]
    counts = [decode(parameter, *units).count(value) for value in parameter.values]

    np.testing.assert_allclose(places, [0.125, 0.375, 0.625, 0.875])
    assert counts == [1000] * 4


def test_border_of_two_listed_values_goes_up() -> None:
    """A coordinate just between two listed values goes to the upper one, as with integers."""
    assert decode(DiscreteParameter("d", (1, 2, 3, 4)), 0.0, 0.25, 0.5, 0.75, 1.0) == [
        1,
        2,
        3,
        4,
        4,
    ]


def test_distances_of_listed_values_respect_the_scale() -> None:
    """On a linear scale the gap from 1 to 10 is nine times that from 0 to 1."""
    places = DiscreteParameter("d", (0.0, 1.0, 10.0)).encode(np.array([0.0, 1.0, 10.0]))[:, 0]

    assert (places[2] - places[1]) / (places[1] - places[0]) == pytest.approx(9.0)


def test_uneven_values_are_sampled_alike() -> None:
    """Quantiles give each listed value the same share, however uneven the values."""
    parameter = DiscreteParameter("d", (0.0, 1.0, 1000.0))
    quantiles = (np.arange(300) + 0.5) / 300

    drawn = parameter.decode(parameter.at_quantiles(quantiles))

    assert drawn == [0.0] * 100 + [1.0] * 100 + [1000.0] * 100


def test_listed_integers_decode_to_integers() -> None:
    """A batch size comes back as an integer; one real number among the values makes all floats."""
    whole = decode(DiscreteParameter("d", (1, 2)), 0.2)[0]
    mixed = decode(DiscreteParameter("d", (1, 2.5)), 0.2)[0]

    assert (type(whole), type(mixed)) == (int, float)


@settings(deadline=None, derandomize=True)
@given(
    values=st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=8, unique=True).map(sorted),
    scale=st.sampled_from([Linear(), Log()]),
)
def test_listed_values_round_trip(values: list[float], scale: Linear | Log) -> None:
    """Every listed value survives the unit cube exactly, unless it was refused as too close."""
    try:
        parameter = DiscreteParameter("d", tuple(values), scale)
    except SpaceError as error:
        assert "too close" in str(error)  # noqa: PT017
        return

    assert parameter.decode(parameter.encode(np.array(values))) == values


def test_single_listed_value() -> None:
    """A list of one value lies at one half and decodes from anywhere."""
    parameter = DiscreteParameter("d", (3.5,))

    assert parameter.encode(np.array([3.5])).tolist() == [[0.5]]
    assert decode(parameter, 0.0, 1.0) == [3.5, 3.5]


@pytest.mark.parametrize(
    ("parameter", "good", "bad"),
    [
        (
            FloatParameter("x", 0.1, 1.0),
            (0.1, 1, 1.0 + 1e-12, np.float32(0.5), np.int8(1)),
            (0.0999, 1.1, float("nan"), float("inf"), None, True, "0.5", 1j, 10**400, [0.5]),
        ),
        (
            IntegerParameter("x", 1, 3),
            (1, 3.0, np.int64(2), np.float64(2.0)),
            (0, 4, 2.5, float("nan"), float("inf"), True, "2", None, -(10**400)),
        ),
        (
            DiscreteParameter("x", (0.1, 0.3)),
            (0.1, 0.1 + 0.2, np.float64(0.3)),
            (0.2, 0.0, 1.0, float("nan"), float("inf"), False, "0.1"),
        ),
    ],
)
def test_admitted_values(
    parameter: Parameter, good: tuple[object, ...], bad: tuple[object, ...]
) -> None:
    """Numbers in the range are admitted whatever their type; truth values and text never."""
    assert parameter.admits(column(*good)).all()
    assert not parameter.admits(column(*bad)).any()
    assert not any(parameter.admits(column(value))[0] for value in bad)


@pytest.mark.parametrize("dtype", ["<U4", "bool", "datetime64[s]", "complex128"])
def test_columns_of_other_types_are_refused(dtype: str) -> None:
    """A column of text, truth values, dates or complex numbers holds no numbers."""
    assert not FloatParameter("x", 0.0, 1.0).admits(np.zeros(2, dtype=dtype)).any()


@pytest.mark.usefixtures("as_users_run")
@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: FloatParameter("x", 1.0, 1.0), "low < high"),
        (lambda: FloatParameter("x", 2.0, 1.0), "low < high"),
        (lambda: FloatParameter("x", float("nan"), 1.0), "finite"),
        (lambda: FloatParameter("x", 0.0, float("inf")), "finite"),
        (lambda: FloatParameter("x", 0.0, 10**400), "finite"),
        (lambda: FloatParameter("x", "0", 1.0), "finite number"),
        (lambda: FloatParameter("x", 0.0, True), "finite number"),
        (lambda: FloatParameter("x", 0.0, 1.0, Log()), "above 0"),
        (lambda: FloatParameter("x", 0.0, 1.0, ReverseLog()), "below 1"),
        (lambda: FloatParameter("x", 0.0, 1.0, "log"), "Log()"),
        (lambda: FloatParameter("x", -1e20, -1e20 + 2e4, ReverseLog()), "too close"),
        (lambda: FloatParameter(" ", 0.0, 1.0), "not blank"),
        (lambda: FloatParameter(3, 0.0, 1.0), "string"),
        (lambda: IntegerParameter("x", 1, 1), "low < high"),
        (lambda: IntegerParameter("x", 0, 4, Log()), "above 0"),
        (lambda: IntegerParameter("x", 0, 1, ReverseLog()), "below 1"),
        (lambda: IntegerParameter("x", 0, 2.5), "integer"),
        (lambda: IntegerParameter("x", False, True), "integer"),
        (lambda: IntegerParameter("x", 0, 2**41), "larger unit"),
        (lambda: DiscreteParameter("x", ()), "at least one"),
        (lambda: DiscreteParameter("x", "12"), "at least one"),
        (lambda: DiscreteParameter("x", 3), "at least one"),
        (lambda: DiscreteParameter("x", (1, 1)), "increasing"),
        (lambda: DiscreteParameter("x", (2, 1)), "increasing"),
        (lambda: DiscreteParameter("x", (1, float("nan"))), "finite"),
        (lambda: DiscreteParameter("x", (1, "2")), "finite number"),
        (lambda: DiscreteParameter("x", (0, 1), Log()), "above 0"),
        (lambda: DiscreteParameter("x", (1e-300, 2e-300, 1e300)), "too close"),
    ],
)
def test_ill_defined_parameters_are_refused(build: Any, words: str) -> None:
    """A parameter that cannot be says so when it is built, names itself and says what it wants."""
    with pytest.raises(SpaceError, match=r"Parameter 'x'|name is") as caught:
        build()

    assert words in str(caught.value)


@pytest.mark.usefixtures("as_users_run")
def test_whole_floats_are_taken_for_integer_bounds() -> None:
    """Bounds that lost their type on the way, 1.0 for 1, make the same parameter."""
    assert IntegerParameter("x", 1.0, np.int32(4)) == IntegerParameter("x", 1, 4)
