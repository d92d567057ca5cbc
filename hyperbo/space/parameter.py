"""The contract of a parameter: its coordinates of the unit cube, and what its values become there.

All methods are vectorised: a column holds one native value for each of `N` rows, and `W` is the
number of unit coordinates the parameter occupies.
"""

import abc
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from hyperbo.errors import SpaceError

Value = float | int | str | bool


class Parameter(abc.ABC):
    """One hyperparameter.

    Attributes:
        name: Unique within a search space, its conditional parameters included.
    """

    name: str

    @property
    @abc.abstractmethod
    def width(self) -> int:
        """Number of unit coordinates, `W`."""

    @property
    @abc.abstractmethod
    def is_continuous(self) -> bool:
        """Whether the coordinate may be moved by gradient steps and snapped afterwards."""

    @property
    @abc.abstractmethod
    def wanted(self) -> str:
        """The values admitted, in words for error messages."""

    @abc.abstractmethod
    def admits(self, column: np.ndarray) -> Bool[np.ndarray, " N"]:
        """Which native values of a column are admitted."""

    @abc.abstractmethod
    def encode(self, column: np.ndarray) -> Float[np.ndarray, "N W"]:
        """Unit coordinates of a column of admitted native values."""

    @abc.abstractmethod
    def decode(self, units: Float[np.ndarray, "N W"]) -> list[Value]:
        """Native Python values of unit coordinates; coordinates beyond [0, 1] count as its ends."""

    @abc.abstractmethod
    def snap(self, units: Float[np.ndarray, "N W"]) -> Float[np.ndarray, "N W"]:
        """The coordinates of the value that each row decodes to; snapping twice changes nothing."""

    @abc.abstractmethod
    def at_quantiles(self, quantiles: Float[np.ndarray, " N"]) -> Float[np.ndarray, "N W"]:
        """Snapped coordinates at quantiles in [0, 1] of the distribution to explore from."""

    @abc.abstractmethod
    def steps(self, unit: Float[np.ndarray, " W"]) -> Float[np.ndarray, "K W"]:
        """Coordinates of the `K` values one step or category away from a snapped point."""


def check_name(name: object) -> None:
    """Refuse a name that cannot stand for a parameter.

    Raises:
        SpaceError: If the name is not a string, or is blank.
    """
    if not isinstance(name, str) or not name.strip():
        raise SpaceError(f"A parameter's name is {name!r}; give it a string that is not blank.")


def checked_items(name: str, role: str, items: object) -> tuple[object, ...]:
    """The items of a parameter's list, as a tuple.

    Raises:
        SpaceError: If it is no list, or is empty.
    """
    listed: tuple[object, ...] = ()
    if isinstance(items, Sequence | np.ndarray) and not isinstance(items, str | bytes):
        listed = tuple(items)
    if not listed:
        raise SpaceError(
            f"Parameter {name!r} has {role} {items!r}; give a tuple of at least one, or remove the "
            "parameter."
        )
    return listed


def equal_bins(quantiles: Float[np.ndarray, " N"], count: int) -> Int[np.ndarray, " N"]:
    """The bin of `count` equal ones over [0, 1] that each quantile falls into."""
    return np.clip(np.floor(quantiles * count), 0, count - 1).astype(np.int64)
