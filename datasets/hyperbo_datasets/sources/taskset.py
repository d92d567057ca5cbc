"""TaskSet: a thousand optimisation problems x 1,000 settings of Adam, with learning curves.

Metz et al. (2020), "Using a thousand optimization tasks to learn hyperparameter search strategies",
arXiv:2002.11887. The release's arrays are commonly passed on as one JSON file a task, a list of
`{"hp": {name: value}, "train": {"loss": [...]}, "valid": {"loss": [...]}, "test": ...}` whose
curves are averages over the release's five repeats.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hyperbo.space import FloatParameter, Log, ReverseLog, SearchSpace
from hyperbo_datasets.checks import validate
from hyperbo_datasets.errors import SourceError
from hyperbo_datasets.metric import Metric, Minimise, NegativeLogError, Warp
from hyperbo_datasets.schema import (
    CONFIG_ID,
    STATUS,
    STEP,
    TASK,
    Provenance,
    Status,
    TuningTable,
    make_table,
    number_configurations,
)
from hyperbo_datasets.sources.reading import open_files, parse_json

# The grids `adam1p`, `adam4p`, `adam6p` and `adam8p` tune the first 1, 4, ... of these.
_PARAMETERS = (
    FloatParameter("learning_rate", 1e-8, 10.0, Log()),
    # One minus a beta is log-uniform, on [1e-4, 1] for one and on [1e-6, 1] for the other; public
    # copies disagree on which, so both get the wider range.
    FloatParameter("beta1", 0.0, 1.0 - 1e-6, ReverseLog()),
    FloatParameter("beta2", 0.0, 1.0 - 1e-6, ReverseLog()),
    FloatParameter("epsilon", 1e-10, 1e3, Log()),
    FloatParameter("l1", 1e-8, 10.0, Log()),
    FloatParameter("l2", 1e-8, 10.0, Log()),
    FloatParameter("linear_decay", 1e-7, 1e-4, Log()),
    FloatParameter("exponential_decay", 1e-6, 1e-3, Log()),
)

PROVENANCE = Provenance(
    source="TaskSet; Metz et al. (2020), arXiv:2002.11887",
    licence="see the release",
    notes="Validation loss; curves averaged over repeats by whoever wrote the JSON files.",
)

_COUNTS = re.compile(r"(_\d+_\d+)?\.json$")


def load(
    path: Path,
    *,
    name: str = "taskset",
    warp: Warp = NegativeLogError(epsilon=1e-6),  # noqa: B008 - a frozen value
) -> TuningTable:
    """TaskSet's JSON files as a table with learning curves.

    A task is a file, named without its ending (`<task>_0_1000.json` is `<task>`). Every evaluation
    is a row, its step counted from zero. A run whose loss becomes NaN or infinite diverged there:
    that row is its last.

    Args:
        path: One file, or a folder of them (also gzipped).
        name: The table's name.
        warp: The warp of the validation loss. The default suits losses that cannot be negative;
            for density models, whose losses can, pass `Identity()`.

    Raises:
        SourceError: If there is no such file, or one is not in the layout.
        TableError: If values contradict the space, or losses the warp.
    """
    metric = Metric("valid_loss", Minimise(), warp)
    trials = [trial for task, runs in _files(path) for trial in _rows(task, runs, metric.name)]
    if not trials:
        raise SourceError(f"{path} holds no TaskSet results: no .json file with any run.")
    frame = pd.DataFrame(trials)
    present = [each for each in _PARAMETERS if each.name in frame.columns]
    names = [each.name for each in present]
    if not names or frame[names].isna().any(axis=None):
        raise SourceError(
            f"The runs in {path} do not all tune the same hyperparameters {names}; load each "
            "optimiser's grid as a table of its own."
        )
    frame[CONFIG_ID] = number_configurations(frame, names)
    return validate(make_table(name, SearchSpace(tuple(present)), metric, frame, PROVENANCE))


def _files(path: Path) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """Task and runs of each file."""
    for name, file in open_files(path, (".json",)):
        runs = parse_json(name, file)
        if not isinstance(runs, list) or not all(isinstance(run, dict) for run in runs):
            raise SourceError(f"{name} is not in TaskSet's layout: wanted a list of runs.")
        yield _COUNTS.sub("", name), runs


def _rows(
    task: str, runs: list[Mapping[str, Any]], metric: str
) -> Iterator[dict[str, str | int | float]]:
    """One row for each evaluation of each run, up to where a run diverged."""
    for number, run in enumerate(runs):
        try:
            parameters = {str(name): float(value) for name, value in run["hp"].items()}
            curve = np.asarray(run["valid"]["loss"], dtype=np.float64)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise SourceError(
                f"Run {number} of task {task} is not in TaskSet's layout: {error!r}."
            ) from None
        unknown = [name for name in parameters if name not in _KNOWN]
        if unknown or curve.ndim != 1 or curve.size == 0:
            raise SourceError(
                f"Run {number} of task {task} has the unknown hyperparameters {unknown} or no "
                "validation curve; TaskSet's loader reads the grids adam1p, adam4p, adam6p, adam8p."
            )
        finite = np.isfinite(curve)
        last = curve.size - 1 if finite.all() else int(np.argmin(finite))
        for step in range(last + 1):
            status = Status.COMPLETED if finite[step] else Status.DIVERGED
            yield {
                TASK: task,
                **parameters,
                metric: float(curve[step]) if finite[step] else float("nan"),
                STATUS: status.value,
                STEP: step,
            }


_KNOWN = frozenset(parameter.name for parameter in _PARAMETERS)
