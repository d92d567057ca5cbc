"""A study's finished trials as a table, with the space file by which `hyperbo data` reads it."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyperbo.files import write_atomically
from hyperbo_service.client import StudyExport, TrialRecord
from hyperbo_service.commands.native_values import parameters_of
from hyperbo_service.errors import CommandError

FINISHED = ("completed", "infeasible", "failed")
RESERVED = ("task", "config_id", "status", "seed", "step", "cost")
"""Columns of a tuning table, which no parameter may be called like."""

_TASK, _STATUS = "task", "status"


@dataclass(frozen=True)
class TrialsTable:
    """The table and how to read it.

    Attributes:
        columns: Names of the columns.
        rows: A value for each; None where there is none.
        space_file: What `hyperbo data import csv --space` needs to know of them.
        left_out: Number of trials that have not finished, or were abandoned.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    space_file: Mapping[str, Any]
    left_out: int


def table_of(export: StudyExport) -> TrialsTable:
    """A row for each finished trial: its study, number, parameters, value, status and time.

    Raises:
        CommandError: If a parameter or the metric is called like a column of tuning tables.
    """
    study = export.study
    names = list(parameters_of(study.space))
    clashes = sorted({name for name in [*names, study.metric] if name in RESERVED})
    if clashes:
        raise CommandError(
            f"The study has {clashes}, which name other columns of a table. Export it to a .json "
            "file instead."
        )
    trial, seconds, cost = (_free(each, [*names, study.metric]) for each in _EXTRA)
    finished = [each for each in export.trials if each.state in FINISHED]
    rows = tuple(
        (
            study.id,
            each.number,
            *(each.parameters.get(name) for name in names),
            each.values.get(study.metric),
            each.state,
            _seconds(each),
            each.cost,
        )
        for each in finished
    )
    space_file = {
        "name": study.id,
        "parameters": study.space["parameters"],
        "metric": {"name": study.metric, "goal": study.goal},
        "columns": {"cost": seconds},
        "ignore": [trial, cost],
        "source": f"study {study.name}",
    }
    columns = (_TASK, trial, *names, study.metric, _STATUS, seconds, cost)
    return TrialsTable(columns, rows, space_file, len(export.trials) - len(finished))


def write_csv(table: TrialsTable, path: Path) -> None:
    """Write the rows as CSV."""

    def write(unfinished: Path) -> None:
        with unfinished.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(table.columns)
            writer.writerows([_cell(value) for value in row] for row in table.rows)

    write_atomically(path, write)


def write_parquet(table: TrialsTable, path: Path) -> None:
    """Write the rows as parquet; categories, which may be of mixed kinds, as text.

    Raises:
        ModuleNotFoundError: If pandas is not installed.
    """
    import pandas as pd

    frame = pd.DataFrame(list(table.rows), columns=list(table.columns))
    kinds = {entry["name"]: entry["type"] for entry in _entries(table.space_file["parameters"])}
    for name, kind in kinds.items():
        if kind == "categorical":
            frame[name] = frame[name].map(str, na_action="ignore")
    write_atomically(path, lambda unfinished: frame.to_parquet(unfinished, index=False))


def write_space_file(table: TrialsTable, path: Path) -> None:
    """Write how to read the rows."""
    text = json.dumps(table.space_file, indent=2) + "\n"
    write_atomically(path, lambda unfinished: unfinished.write_text(text, encoding="utf-8"))


_EXTRA = ("trial", "seconds", "trial_cost")


def _free(name: str, taken: Sequence[str]) -> str:
    """A column's name that no parameter has."""
    while name in taken:
        name += "_"
    return name


def _entries(parameters: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    return parameters_of({"parameters": list(parameters)}).values()


def _cell(value: Any) -> Any:
    return "" if value is None else repr(value) if isinstance(value, float) else value


def _seconds(trial: TrialRecord) -> float | None:
    """How long a trial ran; None if it was run elsewhere."""
    if trial.started is None or trial.ended is None:
        return None
    return max(0.0, (trial.ended - trial.started).total_seconds())
