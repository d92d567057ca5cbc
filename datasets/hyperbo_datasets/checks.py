"""What is wrong, or merely noteworthy, about a tuning table."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd

from hyperbo_datasets.errors import TableError
from hyperbo_datasets.parameter_columns import active_rows, parameters_by_name
from hyperbo_datasets.schema import (
    CONFIG_ID,
    SEED,
    STATUS,
    STEP,
    TASK,
    Status,
    TuningTable,
    configuration_keys,
)


class Severity(StrEnum):
    """An error makes a table unusable; a warning is handled, and said; a note is for reading."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """One thing found.

    Attributes:
        severity: How bad it is.
        code: A short name that scripts may rely on, such as `outside_space`.
        message: What was found and what to do about it.
        count: Number of rows or tasks concerned.
        column: The column concerned, if it is one.
        row: Position of the first row concerned, counted from zero, if there is one.
    """

    severity: Severity
    code: str
    message: str
    count: int
    column: str | None = None
    row: int | None = None


@dataclass(frozen=True)
class Report:
    """All findings about one table, the errors first."""

    table: str
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that make the table unusable."""
        return tuple(f for f in self.findings if f.severity is Severity.ERROR)

    @property
    def is_usable(self) -> bool:
        """Whether there is no error; warnings and notes do not count."""
        return not self.errors

    def to_dict(self) -> dict[str, Any]:
        """A JSON object of the whole report."""
        return {
            "table": self.table,
            "is_usable": self.is_usable,
            "findings": [asdict(finding) for finding in self.findings],
        }


def check(table: TuningTable) -> Report:
    """Find everything that is wrong or noteworthy; never raises over the rows' content."""
    if table.frame.empty:
        message = f"Table {table.name!r} is empty. Give at least one task with one trial."
        return Report(table.name, (Finding(Severity.ERROR, "empty", message, 0),))
    findings = [
        *_unknown_statuses(table),
        *_outside_space(table),
        *_metric_not_finite(table),
        *_metric_beyond_warp(table),
        *_repeated_rows(table),
        *_mixed_configurations(table),
        *_tasks_worth_a_word(table),
    ]
    order = list(Severity)
    return Report(table.name, tuple(sorted(findings, key=lambda f: order.index(f.severity))))


def validate(table: TuningTable) -> TuningTable:
    """Return the table if it is usable.

    Raises:
        TableError: If `check` finds an error; the message holds every error with its remedy.
    """
    errors = check(table).errors
    if errors:
        raise TableError(" ".join(finding.message for finding in errors))
    return table


def _unknown_statuses(table: TuningTable) -> Iterator[Finding]:
    known = [status.value for status in Status]
    unknown = ~table.frame[STATUS].isin(known).to_numpy()
    if unknown.any():
        row = _first(unknown)
        message = (
            f"{int(unknown.sum())} rows have an unknown status; the first is row {row} with "
            f"{str(table.frame[STATUS].iloc[row])!r}. Use one of {known}."
        )
        yield Finding(Severity.ERROR, "unknown_status", message, int(unknown.sum()), STATUS, row)


def _outside_space(table: TuningTable) -> Iterator[Finding]:
    active = active_rows(table.space, table.frame)
    for name, parameter in parameters_by_name(table.space).items():
        values = table.frame[name]
        # A conditional parameter must have no value where it takes no part.
        wrong = np.where(
            active[name], ~parameter.admits(values.to_numpy()), values.notna().to_numpy()
        )
        if not wrong.any():
            continue
        row = _first(wrong)
        message = (
            f"{int(wrong.sum())} values of {name!r} lie outside the search space; the first is "
            f"{values.iloc[row]!s} in row {row} ({_where(table, row)}); wanted "
            f"{parameter.wanted if active[name][row] else 'no value there'}. Correct the rows, or "
            "change the space."
        )
        yield Finding(Severity.ERROR, "outside_space", message, int(wrong.sum()), name, row)


def _metric_not_finite(table: TuningTable) -> Iterator[Finding]:
    name = table.metric.name
    completed = (table.frame[STATUS] == Status.COMPLETED.value).to_numpy()
    wrong = completed & ~np.isfinite(table.frame[name].to_numpy())
    if wrong.any():
        row = _first(wrong)
        message = (
            f"{int(wrong.sum())} completed trials have a metric that is not a finite number; the "
            f"first is {name} = {table.frame[name].iloc[row]} in row {row} "
            f"({_where(table, row)}). Set their status to 'diverged' or 'failed', so that they "
            "count as bad trials, or remove them."
        )
        yield Finding(Severity.ERROR, "metric_not_finite", message, int(wrong.sum()), name, row)


