"""The only bridge from tables to arrays: unit inputs and maximised, warped values by task."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Self

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from hyperbo.tasks import Task
from hyperbo_datasets.checks import validate
from hyperbo_datasets.errors import TableError
from hyperbo_datasets.schema import CONFIG_ID, SEED, STATUS, TASK, Status, TuningTable


@dataclass(frozen=True, eq=False)
class TaskPool:
    """One task's runs as a pool to search: what a suggester sees, and what it is scored by.

    Attributes:
        name: The task's name.
        inputs: Configurations in the unit cube.
        values: Maximised, warped metric, as `Task.values`.
        native: Maximised metric in its native unit (a minimised one is negated), unwarped.
        config_ids: Each run's configuration.
        seeds: Tells repeated runs of a configuration apart.
        is_completed: False where the run did not complete and bears the worst completed value.
    """

    name: str
    inputs: Float[np.ndarray, "N D"]
    values: Float[np.ndarray, " N"]
    native: Float[np.ndarray, " N"]
    config_ids: Int[np.ndarray, " N"]
    seeds: Int[np.ndarray, " N"]
    is_completed: Bool[np.ndarray, " N"]

    @property
    def size(self) -> int:
        """Number of runs."""
        return int(self.values.shape[0])

    def task(self) -> Task:
        """What a prior may learn from: the inputs and the warped values."""
        return Task(self.name, self.inputs, self.values)


def to_tasks(
    table: TuningTable,
    *,
    task_names: Iterable[str] | None = None,
    config_ids: Iterable[int] | None = None,
) -> list[Task]:
    """Tasks to train a prior on; see `to_pools` for what becomes of each run.

    Args:
        table: The table.
        task_names: The tasks wanted, in this order; default all.
        config_ids: The configurations wanted; default all.

    Raises:
        TableError: If the table is not usable, a task is unknown, or a task has no run among the
            configurations.
    """
    return [pool.task() for pool in to_pools(table, task_names=task_names, config_ids=config_ids)]


def to_pools(
    table: TuningTable,
    *,
    task_names: Iterable[str] | None = None,
    config_ids: Iterable[int] | None = None,
) -> list[TaskPool]:
    """One pool a task, of the final step of each run.

    Values are warped and maximised, not standardised. Several seeds of a configuration stay
    several points. A run that did not complete, whatever it measured before, bears the worst
    value of its task's completed runs: bad news, but no outlier that would rule a fit. "Worst"
    is taken over the whole table, so that it does not depend on `config_ids`.

    Args:
        table: The table.
        task_names: The tasks wanted, in this order; default all.
        config_ids: The configurations wanted; default all.

    Raises:
        TableError: If the table is not usable, a task is unknown, or a task has no run among the
            configurations.
    """
    validate(table)
    wanted = _wanted_tasks(table, task_names)
    final = table.final
    final = final.loc[final[TASK].isin(wanted).to_numpy()]
    columns = _Columns.of(table, final)
    chosen = _chosen(final, config_ids)
    rows_by_task = final.groupby(TASK, observed=True).indices
    pools = [columns.pool(name, np.sort(rows_by_task[name]), chosen) for name in wanted]
    empty = [pool.name for pool in pools if pool.size == 0]
    if empty:
        raise TableError(
            f"Tasks {empty} have no run among the configurations asked for. Choose "
            "configurations that every task has, or leave these tasks out."
        )
    return pools


@dataclass(frozen=True, eq=False)
class _Columns:
    """All final runs as arrays, row by row."""

    inputs: Float[np.ndarray, "N D"]
    values: Float[np.ndarray, " N"]
    native: Float[np.ndarray, " N"]
    config_ids: Int[np.ndarray, " N"]
    seeds: Int[np.ndarray, " N"]
    is_completed: Bool[np.ndarray, " N"]

    @classmethod
    def of(cls, table: TuningTable, final: pd.DataFrame) -> Self:
        """Encode the frame; where a run did not complete, its values are NaN."""
        completed = (final[STATUS] == Status.COMPLETED.value).to_numpy()
        measured = np.where(completed, final[table.metric.name].to_numpy(), np.nan)
        columns = {name: final[name].to_numpy() for name in table.space.names}
        return cls(
            inputs=table.space.encode_columns(columns),
            values=table.metric.warped(measured),
            native=table.metric.maximised(measured),
            config_ids=final[CONFIG_ID].to_numpy(),
            seeds=final[SEED].to_numpy(),
            is_completed=completed,
        )

    def pool(
        self, name: str, rows: Int[np.ndarray, " K"], chosen: Bool[np.ndarray, " N"]
    ) -> TaskPool:
        """One task's chosen rows, the runs that did not complete given the task's worst values."""
        kept = chosen[rows]
        return TaskPool(
            name=name,
            inputs=self.inputs[rows][kept],
            values=_or_worst(self.values[rows])[kept],
            native=_or_worst(self.native[rows])[kept],
            config_ids=self.config_ids[rows][kept],
            seeds=self.seeds[rows][kept],
            is_completed=self.is_completed[rows][kept],
        )


def _or_worst(values: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
    """Values with NaN replaced by the smallest of the others."""
    return np.where(np.isnan(values), np.nanmin(values), values)


def _wanted_tasks(table: TuningTable, task_names: Iterable[str] | None) -> tuple[str, ...]:
    """The tasks asked for, each known and once."""
    if task_names is None:
        return table.tasks
    wanted = tuple(task_names)
    unknown = [name for name in wanted if name not in table.tasks]
    if unknown:
        close = sorted({n for name in unknown for n in get_close_matches(name, table.tasks)})
        hint = f"did you mean {close}?" if close else f"it has {list(table.tasks)}."
        raise TableError(f"Table {table.name!r} has no tasks {unknown}; {hint}")
    if len(set(wanted)) < len(wanted):
        raise TableError(f"Tasks are asked for more than once in {list(wanted)}.")
    return wanted


def _chosen(final: pd.DataFrame, config_ids: Iterable[int] | None) -> Bool[np.ndarray, " N"]:
    """Which rows belong to the configurations asked for."""
    if config_ids is None:
        return np.ones(len(final), dtype=bool)
    return np.isin(final[CONFIG_ID].to_numpy(), np.fromiter(config_ids, dtype=np.int64))
