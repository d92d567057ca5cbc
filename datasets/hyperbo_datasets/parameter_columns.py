"""Columns of native hyperparameter values: which rows they concern, and repairing rounding."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from hyperbo.space import (
    CategoricalParameter,
    DiscreteParameter,
    FloatParameter,
    IntegerParameter,
    Parameter,
    SearchSpace,
)

# float32 columns overshoot a bound, or miss a listed value, by this much of it.
ROUNDING = 1e-6


def parameters_by_name(space: SearchSpace) -> dict[str, Parameter]:
    """All parameters of a space, conditional ones after those they depend on."""
    return {parameter.name: parameter for parameter, _ in _walk(space.parameters, ())}


def active_rows(space: SearchSpace, frame: pd.DataFrame) -> dict[str, Bool[np.ndarray, " N"]]:
    """For each parameter, in which rows it takes part: those where its parents' categories hold."""
    active = {}
    for parameter, conditions in _walk(space.parameters, ()):
        rows = np.ones(len(frame), dtype=bool)
        for parent, category in conditions:
            rows &= (frame[parent].astype("object") == category).to_numpy(dtype=bool)
        active[parameter.name] = rows
    return active


def snap(parameter: Parameter, values: "pd.Series[Any]") -> "pd.Series[Any]":
    """The column in the parameter's type, rounded onto the bound or listed value it just misses.

    Missing values stay missing. Whatever is further off than rounding stays as it is, for
    `Parameter.admits` to refuse. Categories written as text, as CSV files have them, become
    the categories they spell.

    Raises:
        ValueError: If a numeric parameter's column holds text.
    """
    if isinstance(parameter, FloatParameter):
        return _like(values, _onto_bounds(_numbers(values), parameter.low, parameter.high))
    if isinstance(parameter, IntegerParameter):
        numbers = _numbers(values)
        is_whole = bool((np.isfinite(numbers) & (numbers == np.rint(numbers))).all())
        return _like(values, numbers.astype(np.int64) if is_whole else numbers)
    if isinstance(parameter, DiscreteParameter):
        return _like(values, _onto_listed(_numbers(values), parameter.values))
    if isinstance(parameter, CategoricalParameter):
        return _like(values, [_category(parameter, value) for value in values])
    return values


def _walk(
    parameters: Sequence[Parameter], conditions: tuple[tuple[str, Any], ...]
) -> Iterator[tuple[Parameter, tuple[tuple[str, Any], ...]]]:
    """Every parameter with the (parent's name, category) pairs under which it takes part."""
    for parameter in parameters:
        yield parameter, conditions
        if isinstance(parameter, CategoricalParameter):
            for category, children in parameter.children.items():
                yield from _walk(children, (*conditions, (parameter.name, category)))


def _category(parameter: CategoricalParameter, value: Any) -> Any:
    """The category that a value is or spells; None if missing, the value itself if neither."""
    if pd.isna(value):
        return None
    if value in parameter.categories:
        return value
    spelled = {str(category): category for category in parameter.categories}
    return spelled.get(str(value), value)


def _numbers(values: "pd.Series[Any]") -> Float[np.ndarray, " N"]:
    """The column as float64, NaN where missing."""
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def _like(values: "pd.Series[Any]", content: Any) -> "pd.Series[Any]":
    """A column of new content in the same rows; text and categories stay Python objects."""
    dtype = None if isinstance(content, np.ndarray) else "object"
    return pd.Series(content, index=values.index, dtype=dtype)


def _onto_bounds(
    numbers: Float[np.ndarray, " N"], low: float, high: float
) -> Float[np.ndarray, " N"]:
    """Numbers outside the bounds by no more than rounding, set to the bound."""
    span = high - low
    below = (numbers < low) & (numbers >= low - ROUNDING * (abs(low) or span))
    above = (numbers > high) & (numbers <= high + ROUNDING * (abs(high) or span))
    return np.where(below, low, np.where(above, high, numbers))


def _onto_listed(
    numbers: Float[np.ndarray, " N"], listed: Sequence[float]
) -> Float[np.ndarray, " N"]:
    """Numbers that miss a listed value by no more than rounding, set to it."""
    snapped = numbers
    for value in listed:
        near = np.abs(numbers - value) <= ROUNDING * abs(value)
        snapped = np.where(near, float(value), snapped)
    return snapped
