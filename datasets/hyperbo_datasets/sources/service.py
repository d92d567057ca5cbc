"""Finished studies of a tuning service, told as plain records: each study becomes a task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hyperbo.space import SearchSpace
from hyperbo_datasets.checks import validate
from hyperbo_datasets.errors import SourceError
from hyperbo_datasets.metric import Metric
from hyperbo_datasets.parameter_columns import parameters_by_name
from hyperbo_datasets.schema import (
    CONFIG_ID,
    COST,
    RESERVED,
    SEED,
    STATUS,
    TASK,
    Provenance,
    Status,
    TuningTable,
    make_table,
    number_configurations,
    number_repeats,
)


@dataclass(frozen=True)
class Run:
    """A finished trial.

    Attributes:
        parameters: Native values; conditional parameters that do not exist are left out.
        value: The metric in its native unit; None if the configuration cannot be evaluated.
        seconds: How long it ran; None where unknown.
    """

    parameters: Mapping[str, object]
    value: float | None
    seconds: float | None = None


@dataclass(frozen=True)
class Study:
    """A finished study.

    Attributes:
        name: What its task shall be called.
        runs: Its trials; those that broke for a reason of their own are left out, as they say
            nothing of their configurations.
    """

    name: str
    runs: Sequence[Run]


def load(
    name: str, space: SearchSpace, metric: Metric, studies: Sequence[Study], source: str
) -> TuningTable:
    """A table with one task for each study.

    Args:
        name: The table's name.
        space: The search space of all studies.
        metric: What all of them measured.
        studies: The studies, each with a completed trial.
        source: Where they come from.

    Raises:
        SourceError: If two studies have one name, or there is none.
        TableError: If a trial contradicts the space or the metric.

    Example:
        >>> from hyperbo.space import FloatParameter
        >>> from hyperbo_datasets.metric import Maximise
        >>> studies = [Study("a", [Run({"x": 0.5}, 1.0), Run({"x": 0.9}, None)])]
        >>> space = SearchSpace((FloatParameter("x", 0.0, 1.0),))
        >>> table = load("toy", space, Metric("y", Maximise()), studies, "a service")
        >>> list(table.frame["status"])
        ['completed', 'infeasible']
    """
    names = [study.name for study in studies]
    repeated = sorted({each for each in names if names.count(each) > 1})
    if repeated or not names:
        raise SourceError(f"Studies are told apart by their names; there are {names}.")
    measured = _named_apart(metric, space)
    parameters = list(parameters_by_name(space))
    rows = [
        _row(study.name, run, parameters, measured.name) for study in studies for run in study.runs
    ]
    frame = pd.DataFrame(rows, columns=[TASK, *parameters, measured.name, STATUS, COST])
    frame = frame.assign(**{CONFIG_ID: number_configurations(frame, parameters)})
    frame = frame.assign(**{SEED: number_repeats(frame, [TASK, CONFIG_ID])})
    provenance = Provenance(source=source, notes="failed and unfinished trials left out")
    return validate(make_table(name, space, measured, frame, provenance))


def _row(task: str, run: Run, parameters: Sequence[str], metric: str) -> dict[str, object]:
    status = Status.INFEASIBLE if run.value is None else Status.COMPLETED
    return {
        TASK: task,
        **{name: run.parameters.get(name) for name in parameters},
        metric: np.nan if run.value is None else run.value,
        STATUS: status.value,
        COST: np.nan if run.seconds is None else run.seconds,
    }


def _named_apart(metric: Metric, space: SearchSpace) -> Metric:
    """The metric under a name that no other column of the table has."""
    name = metric.name
    while name in (*RESERVED, *space.names):
        name = f"{name}_"
    return Metric(name, metric.goal, metric.warp)