def _metric_beyond_warp(table: TuningTable) -> Iterator[Finding]:
    name = table.metric.name
    completed = table.frame[STATUS] == Status.COMPLETED.value
    values = table.frame.loc[completed, name].to_numpy()
    finite = values[np.isfinite(values)]
    try:
        table.metric.warped(finite)
    except TableError as error:
        yield Finding(Severity.ERROR, "metric_beyond_warp", str(error), int(finite.size), name)


def _repeated_rows(table: TuningTable) -> Iterator[Finding]:
    repeated = table.frame.duplicated([TASK, CONFIG_ID, SEED, STEP]).to_numpy()
    if repeated.any():
        row = _first(repeated)
        message = (
            f"{int(repeated.sum())} rows repeat the task, configuration, seed and step of an "
            f"earlier row; the first is row {row} ({_where(table, row)}). Give repeated runs "
            "different seeds, or remove the copies."
        )
        yield Finding(Severity.ERROR, "repeated_rows", message, int(repeated.sum()), CONFIG_ID, row)


def _mixed_configurations(table: TuningTable) -> Iterator[Finding]:
    names = list(table.space.names)
    keys = configuration_keys(table.frame, names).assign(**{CONFIG_ID: table.frame[CONFIG_ID]})
    distinct = keys.drop_duplicates()
    mixed = distinct.loc[distinct[CONFIG_ID].duplicated(), CONFIG_ID]
    if not mixed.empty:
        ids = mixed.unique()
        row = int(mixed.index[0])
        message = (
            f"{ids.size} configuration ids stand for more than one configuration; the first is "
            f"{int(ids[0])}, whose values change in row {row} ({_where(table, row)}). The same "
            "id must be the same configuration in every task: number them anew, or leave the "
            "column out to have them numbered."
        )
        yield Finding(
            Severity.ERROR, "mixed_configurations", message, int(ids.size), CONFIG_ID, row
        )


def _tasks_worth_a_word(table: TuningTable) -> Iterator[Finding]:
    """Tasks nothing can be learned from (an error), or little (warnings), and what diverged."""
    final = table.final
    completed = final[final[STATUS] == Status.COMPLETED.value]
    by_task = completed.groupby(TASK, observed=True)[table.metric.name]
    sizes, ranges = by_task.size(), by_task.max() - by_task.min()
    without = [task for task in table.tasks if task not in sizes.index]
    if without:
        message = (
            f"Tasks {_some(without)} have no completed trial, so that nothing is known of them. "
            "Remove them from the table."
        )
        yield Finding(Severity.ERROR, "task_without_result", message, len(without), TASK)
    single = [str(task) for task in sizes.index[sizes == 1]]
    if single:
        message = (
            f"Tasks {_some(single)} have one completed trial each; they teach a prior its mean, "
            "but nothing about shape."
        )
        yield Finding(Severity.WARNING, "one_point_task", message, len(single), TASK)
    constant = [str(task) for task in sizes.index[(sizes > 1) & (ranges == 0.0)]]
    if constant:
        message = (
            f"Tasks {_some(constant)} have the same {table.metric.name} in every completed trial; "
            "they teach a prior that nothing matters. Remove them if that is not so."
        )
        yield Finding(Severity.WARNING, "constant_task", message, len(constant), TASK)
    lost = len(final) - len(completed)
    if lost:
        message = (
            f"{lost} of {len(final)} runs did not complete; each counts as the worst completed "
            "run of its task."
        )
        yield Finding(Severity.NOTE, "not_completed", message, lost, STATUS)


def _first(mask: np.ndarray) -> int:
    """Position of the first True."""
    return int(np.argmax(mask))


def _where(table: TuningTable, row: int) -> str:
    """The task and configuration of a row, for a message."""
    found: "pd.Series[Any]" = table.frame.iloc[row]
    return f"task {found[TASK]}, configuration {found[CONFIG_ID]}"


def _some(names: list[str]) -> str:
    """The first few names and how many more there are."""
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
