"""Fixed parameters: values handed to every trial and never tuned."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from hyperbo.errors import SpaceError
from hyperbo.space.columns import as_native, as_natives
from hyperbo.space.parameter import Parameter, Value, check_name

# The relative difference at which two numbers still count as the same value.
_SLACK = 1e-9


@dataclass(frozen=True)
class FixedParameter(Parameter):
    """A parameter with one value; it takes no unit coordinate.

    A configuration may leave it out; if it holds it, the value must agree.

    Attributes:
        name: Unique within a search space.
        value: The value every configuration gets.

    Raises:
        SpaceError: If the value is not a finite number, a string or a truth value.
    """

    name: str
    value: Value

    def __post_init__(self) -> None:
        check_name(self.name)
        value = as_native(self.value)
        is_finite = not isinstance(value, float) or math.isfinite(value)
        if not isinstance(value, str | bool | int | float) or not is_finite:
            raise SpaceError(
                f"Parameter {self.name!r} is fixed to {value!r}; wanted a string, a truth value or "
                "a finite number."
            )
        object.__setattr__(self, "value", value)

    @property
    def width(self) -> int:
        """No coordinate."""
        return 0

    @property
    def is_continuous(self) -> bool:
        """Never."""
        return False

    @property
    def wanted(self) -> str:
        """The values admitted, in words for error messages."""
        return f"the fixed value {self.value!r}"

    def admits(self, column: np.ndarray) -> Bool[np.ndarray, " N"]:
        """Which native values agree with the fixed one; numbers to a relative 1e-9."""
        return np.array([self._agrees(value) for value in as_natives(column)], dtype=bool)

    def encode(self, column: np.ndarray) -> Float[np.ndarray, "N W"]:
        """No coordinate for any row."""
        return np.zeros((column.shape[0], 0))

    def decode(self, units: Float[np.ndarray, "N W"]) -> list[Value]:
        """The fixed value, once for each row."""
        return [self.value] * units.shape[0]

    def snap(self, units: Float[np.ndarray, "N W"]) -> Float[np.ndarray, "N W"]:
        """Nothing to snap."""
        return units.copy()

    def at_quantiles(self, quantiles: Float[np.ndarray, " N"]) -> Float[np.ndarray, "N W"]:
        """No coordinate for any row."""
        return np.zeros((quantiles.shape[0], 0))

    def steps(self, unit: Float[np.ndarray, " W"]) -> Float[np.ndarray, "K W"]:
        """No step leads anywhere."""
        return np.zeros((0, unit.shape[0]))

    def _agrees(self, value: object) -> bool:
        if isinstance(self.value, bool | str) or isinstance(value, bool | str):
            return type(value) is type(self.value) and value == self.value
        return isinstance(value, int | float) and math.isclose(value, self.value, rel_tol=_SLACK)
