"""Numeric parameters: floats, integers and listed numbers, each one coordinate in [0, 1]."""

import itertools
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from hyperbo.errors import SpaceError
from hyperbo.space.columns import as_native, as_numbers
from hyperbo.space.parameter import Parameter, Value, check_name, checked_items, equal_bins
from hyperbo.space.scales import Interval, Linear, Scale

# Rounding in files and other programs must not turn a bound into a value outside the bounds.
_SLACK = 1e-9
# Beyond these, the unit coordinate can no longer tell neighbouring values apart in float64.
_LARGEST_FLOAT = 1e300
_LARGEST_INTEGER = 2**40
# With as many levels, one step is small enough for a gradient to see past it.
_CONTINUOUS_LEVELS = 32


@dataclass(frozen=True)
class FloatParameter(Parameter):
    """A real number between two bounds, both included.

    Attributes:
        name: Unique within a search space.
        low: Smallest value, at unit coordinate 0.
        high: Largest value, at unit coordinate 1.
        scale: How values spread in between.

    Raises:
        SpaceError: If the bounds are not finite numbers with `low < high` that the scale admits.
    """

    name: str
    low: float | int
    high: float | int
    scale: Scale = field(default_factory=Linear)

    def __post_init__(self) -> None:
        check_name(self.name)
        low = float(_checked_number(self.name, "low", self.low))
        high = float(_checked_number(self.name, "high", self.high))
        _check_bounds(self.name, low, high, self.scale)
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)
        start, stop = self._interval.warped
        if not start < stop:
            raise SpaceError(
                f"Parameter {self.name!r}: low {low!r} and high {high!r} are too close to tell "
                "apart on its scale; fix the value with a FixedParameter."
            )

    @property
    def width(self) -> int:
        """One coordinate."""
        return 1

    @property
    def is_continuous(self) -> bool:
        """Always."""
        return True

    @property
    def wanted(self) -> str:
        """The values admitted, in words for error messages."""
        return f"a number from {self.low!r} to {self.high!r}"

    def admits(self, column: np.ndarray) -> Bool[np.ndarray, " N"]:
        """Which native values lie between the bounds, to a relative 1e-9 of each."""
        values = as_numbers(column)
        least, most = self.low - _SLACK * abs(self.low), self.high + _SLACK * abs(self.high)
        return (values >= least) & (values <= most)

    def encode(self, column: np.ndarray) -> Float[np.ndarray, "N W"]:
        """Unit coordinates of a column of admitted native values."""
        return self._interval.to_unit(as_numbers(column))[:, None]

    def decode(self, units: Float[np.ndarray, "N W"]) -> list[Value]:
        """Native values; both bounds are reached exactly."""
        values: list[Value] = self._interval.from_unit(units[:, 0]).tolist()
        return values

    def snap(self, units: Float[np.ndarray, "N W"]) -> Float[np.ndarray, "N W"]:
        """Every point of [0, 1] can be decoded, so only what lies beyond it moves."""
        return np.clip(units, 0.0, 1.0)

    def at_quantiles(self, quantiles: Float[np.ndarray, " N"]) -> Float[np.ndarray, "N W"]:
        """Uniform along the scale."""
        return np.clip(quantiles, 0.0, 1.0)[:, None]

    def steps(self, unit: Float[np.ndarray, " W"]) -> Float[np.ndarray, "K W"]:
        """A real number has no neighbours."""
        return np.zeros((0, unit.shape[0]))

    @property
    def _interval(self) -> Interval:
        return Interval(self.scale, self.low, self.high)


