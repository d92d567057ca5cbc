"""What a trial must be: its configuration, values, measurements and texts."""

import json
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from hyperbo.errors import SpaceError
from hyperbo.space import SearchSpace
from hyperbo.tasks import LARGEST_VALUE
from hyperbo_service.domain import (
    MOST_MEASUREMENTS,
    Measurement,
    MetricValue,
    Parameters,
    Study,
    Value,
)
from hyperbo_service.errors import InvalidArgumentError, OutsideSpaceError, TooLargeError

LARGEST_STEP = 2**53
_LONGEST_REASON = 4096


@lru_cache(maxsize=256)
def space_of(text: str) -> SearchSpace:
    """The search space of its canonical JSON."""
    return SearchSpace.from_json(text)


def check_configuration(study: Study, parameters: Parameters, field: str) -> dict[str, Value]:
    """A configuration in the order of the space, fixed parameters included.

    Raises:
        OutsideSpaceError: If the space does not admit it.
    """
    space = space_of(study.space)
    try:
        decoded = space.decode(space.encode([parameters]))[0]
    except SpaceError as error:
        message = str(error).removeprefix("Configuration 0: ")
        raise OutsideSpaceError(message, field=field, resource=str(study.name)) from error
    return {name: _as_given(parameters.get(name, value), value) for name, value in decoded.items()}


def _as_given(value: Value, decoded: Value) -> Value:
    """A float to the last digit, which decoding may round; all others in the parameter's type."""
    return float(value) if isinstance(decoded, float) else decoded


def check_values(metric: str, values: Sequence[MetricValue], field: str) -> None:
    """Refuse values that are not exactly one, of the metric, and finite.

    Raises:
        InvalidArgumentError: If a metric is missing, unknown, repeated, or not finite.
    """
    names = [each.metric for each in values]
    if names != [metric]:
        unknown = sorted({name for name in names if name != metric})
        what = f"are for {unknown}" if unknown else f"hold {len(names)} of {metric!r}"
        raise InvalidArgumentError(
            f"The values {what}; wanted exactly one of {metric!r}.", field=field
        )
    for each in values:
        if not math.isfinite(each.value) or abs(each.value) > LARGEST_VALUE:
            raise InvalidArgumentError(
                f"The value of {metric!r} is {each.value}; wanted a finite number of at most "
                f"{LARGEST_VALUE:g} in size. Mark a trial that diverged as infeasible.",
                field=f"{field}.value",
            )
        stderr = each.stderr
        if stderr is not None and not 0.0 <= stderr <= LARGEST_VALUE:
            raise InvalidArgumentError(
                f"The standard error of {metric!r} is {stderr}; wanted a finite number, not "
                "negative.",
                field=f"{field}.stderr",
            )


def check_measurement(metric: str, measurement: Measurement, field: str) -> None:
    """Refuse a measurement with wrong values, step, time or cost.

    Raises:
        InvalidArgumentError: If one of them is out of its limits.
    """
    check_values(metric, measurement.values, f"{field}.values")
    if not 0 <= measurement.step <= LARGEST_STEP:
        raise InvalidArgumentError(
            f"The step is {measurement.step}; wanted 0 to {LARGEST_STEP}.", field=f"{field}.step"
        )
    check_cost(measurement.cost, f"{field}.cost")
    check_cost(measurement.elapsed, f"{field}.elapsed_seconds")


def check_curve(metric: str, curve: Sequence[Measurement], field: str) -> None:
    """Refuse a learning curve whose steps do not increase.

    Raises:
        InvalidArgumentError: If they do not, or a measurement is wrong.
        TooLargeError: If there are too many.
    """
    check_length(len(curve), field)
    for place, measurement in enumerate(curve):
        check_measurement(metric, measurement, f"{field}[{place}]")
        if place and measurement.step <= curve[place - 1].step:
            raise InvalidArgumentError(
                f"Step {measurement.step} comes after step {curve[place - 1].step}; wanted "
                "increasing steps.",
                field=f"{field}[{place}].step",
            )


def check_length(count: int, field: str) -> None:
    """Refuse a learning curve of too many points.

    Raises:
        TooLargeError: If it is.
    """
    if count > MOST_MEASUREMENTS:
        raise TooLargeError(
            f"The trial has {MOST_MEASUREMENTS} measurements, which is the limit. Report fewer, "
            "such as every tenth step.",
            field=field,
        )


def check_cost(amount: float | None, field: str) -> None:
    """Refuse a time or cost that is negative or not finite.

    Raises:
        InvalidArgumentError: If it is.
    """
    if amount is not None and not 0.0 <= amount <= LARGEST_VALUE:
        raise InvalidArgumentError(
            f"{field} is {amount}; wanted a finite number, not negative.", field=field
        )


@lru_cache(maxsize=256)
def space_document(text: str) -> Mapping[str, Any]:
    """The JSON object of a search space's canonical JSON; not to be changed."""
    document: Mapping[str, Any] = json.loads(text)
    return document


def check_text(text: str, field: str) -> str:
    """A text that every database takes.

    Raises:
        InvalidArgumentError: If it holds the character NUL.
    """
    if "\0" in text:
        raise InvalidArgumentError(
            f"{field} holds the character NUL, which cannot be stored.", field=field
        )
    return text


def check_reason(text: str) -> str:
    """A reason, cut to what is stored; the beginning of a long trace tells most."""
    return text[:_LONGEST_REASON]


def check_client_id(text: str) -> str:
    """A client's id, if it is one.

    Raises:
        InvalidArgumentError: If it is empty, too long, or not printable.
    """
    if not 0 < len(text) <= 128 or not text.isprintable():
        raise InvalidArgumentError(
            f"The client id has {len(text)} characters; wanted 1 to 128, all printable.",
            field="client_id",
        )
    return text
