"""The tuning table: many tasks' trials in one frame, with the space and the metric they share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd

from hyperbo.space import FixedParameter, SearchSpace
from hyperbo_datasets.errors import TableError
from hyperbo_datasets.metric import Metric
from hyperbo_datasets.parameter_columns import parameters_by_name, snap

TASK = "task"
CONFIG_ID = "config_id"
STATUS = "status"
SEED = "seed"
STEP = "step"
COST = "cost"
RESERVED = (TASK, CONFIG_ID, STATUS, SEED, STEP, COST)


class Status(StrEnum):
    """How a trial ended. One that did not complete is a row all the same, not a hole."""

    COMPLETED = "completed"
    DIVERGED = "diverged"
    FAILED = "failed"
    INFEASIBLE = "infeasible"


@dataclass(frozen=True)
class Provenance:
    """Where a table comes from.

    Attributes:
        source: The data's origin: a paper, an address, a file name.
        licence: Under which terms it may be passed on.
        notes: What was left out or changed.
        settings: What it was collected with, as JSON has it: what must be the same for results that
            are added, and the versions of what they depend on.
    """

    source: str = "unknown"
    licence: str = "unknown"
    notes: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class TuningTable:
    """Tuning results of many tasks over one search space.

    Columns of `frame`, in this order:

    - `task`: the task's name (categorical);
    - `config_id`: integer; the same id is the same configuration in every task;
    - one column for each parameter of the space, in native values;
    - the metric's column, in its native unit, finite wherever the trial completed;
    - `status`: one of `Status`;
    - `seed`: integer, tells repeated runs of a configuration apart;
    - `step`: integer, the point of a learning curve; a run's final row has its largest step;
    - `cost`: seconds, NaN where unknown.

    Make one with `make_table`, which fills in what is missing and checks everything. The frame
    belongs to the table: do not change it in place.

    Attributes:
        name: The table's name: letters, digits, dots, dashes and underscores.
        space: The search space that every configuration lies in.
        metric: What was measured.
        frame: The rows.
        provenance: Where they come from.
    """

    name: str
    space: SearchSpace
    metric: Metric
    frame: pd.DataFrame
    provenance: Provenance = Provenance()

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks, in order of first appearance."""
        return tuple(str(task) for task in self.frame[TASK].unique())

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns a frame of this table must have, in order."""
        names = tuple(self.space.names)
        return (TASK, CONFIG_ID, *names, self.metric.name, STATUS, SEED, STEP, COST)

    @property
    def final(self) -> pd.DataFrame:
        """Final row of every run: the largest step of each task, configuration and seed."""
        run = [TASK, CONFIG_ID, SEED]
        if not self.frame.duplicated(run).any():
            return self.frame
        ordered = self.frame.sort_values(STEP, kind="stable")
        return ordered.drop_duplicates(run, keep="last").sort_index()


def make_table(
    name: str,
    space: SearchSpace,
    metric: Metric,
    frame: pd.DataFrame,
    provenance: Provenance = Provenance(),
) -> TuningTable:
    """Make a table from a frame that may lack the optional columns.

    A missing `status` means completed, a missing `seed` or `step` is zero, a missing `cost` is
    unknown, a missing fixed parameter has its value. Columns are put in order and given their
    types. A number that leaves its parameter's range by no more than a relative 1e-6, as float32
    columns do, is set to the bound; anything further off is left for
    `hyperbo_datasets.checks.validate` to refuse.

    Raises:
        TableError: If a column is missing or unknown, a column cannot have its type, or a
            parameter bears a reserved name.
    """
    _refuse_name_clashes(space, metric)
    defaults: dict[str, Any] = {STATUS: Status.COMPLETED.value, SEED: 0, STEP: 0, COST: np.nan}
    fixed = {p.name: p.value for p in space.parameters if isinstance(p, FixedParameter)}
    complete = frame.reset_index(drop=True)
    for column, value in (defaults | fixed).items():
        if column not in complete.columns:
            complete = complete.assign(**{column: [value] * len(complete)})
    draft = TuningTable(name, space, metric, complete, provenance)
    _refuse_wrong_columns(draft)
    typed = {column: _typed(draft, column) for column in draft.columns}
    return replace(draft, frame=pd.DataFrame(typed))


def number_configurations(frame: pd.DataFrame, parameters: Sequence[str]) -> "pd.Series[int]":
    """Number the distinct configurations: equal rows get equal ids, whatever the order of rows.

    Floats are equal if they agree to 10 significant digits.
    """
    keys = configuration_keys(frame, parameters)
    groups = keys.groupby(list(parameters), sort=True, dropna=False, observed=True)
    return groups.ngroup().astype("int64")


def configuration_keys(frame: pd.DataFrame, parameters: Sequence[str]) -> pd.DataFrame:
    """Parameters as configurations are told apart by them: floats to 10 significant digits."""
    return frame[list(parameters)].apply(_rounded)


def number_repeats(frame: pd.DataFrame, keys: Sequence[str]) -> "pd.Series[int]":
    """Number the rows that agree in `keys`: 0, 1, ... in order of appearance."""
    return frame.groupby(list(keys), sort=False, dropna=False, observed=True).cumcount()


def _rounded(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """The column with floats rounded to 10 significant digits, and all but numbers as text."""
    if not pd.api.types.is_float_dtype(column):
        return column if pd.api.types.is_integer_dtype(column) else column.map(str)
    values = column.to_numpy(dtype=np.float64)
    with np.errstate(all="ignore"):  # zeros, missing and infinite values stay what they are
        unit = 10.0 ** (np.floor(np.log10(np.abs(values))) - 9.0)
        rounded = np.round(values / unit) * unit
    return pd.Series(np.where(np.isfinite(rounded), rounded, values), index=column.index)


def _refuse_name_clashes(space: SearchSpace, metric: Metric) -> None:
    """Refuse a parameter or metric that bears the name of another column."""
    names = [*space.names, metric.name]
    clashes = sorted({name for name in names if name in RESERVED or names.count(name) > 1})
    if clashes:
        raise TableError(
            f"Parameters or metric are called {clashes}, which name other columns of a tuning "
            f"table ({', '.join(RESERVED)}, the metric). Rename them."
        )


def _refuse_wrong_columns(table: TuningTable) -> None:
    """Refuse a frame that lacks a column, holds one twice, or holds one nobody declared."""
    present = [str(column) for column in table.frame.columns]
    missing = [column for column in table.columns if column not in present]
    if missing:
        raise TableError(
            f"Table {table.name!r} lacks the columns {missing}; it has {present}. Add them, or "
            "leave the parameters that were not recorded out of the space."
        )
    repeated = sorted({column for column in present if present.count(column) > 1})
    if repeated:
        raise TableError(f"Table {table.name!r} has the columns {repeated} more than once.")
    unknown = [column for column in present if column not in table.columns]
    if unknown:
        raise TableError(
            f"Table {table.name!r} has the unknown columns {unknown}. Declare them as parameters "
            "of the space, or drop them before the table is made."
        )


def _typed(table: TuningTable, column: str) -> "pd.Series[Any]":
    """A column of the table's frame with the type the schema gives it."""
    values = table.frame[column]
    try:
        if column == TASK:
            return _names(values).astype("category")
        if column == STATUS:
            return _names(values).astype("category")
        if column in (CONFIG_ID, SEED, STEP):
            return _integers(values)
        if column in (COST, table.metric.name):
            return values.astype("float64")
        return snap(parameters_by_name(table.space)[column], values)
    except (TypeError, ValueError) as error:
        raise TableError(
            f"Column {column!r} of table {table.name!r} has type {values.dtype} and cannot be "
            f"read as what it should hold: {error}. Correct the values; a config_id that is no "
            "integer may be left out, then configurations are numbered."
        ) from None


def _names(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """Values as text; a missing one is an error."""
    if values.isna().any():
        raise ValueError(f"{int(values.isna().sum())} rows are empty")
    return values.astype(str)


def _integers(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """Values as integers; one that is not whole is an error, not rounded."""
    if not pd.api.types.is_integer_dtype(values):
        numbers = values.astype("float64")
        if not (numbers == np.rint(numbers)).all():
            raise ValueError("some are missing or not whole numbers")
    return values.astype("int64")
