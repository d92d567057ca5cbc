"""PD1: neural networks tuned over Nesterov momentum and a polynomial learning-rate decay.

Wang et al. (2024), "Pre-trained Gaussian Processes for Bayesian Optimization", JMLR 25(212). The
official release is `pd1.tar.gz` (CC-BY 4.0) with four files of JSON lines,
`pd1_{matched,unmatched}_phase{0,1}_results.jsonl`, one line a trial.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from hyperbo.space import FloatParameter, Log, ReverseLog, SearchSpace
from hyperbo_datasets.checks import validate
from hyperbo_datasets.errors import SourceError
from hyperbo_datasets.metric import Metric, Minimise, NegativeLogError
from hyperbo_datasets.schema import (
    CONFIG_ID,
    SEED,
    STATUS,
    STEP,
    TASK,
    Provenance,
    Status,
    TuningTable,
    make_table,
    number_configurations,
    number_repeats,
)
from hyperbo_datasets.sources.reading import json_lines, open_files

SPACE = SearchSpace(
    (
        FloatParameter("hps.lr_hparams.decay_steps_factor", 0.01, 0.99),
        FloatParameter("hps.lr_hparams.initial_value", 1e-5, 10.0, Log()),
        FloatParameter("hps.lr_hparams.power", 0.1, 2.0),
        # One minus momentum is log-uniform on [0.001, 1].
        FloatParameter("hps.opt_hparams.momentum", 0.0, 0.999, ReverseLog()),
    )
)

# Half an error in 10,000 validation examples.
METRIC = Metric("best_valid/error_rate", Minimise(), NegativeLogError(epsilon=5e-5))

PROVENANCE = Provenance(
    source="PD1 Neural Net Tuning Dataset; Wang et al. (2024), JMLR 25(212)",
    licence="CC-BY-4.0",
    notes="Best validation error over training; what both phases tried is taken from phase 1.",
)

_FILE = re.compile(r"pd1_(?P<kind>matched|unmatched)_phase(?P<phase>[01])_results\.jsonl")


@dataclass(frozen=True)
class Selection:
    """Which of the release's files to read.

    Attributes:
        kinds: `matched` (the same points for every task), `unmatched`, or both.
        phases: 0 (the preliminary run), 1 (the main one), or both.
    """

    kinds: frozenset[str] = frozenset({"matched", "unmatched"})
    phases: frozenset[int] = frozenset({0, 1})


MATCHED = Selection(kinds=frozenset({"matched"}))
UNMATCHED = Selection(kinds=frozenset({"unmatched"}))
EVERYTHING = Selection()


def load(path: Path, selection: Selection = EVERYTHING, *, name: str = "pd1") -> TuningTable:
    """PD1 from its official release.

    A task is a data set, a model, its activation function where the release names one, and a batch
    size: `mnist_max_pooling_cnn_tanh_256`. A configuration is the four tuned values; equal values
    have equal ids in all tasks, so that the matched trials are matched. Trials that diverged are
    rows like all others. ImageNet with ResNet-50 and batch size 1024 is in phase 0 only: the paper
    trains on it and does not test on it.

    Args:
        path: The archive, the folder it was unpacked to, or one of the four files (also gzipped).
        selection: Which of the files to read.
        name: The table's name.

    Raises:
        SourceError: If no file of the selection is there, or a line lacks a column.
        TableError: If the rows contradict the space.
    """
    frame = pd.DataFrame(list(_trials(path, selection)))
    if frame.empty:
        raise SourceError(
            f"{path} holds no trials of PD1's files pd1_<kind>_phase<phase>_results.jsonl for "
            f"kinds {sorted(selection.kinds)} and phases {sorted(selection.phases)}."
        )
    frame[CONFIG_ID] = number_configurations(frame, SPACE.names)
    latest = frame.groupby([TASK, CONFIG_ID])["phase"].transform("max")
    frame = frame.loc[frame["phase"] == latest].drop(columns="phase")
    frame[SEED] = number_repeats(frame, [TASK, CONFIG_ID])
    return validate(make_table(name, SPACE, METRIC, frame, PROVENANCE))


def task_name(row: Mapping[str, Any]) -> str:
    """The task of a row: data set, model, activation function where there is one, batch size."""
    parts = [row["dataset"], row["model"], row.get("hps.activation_fn"), int(row["hps.batch_size"])]
    return "_".join(str(part) for part in parts if part is not None)


def _trials(path: Path, selection: Selection) -> Iterator[dict[str, Any]]:
    """The trials of all selected files, as rows of the table with their phase."""
    for name, file in open_files(path, ("_results.jsonl",)):
        found = _FILE.fullmatch(name)
        if found is None or found["kind"] not in selection.kinds:
            continue
        phase = int(found["phase"])
        if phase in selection.phases:
            for number, row in enumerate(json_lines(name, file), start=1):
                try:
                    yield {**_trial(row), "phase": phase}
                except (KeyError, TypeError, ValueError) as error:
                    raise SourceError(
                        f"Trial {number} of {name} is not in PD1's columns: {error!r}."
                    ) from None


def _trial(row: Mapping[str, Any]) -> dict[str, Any]:
    """One row of the release as a row of the table."""
    recorded = row.get(METRIC.name)
    error = math.nan if recorded is None else float(recorded)
    steps = row.get("global_step")
    return {
        TASK: task_name(row),
        **{name: float(row[name]) for name in SPACE.names},
        METRIC.name: error,
        STATUS: _status(str(row["status"]), error).value,
        STEP: int(steps[-1] if isinstance(steps, list) and steps else steps or 0),
    }


def _status(written: str, error: float) -> Status:
    """The release writes `done` and `diverged`; a trial without any evaluation has failed."""
    if written == "done":
        return Status.COMPLETED if math.isfinite(error) else Status.FAILED
    return Status.DIVERGED if written == "diverged" else Status.FAILED