@dataclass(frozen=True)
class IntegerParameter(Parameter):
    """An integer between two bounds, both included.

    The unit interval is [low - 1/2, high + 1/2] on the scale, and a coordinate decodes to the
    nearest integer there. On a linear scale each of the `K` integers therefore owns a bin of width
    `1 / K`, the outermost ones too. On a log scale an integer owns the logarithms of the numbers
    that round to it. An integer encodes to its own place on the scale, which is the middle of its
    bin on a linear scale and always inside it; so 1, 2, 4, 8 are equally far apart on a log scale.

    Integers of at least 32 levels count as continuous: an optimiser may move them by gradient
    steps, snap, and then try the neighbouring integers.

    Attributes:
        name: Unique within a search space.
        low: Smallest integer.
        high: Largest integer.
        scale: How integers spread in between.

    Raises:
        SpaceError: If the bounds are not integers with `low < high` that the scale admits.
    """

    name: str
    low: int
    high: int
    scale: Scale = field(default_factory=Linear)

    def __post_init__(self) -> None:
        check_name(self.name)
        low = _checked_integer(self.name, "low", self.low)
        high = _checked_integer(self.name, "high", self.high)
        _check_bounds(self.name, low, high, self.scale)
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)

    @property
    def width(self) -> int:
        """One coordinate."""
        return 1

    @property
    def is_continuous(self) -> bool:
        """Whether there are at least 32 levels."""
        return self.high - self.low + 1 >= _CONTINUOUS_LEVELS

    @property
    def wanted(self) -> str:
        """The values admitted, in words for error messages."""
        return f"an integer from {self.low} to {self.high}"

    def admits(self, column: np.ndarray) -> Bool[np.ndarray, " N"]:
        """Which native values are integers between the bounds; 3.0 is taken for 3."""
        values = as_numbers(column)
        return (values >= self.low) & (values <= self.high) & (values == np.rint(values))

    def encode(self, column: np.ndarray) -> Float[np.ndarray, "N W"]:
        """Each integer's own place on the scale."""
        return self._interval.to_unit(as_numbers(column))[:, None]

    def decode(self, units: Float[np.ndarray, "N W"]) -> list[Value]:
        """The nearest integer on the scale; the upper one at the border of two bins."""
        values: list[Value] = self._integers(units).tolist()
        return values

    def snap(self, units: Float[np.ndarray, "N W"]) -> Float[np.ndarray, "N W"]:
        """The place of the nearest integer."""
        return self.encode(self._integers(units))

    def at_quantiles(self, quantiles: Float[np.ndarray, " N"]) -> Float[np.ndarray, "N W"]:
        """Uniform along the scale, then the nearest integer."""
        return self.snap(quantiles[:, None])

    def steps(self, unit: Float[np.ndarray, " W"]) -> Float[np.ndarray, "K W"]:
        """The next smaller and the next larger integer, where there is one."""
        value = self._integers(unit[None, :]) + np.array([-1, 1])
        return self.encode(value[(value >= self.low) & (value <= self.high)])

    def _integers(self, units: Float[np.ndarray, "N W"]) -> Int[np.ndarray, " N"]:
        nearest = np.floor(self._interval.from_unit(units[:, 0]) + 0.5)
        return np.clip(nearest, self.low, self.high).astype(np.int64)

    @property
    def _interval(self) -> Interval:
        return Interval(self.scale, self.low - 0.5, self.high + 0.5)


@dataclass(frozen=True)
class DiscreteParameter(Parameter):
    """One of several listed numbers that have an order, such as batch sizes.

    A value's coordinate is its place on the scale, so that distances respect the scale; a
    coordinate decodes to the nearest place. The unit interval reaches half a gap beyond the first
    and the last value: values spread evenly on the scale own equal bins, the outermost ones too.
    Designs draw every listed value with the same probability, however unevenly they are spread.

    If all values are integers they decode to integers, otherwise to floats. A single value is
    allowed and lies at one half.

    Attributes:
        name: Unique within a search space.
        values: The numbers, strictly increasing.
        scale: How values spread along the coordinate.

    Raises:
        SpaceError: If there is no value, or they are not finite, strictly increasing and admitted
            by the scale.
    """

    name: str
    values: tuple[float | int, ...]
    scale: Scale = field(default_factory=Linear)

    def __post_init__(self) -> None:
        check_name(self.name)
        listed = checked_items(self.name, "values", self.values)
        values = tuple(_checked_number(self.name, "a value", each) for each in listed)
        if not all(isinstance(value, int) for value in values):
            values = tuple(float(value) for value in values)
        if any(not before < after for before, after in itertools.pairwise(values)):
            raise SpaceError(
                f"Parameter {self.name!r} has values {values!r}; wanted them strictly increasing. "
                "Sort them and leave out repeats, or use a CategoricalParameter."
            )
        _check_scale(self.name, values[0], values[-1], self.scale)
        object.__setattr__(self, "values", values)
        if (np.diff(self._places) <= 0).any():
            raise SpaceError(
                f"Parameter {self.name!r} has values {values!r}, some too close to tell apart on "
                "its scale; leave them out or choose another scale."
            )

    @property
    def width(self) -> int:
        """One coordinate."""
        return 1

    @property
    def is_continuous(self) -> bool:
        """Never."""
        return False

    @property
    def wanted(self) -> str:
        """The values admitted, in words for error messages."""
        return f"one of {list(self.values)!r}"

    def admits(self, column: np.ndarray) -> Bool[np.ndarray, " N"]:
        """Which native values are listed, to a relative 1e-9."""
        values = as_numbers(column)
        listed = self._numbers[self._nearest_listed(values)]
        return np.isfinite(values) & (np.abs(values - listed) <= _SLACK * np.abs(listed))

    def encode(self, column: np.ndarray) -> Float[np.ndarray, "N W"]:
        """Each listed value's place on the scale."""
        return self._places[self._nearest_listed(as_numbers(column))][:, None]

    def decode(self, units: Float[np.ndarray, "N W"]) -> list[Value]:
        """The value of the nearest place; the upper one at the border of two bins."""
        return [self.values[position] for position in self._positions(units).tolist()]

    def snap(self, units: Float[np.ndarray, "N W"]) -> Float[np.ndarray, "N W"]:
        """The nearest place."""
        return self._places[self._positions(units)][:, None]

    def at_quantiles(self, quantiles: Float[np.ndarray, " N"]) -> Float[np.ndarray, "N W"]:
        """Every listed value takes the same share of the quantiles, in order."""
        return self._places[equal_bins(quantiles, len(self.values))][:, None]

    def steps(self, unit: Float[np.ndarray, " W"]) -> Float[np.ndarray, "K W"]:
        """The next smaller and the next larger listed value, where there is one."""
        positions = self._positions(unit[None, :]) + np.array([-1, 1])
        inside = positions[(positions >= 0) & (positions < len(self.values))]
        return self._places[inside][:, None]

    @cached_property
    def _numbers(self) -> Float[np.ndarray, " L"]:
        return np.array(self.values, dtype=np.float64)

    @cached_property
    def _places(self) -> Float[np.ndarray, " L"]:
        """The unit coordinate of every listed value."""
        warped = self.scale.forward(self._numbers)
        if len(warped) == 1:
            return np.array([0.5])
        start = warped[0] - (warped[1] - warped[0]) / 2
        stop = warped[-1] + (warped[-1] - warped[-2]) / 2
        return (warped - start) / (stop - start)

    def _positions(self, units: Float[np.ndarray, "N W"]) -> Int[np.ndarray, " N"]:
        """Position of the nearest place to each coordinate."""
        return _nearest(self._places, units[:, 0])

    def _nearest_listed(self, values: Float[np.ndarray, " N"]) -> Int[np.ndarray, " N"]:
        """Position of the nearest listed number to each native value."""
        return _nearest(self._numbers, values)


