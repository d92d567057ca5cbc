"""What a trial came to: values on their way to the server, and the word for "cannot be"."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from typing import Any, SupportsFloat, SupportsIndex

from hyperbo.errors import HyperBOError
from hyperbo_service.client.answers import TrialRecord
from hyperbo_service.errors import InvalidArgumentError
from hyperbo_service.rpc.spaces import values_to_wire
from hyperbo_service.rpc.v1 import trial_pb2

Values = SupportsFloat | Mapping[str, SupportsFloat]
"""One value of the study's metric, or values by metric."""

LONGEST_REASON = 4096


class Infeasible(HyperBOError):  # noqa: N818 - a finding, not an error
    """Raised inside a trial's block: its configuration cannot be evaluated.

    The trial is marked infeasible with the exception's text as reason, and the block is left
    without an exception. Infeasible trials count as bad results, so that the study turns away from
    such configurations; failed ones say nothing of theirs.
    """


def metric_values(
    values: Values, metrics: Sequence[str], stderr: Values | None = None
) -> list[trial_pb2.MetricValue]:
    """Messages of metric values.

    Raises:
        InvalidArgumentError: If a value is not finite, or no number.
    """
    named = values if isinstance(values, Mapping) else {metrics[0]: values}
    errors: Mapping[str, Any] = {}
    if stderr is not None:
        errors = stderr if isinstance(stderr, Mapping) else {metrics[0]: stderr}
    unknown = [name for name in errors if name not in named]
    if unknown:
        raise InvalidArgumentError(
            f"There is a standard error of {unknown[0]!r}, but no value.", field="stderr"
        )
    return [
        trial_pb2.MetricValue(
            metric=name,
            value=_finite(value, name),
            stderr=None if name not in errors else _number(errors[name], f"stderr of {name}"),
        )
        for name, value in named.items()
    ]


def measurement(
    values: Sequence[trial_pb2.MetricValue],
    step: SupportsIndex,
    elapsed: float | None,
    cost: float | None,
) -> trial_pb2.Measurement:
    """The message of one point of a learning curve."""
    return trial_pb2.Measurement(
        step=operator.index(step), values=values, elapsed_seconds=elapsed, cost=cost
    )


def storable(reason: str) -> str:
    """A reason as it can be sent and stored: not too long, no NUL, and no halves of characters."""
    text = reason if len(reason) <= LONGEST_REASON else f"{reason[: LONGEST_REASON - 3]}..."
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def waiting_trial(parameters: Mapping[str, object]) -> trial_pb2.Trial:
    """A trial that waits to be handed out."""
    return trial_pb2.Trial(parameters=values_to_wire(parameters))


def completed_trial(
    parameters: Mapping[str, object],
    values: Values,
    metrics: Sequence[str],
    stderr: Values | None,
    cost: float | None,
) -> trial_pb2.Trial:
    """A trial that was run elsewhere."""
    return trial_pb2.Trial(
        parameters=values_to_wire(parameters),
        state=trial_pb2.Trial.STATE_COMPLETED,
        values=metric_values(values, metrics, stderr),
        cost=cost,
    )


def finished_trial(
    trial: "TrialRecord | Mapping[str, Any]", metrics: Sequence[str]
) -> trial_pb2.Trial:
    """A finished trial to be imported: a record, or a mapping.

    A mapping has `parameters` and `value` or `values`, and may have `stderr`, `cost`,
    `measurements` (each a mapping of `step` and `value` or `values`, `elapsed`, `cost`), `state`
    (`completed`, `infeasible` or `failed`) and `reason`.

    Raises:
        InvalidArgumentError: If it is neither, or not finished.
    """
    if isinstance(trial, TrialRecord):
        return _of_record(trial)
    unknown = set(trial) - _KEYS
    if unknown or "parameters" not in trial:
        raise InvalidArgumentError(
            f"A trial to import has the keys {sorted(trial)}; wanted `parameters`, and any of "
            f"{sorted(_KEYS - {'parameters'})}.",
            field="trials",
        )
    values = trial.get("values", trial.get("value"))
    return trial_pb2.Trial(
        parameters=values_to_wire(trial["parameters"]),
        state=_state(trial.get("state", "completed")),
        values=[] if values is None else metric_values(values, metrics, trial.get("stderr")),
        measurements=[_point(each, metrics) for each in trial.get("measurements", ())],
        reason=storable(trial.get("reason", "")),
        cost=trial.get("cost"),
    )


_KEYS = {"parameters", "value", "values", "stderr", "cost", "measurements", "state", "reason"}


def _point(point: Mapping[str, Any], metrics: Sequence[str]) -> trial_pb2.Measurement:
    values = metric_values(point.get("values", point.get("value")), metrics, point.get("stderr"))
    return measurement(values, point["step"], point.get("elapsed"), point.get("cost"))


def _of_record(trial: TrialRecord) -> trial_pb2.Trial:
    message = trial_pb2.Trial(
        parameters=values_to_wire(trial.parameters),
        state=_state(trial.state),
        values=metric_values(trial.values, (), trial.stderrs),
        measurements=[
            measurement(
                metric_values(each.values, (), each.stderrs), each.step, each.elapsed, each.cost
            )
            for each in trial.measurements
        ],
        reason=trial.reason,
        cost=trial.cost,
    )
    for stamp, moment in (
        (message.create_time, trial.created),
        (message.start_time, trial.started),
        (message.end_time, trial.ended),
    ):
        if moment is not None:
            stamp.FromDatetime(moment)
    return message


def _state(name: str) -> trial_pb2.Trial.State:
    states = {
        "completed": trial_pb2.Trial.STATE_COMPLETED,
        "infeasible": trial_pb2.Trial.STATE_INFEASIBLE,
        "failed": trial_pb2.Trial.STATE_FAILED,
    }
    if name not in states:
        raise InvalidArgumentError(
            f"A trial to import is {name}; only completed, infeasible and failed ones can be.",
            field="trials.state",
        )
    return states[name]


def _finite(value: Any, metric: str) -> float:
    number = _number(value, metric)
    if not math.isfinite(number):
        raise InvalidArgumentError(
            f"{metric} is {number}; a value must be finite. If training diverged, call "
            'trial.infeasible("...") or raise Infeasible.',
            field="values",
        )
    return number


def _number(value: Any, what: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(
            f"{what} is {value!r}; wanted a number, or a mapping of metrics to numbers.",
            field="values",
        ) from error
