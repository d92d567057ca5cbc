"""Any CSV or parquet file, described by a small JSON file beside it.

The space file is an object:

    {"name": "my-runs",
     "parameters": [
        {"type": "float", "name": "lr", "low": 1e-5, "high": 1.0, "scale": "log"},
        {"type": "integer", "name": "layers", "low": 1, "high": 8}],
     "metric": {"name": "error", "goal": "minimise",
                "warp": {"kind": "negative_log_error", "scale": 1, "epsilon": 0.001}},
     "columns": {"task": "dataset", "lr": "learning rate", "seed": "repeat"},
     "ignore": ["started_at"]}

`name`, `parameters` and `metric` must be there. `parameters` is written as in
`hyperbo.space.serialise`. `columns` says which of the file's columns is meant wherever it is not
called as the table's: `task`, `config_id`, `status`, `seed`, `step`, `cost`, a parameter or the
metric. `ignore` lists columns to leave out. `source` and `licence` may be told too. If the file
has no column for them, all rows are one task named like the file, configurations are numbered, and
repeats of a configuration are told apart by their order.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from hyperbo.errors import SpaceError
from hyperbo.space import SearchSpace
from hyperbo_datasets.checks import validate
from hyperbo_datasets.errors import SourceError
from hyperbo_datasets.metric import metric_from_dict
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
from hyperbo_datasets.sources.reading import read_frame, read_json

_REQUIRED = ("name", "parameters", "metric")
_OPTIONAL = ("columns", "ignore", "source", "licence")

# What files in the wild write for how a trial ended, in lower case.
_SPELLINGS: Mapping[str, Status] = {
    **dict.fromkeys(
        ("completed", "complete", "done", "ok", "success", "finished"), Status.COMPLETED
    ),
    **dict.fromkeys(("diverged", "nan"), Status.DIVERGED),
    **dict.fromkeys(("failed", "fail", "error", "crashed", "killed", "timeout"), Status.FAILED),
    **dict.fromkeys(("infeasible", "invalid"), Status.INFEASIBLE),
}


def load(path: Path, space_file: Path) -> TuningTable:
    """A table from a CSV (also gzipped) or parquet file and its space file.

    Args:
        path: The rows.
        space_file: What they mean; see the head of this module.

    Raises:
        SourceError: If a file is missing or not in its layout.
        TableError: If rows contradict the space or the metric; the message says which and why.
    """
    return validate(read(path, space_file))


def read(path: Path, space_file: Path) -> TuningTable:
    """As `load`, but rows that contradict the space or the metric are left for `check` to find.

    Args:
        path: The rows.
        space_file: What they mean; see the head of this module.

    Raises:
        SourceError: If a file is missing or not in its layout.
        TableError: If columns are missing, unknown or of the wrong type.
    """
    document = _checked_document(space_file)
    try:
        space = SearchSpace.from_json(json.dumps({"parameters": document["parameters"]}))
    except SpaceError as error:
        raise SourceError(
            f"The parameters in {space_file} are not a search space: {error}"
        ) from None
    metric = metric_from_dict(document["metric"])
    frame = _renamed(read_frame(path), document, path)
    if TASK not in frame.columns:
        frame = frame.assign(**{TASK: path.name.split(".")[0]})
    if STATUS in frame.columns:
        frame = frame.assign(**{STATUS: frame[STATUS].map(_status)})
    frame = _numbered(frame, space)
    provenance = Provenance(
        source=str(document.get("source", path.name)),
        licence=str(document.get("licence", "unknown")),
    )
    return make_table(str(document["name"]), space, metric, frame, provenance)


def _checked_document(space_file: Path) -> dict[str, Any]:
    """The space file's object, with the keys it must have and no others."""
    document = read_json(space_file)
    if not isinstance(document, dict):
        raise SourceError(f"{space_file} must hold a JSON object, with {list(_REQUIRED)}.")
    missing = [key for key in _REQUIRED if key not in document]
    unknown = [key for key in document if key not in (*_REQUIRED, *_OPTIONAL)]
    if missing or unknown:
        raise SourceError(
            f"{space_file} lacks the keys {missing} and has the unknown keys {unknown}. It must "
            f"have {list(_REQUIRED)} and may have {list(_OPTIONAL)}."
        )
    columns, ignored = document.get("columns", {}), document.get("ignore", [])
    is_understood = (
        isinstance(document["metric"], dict)
        and isinstance(columns, dict)
        and isinstance(ignored, list)
        and all(isinstance(name, str) for name in [*columns.values(), *ignored])
    )
    if not is_understood:
        raise SourceError(
            f"In {space_file}, 'metric' must be an object, 'columns' an object of column names, "
            "and 'ignore' a list of column names."
        )
    return document


def _renamed(frame: pd.DataFrame, document: Mapping[str, Any], path: Path) -> pd.DataFrame:
    """The file's columns under the table's names, without the ignored ones."""
    columns: dict[str, str] = document.get("columns", {})
    ignored: list[str] = document.get("ignore", [])
    wanted = [*columns.values(), *ignored]
    absent = [name for name in wanted if name not in frame.columns]
    if absent:
        raise SourceError(
            f"The space file speaks of the columns {absent}, which {path} does not have; it has "
            f"{list(frame.columns)}."
        )
    names = {theirs: ours for ours, theirs in columns.items()}
    renamed = frame.drop(columns=ignored).rename(columns=names)
    repeated = sorted(set(renamed.columns[renamed.columns.duplicated()]))
    if repeated or len(names) < len(columns):
        raise SourceError(
            f"By the space file, more than one column of {path} is {repeated}, or one column is "
            f"several things: {columns}. Name each column once, and ignore what is not meant."
        )
    return renamed


def _numbered(frame: pd.DataFrame, space: SearchSpace) -> pd.DataFrame:
    """The frame with configurations and repeats numbered, where it does not say itself."""
    names = [name for name in space.names if name in frame.columns]
    if CONFIG_ID not in frame.columns and names:
        frame = frame.assign(**{CONFIG_ID: number_configurations(frame, names)})
    if SEED not in frame.columns and CONFIG_ID in frame.columns:
        step = [STEP] if STEP in frame.columns else []
        frame = frame.assign(**{SEED: number_repeats(frame, [TASK, CONFIG_ID, *step])})
    return frame


def _status(written: object) -> object:
    """The status that a spelling stands for; an unknown one stays, for the check to refuse."""
    found = _SPELLINGS.get(str(written).strip().lower())
    return written if found is None else found.value