def _nearest(
    places: Float[np.ndarray, " L"], points: Float[np.ndarray, " N"]
) -> Int[np.ndarray, " N"]:
    """Position of the nearest of increasing places, the upper one of two equally near."""
    borders = places[:-1] / 2 + places[1:] / 2
    return np.searchsorted(borders, points, side="right").astype(np.int64)


def _checked_number(name: str, role: str, number: object) -> float | int:
    """The number as a Python value.

    Raises:
        SpaceError: If it is no finite number, or too large to be told from its neighbours.
    """
    native = as_native(number)
    if isinstance(native, bool) or not isinstance(native, int | float):
        raise SpaceError(f"Parameter {name!r}: {role} is {native!r}; wanted a finite number.")
    if not abs(native) <= _LARGEST_FLOAT:  # NaN is refused too
        raise SpaceError(
            f"Parameter {name!r}: {role} is {native!r}; wanted a finite number of at most "
            f"{_LARGEST_FLOAT:g} in size. Count in a larger unit, or tune its logarithm."
        )
    return native


def _checked_integer(name: str, role: str, number: object) -> int:
    """The integer as a Python value; 3.0 is taken for 3.

    Raises:
        SpaceError: If it is no integer, or too large for its unit coordinate to be exact.
    """
    native = as_native(number)
    if isinstance(native, float) and native.is_integer():
        native = int(native)
    if isinstance(native, bool) or not isinstance(native, int):
        raise SpaceError(
            f"Parameter {name!r}: {role} is {native!r}; wanted an integer. Use a FloatParameter "
            "for real numbers."
        )
    if abs(native) > _LARGEST_INTEGER:
        raise SpaceError(
            f"Parameter {name!r}: {role} is {native!r}; wanted an integer of at most 2**40 in "
            "size. Count in a larger unit, or use a FloatParameter and round."
        )
    return native


def _check_bounds(name: str, low: float | int, high: float | int, scale: object) -> None:
    if not low < high:
        raise SpaceError(
            f"Parameter {name!r}: low is {low!r} and high {high!r}; wanted low < high. Swap them, "
            "or use a FixedParameter for a single value."
        )
    _check_scale(name, low, high, scale)


def _check_scale(name: str, low: float | int, high: float | int, scale: object) -> None:
    if not isinstance(scale, Scale):
        raise SpaceError(
            f"Parameter {name!r}: the scale is {scale!r}; wanted Linear(), Log() or ReverseLog()."
        )
    if not scale.admits(float(low), float(high)):
        raise SpaceError(
            f"Parameter {name!r} reaches from {low!r} to {high!r}, but {type(scale).__name__}() "
            f"needs {scale.requirement}; change the bounds or choose another scale."
        )
