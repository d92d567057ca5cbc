"""A study's trials in a CSV or JSON file: what was tried, what came of it, what is still running.

A CSV file has a header; a JSON file is a list of objects. Both have a value for each parameter and
one for the metric. A trial whose metric is empty (in JSON: null or left out) is still running. A
trial may say how it ended in a column `status`, as in tuning tables: `completed`, `diverged`,
`failed` or `infeasible`; one that did not complete counts as the worst that did.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from hyperbo.errors import HyperBOError
from hyperbo.space import (
    CategoricalParameter,
    DiscreteParameter,
    FixedParameter,
    FloatParameter,
    IntegerParameter,
    Parameter,
    SearchSpace,
)
from hyperbo.suggest import History
from hyperbo_datasets.metric import Metric
from hyperbo_service.errors import TrialsFileError
from hyperbo_service.names import advice
from hyperbo_service.rows_file import Row, read_rows

STATUS = "status"
COMPLETED, PENDING, LOST = "completed", "pending", ("diverged", "failed", "infeasible")


@dataclass(frozen=True)
class Trials:
    """A study's trials.

    Attributes:
        history: What the suggester is told: warped, maximised values and pending points.
        best: The best native metric value, or None if no trial completed.
        completed: Number of trials that completed.
        pending: Number still running.
        lost: Number that ended without a result.
    """

    history: History
    best: float | None
    completed: int
    pending: int
    lost: int


def read_trials(path: Path) -> list[Row]:
    """The trials of a file, one mapping a row, texts and numbers as they stand there.

    A file that is not there yet, or is empty, holds no trial.

    Raises:
        TrialsFileError: If the file is neither CSV nor JSON, or not in the layout.
    """
    is_new = path.suffix.lower() in (".csv", ".json") and not path.exists()
    return [] if is_new else read_rows(path)


def to_trials(rows: Sequence[Row], space: SearchSpace, metric: Metric, path: Path) -> Trials:
    """What a suggester needs to know of a file's rows.

    Args:
        rows: The rows.
        space: The search space.
        metric: The metric's name, goal and warp.
        path: The file, for messages.

    Raises:
        TrialsFileError: If a column is unknown, a value is outside the space, or a metric is not a
            finite number.
    """
    _refuse_unknown_columns(rows, space, metric, path)
    outcomes = [_outcome(row, metric, f"{path}, trial {n}") for n, row in enumerate(rows, start=1)]
    points = _encode(rows, space, path)
    completed = [place for place, (status, _) in enumerate(outcomes) if status == COMPLETED]
    lost = [place for place, (status, _) in enumerate(outcomes) if status in LOST]
    natives = np.array([outcomes[place][1] for place in completed], dtype=np.float64)
    try:
        values = metric.warped(natives)
    except HyperBOError as error:
        raise TrialsFileError(f"{path}: {error}") from error
    # Where nothing completed there is no worst value: those points are only not tried again.
    finished = [*completed, *lost] if completed else []
    if completed:
        values = np.concatenate([values, np.full(len(lost), values.min())])
    waiting = sorted(set(range(len(rows))) - set(finished))
    history = History(points[finished], values, points[waiting])
    best = float(natives[np.argmax(values[: natives.size])]) if completed else None
    return Trials(history, best, len(completed), len(rows) - len(completed) - len(lost), len(lost))


def _refuse_unknown_columns(
    rows: Sequence[Row], space: SearchSpace, metric: Metric, path: Path
) -> None:
    known = [*space.names, metric.name, STATUS]
    columns = dict.fromkeys(name for row in rows for name in row)
    for name in columns:
        if name not in known:
            raise TrialsFileError(
                f"{path} has a column {name!r}, which is neither a parameter, nor the metric "
                f"{metric.name!r}, nor 'status'. {advice(name, known)}"
            )
    if metric.name not in columns and not all(row.get(STATUS) for row in rows):
        raise TrialsFileError(
            f"{path} has no column {metric.name!r} for the metric; it has {list(columns)}. Add it, "
            "empty where a trial is still running, or name another by --metric."
        )


def _outcome(row: Row, metric: Metric, where: str) -> tuple[str, float]:
    """How a trial stands, and its native metric value, NaN where it has none."""
    value, status = row.get(metric.name), str(row.get(STATUS) or "").strip().lower()
    if status and status not in (COMPLETED, PENDING, *LOST):
        raise TrialsFileError(
            f"{where}: the status is {status!r}. {advice(status, (COMPLETED, PENDING, *LOST))}"
        )
    if status in (PENDING, *LOST):
        return status, math.nan
    if value is None or value == "":
        if status == COMPLETED:
            raise TrialsFileError(f"{where}: completed, but without a value of {metric.name}.")
        return PENDING, math.nan
    number = math.nan if isinstance(value, bool) else _as_number(value)
    if not isinstance(number, int | float) or not _is_finite(number):
        raise TrialsFileError(
            f"{where}: {metric.name} is {str(value)[:40]!r}; wanted a finite number. If the trial "
            "diverged, write 'diverged' in a column 'status'; if it is still running, leave the "
            "cell empty."
        )
    return COMPLETED, float(number)


def _is_finite(number: float) -> bool:
    """Whether a number fits into a float; an integer may be too large to."""
    try:
        return math.isfinite(number)
    except OverflowError:
        return False


def _encode(rows: Sequence[Row], space: SearchSpace, path: Path) -> Float[np.ndarray, "N D"]:
    parameters = {parameter.name: parameter for parameter in _all(space.parameters)}
    points = np.zeros((len(rows), space.dimension))
    for place, row in enumerate(rows):
        config = {
            name: _native(parameters[name], value)
            for name, value in row.items()
            if name in parameters and value not in ("", None)
        }
        try:
            points[place] = space.encode([config])[0]
        except HyperBOError as error:
            reason = str(error).removeprefix("Configuration 0: ")
            raise TrialsFileError(f"{path}, trial {place + 1}: {reason}") from error
    return points


def _all(parameters: Sequence[Parameter]) -> list[Parameter]:
    found: list[Parameter] = []
    for parameter in parameters:
        found.append(parameter)
        if isinstance(parameter, CategoricalParameter):
            for children in parameter.children.values():
                found.extend(_all(children))
    return found


def _native(parameter: Parameter, value: object) -> object:
    """The parameter's value that a cell spells; the cell itself if it spells none."""
    if not isinstance(value, str):
        return value
    if isinstance(parameter, CategoricalParameter):
        return {str(category): category for category in parameter.categories}.get(value, value)
    if isinstance(parameter, FixedParameter):
        return parameter.value if value == str(parameter.value) else _as_number(value)
    if isinstance(parameter, FloatParameter | IntegerParameter | DiscreteParameter):
        return _as_number(value)
    return value


def _as_number(value: object) -> object:
    """The number that a text spells; anything else as it is."""
    if not isinstance(value, str):
        return value
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value
