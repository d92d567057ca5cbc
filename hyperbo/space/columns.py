"""Reading raw columns of hyperparameter values: which are absent, which are numbers."""

import math

import numpy as np
from jaxtyping import Bool, Float


def is_absent(column: np.ndarray) -> Bool[np.ndarray, " N"]:
    """Where a column holds no value: None or NaN."""
    if column.dtype.kind == "f":
        return np.isnan(column)
    if column.dtype.kind != "O":
        return np.zeros(column.shape, dtype=bool)
    if _is_plain(column):
        return np.isnan(as_numbers(column))
    return np.array([_is_nothing(value) for value in column.tolist()], dtype=bool)


def as_numbers(column: np.ndarray) -> Float[np.ndarray, " N"]:
    """A column as float64, NaN where the value is no real number; truth values are none."""
    if column.dtype.kind in "iuf":
        return column.astype(np.float64)
    if column.dtype.kind != "O":
        return np.full(column.shape, np.nan)
    if _is_plain(column):
        try:
            return column.astype(np.float64)
        except OverflowError:  # an integer beyond float64: found below
            pass
    return np.array([_as_number(value) for value in column.tolist()], dtype=np.float64)


def as_natives(column: np.ndarray) -> list[object]:
    """A column as Python values, NumPy scalars unwrapped."""
    return [as_native(value) for value in column.tolist()]


def as_native(value: object) -> object:
    """The Python value of a NumPy scalar; anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def _is_plain(column: np.ndarray) -> bool:
    """Whether all values are Python numbers or None, which NumPy converts many times faster."""
    return set(map(type, column.tolist())) <= {float, int, type(None)}


def _is_nothing(value: object) -> bool:
    return value is None or (isinstance(value, float | np.floating) and math.isnan(value))


def _as_number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
