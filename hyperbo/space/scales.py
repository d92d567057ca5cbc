"""Scales: how a parameter's native values are laid along one unit coordinate.

Every scale increases: a larger native value has a larger unit coordinate.
"""

import abc
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float


class Scale(abc.ABC):
    """A strictly increasing warp of native values; equal warped steps count as equal changes.

    Attributes:
        requirement: What the scale asks of the values it is given, in words for error messages.
    """

    requirement: ClassVar[str]

    @abc.abstractmethod
    def admits(self, low: float, high: float) -> bool:
        """Whether every value from `low` to `high` can be warped."""

    @abc.abstractmethod
    def forward(self, values: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
        """Warp native values."""

    @abc.abstractmethod
    def inverse(self, warped: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
        """Native values of warped ones."""


@dataclass(frozen=True)
class Linear(Scale):
    """The values as they are."""

    requirement: ClassVar[str] = "finite values"

    def admits(self, low: float, high: float) -> bool:
        """Whether every value from `low` to `high` can be warped: always."""
        return low <= high

    def forward(self, values: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
        """The values themselves."""
        return values

    def inverse(self, warped: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
        """The values themselves."""
        return warped


@dataclass(frozen=True)
class Log(Scale):
    """Logarithm of the value, for learning rates, weight decays, layer widths."""

    requirement: ClassVar[str] = "values above 0"

    def admits(self, low: float, high: float) -> bool:
        """Whether the values from `low` to `high` are all positive."""
        return 0 < low <= high

    def forward(self, values: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
        """Natural logarithm."""
        return np.log(values)

    def inverse(self, warped: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
        """Exponential."""
        return np.exp(warped)


@dataclass(frozen=True)
class ReverseLog(Scale):
    """Minus the logarithm of one minus the value, for momenta: resolution is finest near one.

    The sign is chosen so that the unit coordinate increases with the value: of momenta 0.9, 0.99
    and 0.999, the last has the largest coordinate and the steps between them are equal.
    """

    requirement: ClassVar[str] = "values below 1"

    def admits(self, low: float, high: float) -> bool:
        """Whether the values from `low` to `high` are all below one."""
        return low <= high < 1

    def forward(self, values: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
        r"""$-\log(1 - x)$."""
        return -np.log1p(-values)

    def inverse(self, warped: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
        """$1 - e^{-w}$."""
        return -np.expm1(-warped)


@dataclass(frozen=True)
class Interval:
    """A native interval laid on the unit interval by a scale.

    Attributes:
        scale: The warp between native values and equal steps.
        low: Native value at unit coordinate 0.
        high: Native value at unit coordinate 1.
    """

    scale: Scale
    low: float
    high: float

    @property
    def warped(self) -> tuple[float, float]:
        """The warped ends."""
        start, stop = self.scale.forward(np.array([self.low, self.high])).tolist()
        return start, stop

    def to_unit(self, values: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
        """Unit coordinates of native values; those beyond an end go to that end."""
        start, stop = self.warped
        inside = np.clip(values, self.low, self.high)
        return np.clip((self.scale.forward(inside) - start) / (stop - start), 0.0, 1.0)

    def from_unit(self, units: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
        """Native values of unit coordinates; 0 and below give `low` exactly, 1 and above `high`."""
        start, stop = self.warped
        inside = np.clip(units, 0.0, 1.0)
        values = np.clip(self.scale.inverse(start + inside * (stop - start)), self.low, self.high)
        # Rounding in the warp must not keep a bound from being reached.
        return np.where(units <= 0.0, self.low, np.where(units >= 1.0, self.high, values))
