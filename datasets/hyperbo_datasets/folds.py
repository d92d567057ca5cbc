"""Folds of a table for offline studies: whole tasks held out, and which configurations are seen."""

import abc
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Int

from hyperbo.benchmark.problems import PoolProblem
from hyperbo.benchmark.runner import Fold, split_names
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.errors import TableError
from hyperbo_datasets.schema import CONFIG_ID, TASK, TuningTable
from hyperbo_datasets.to_tasks import to_pools


class Setting(abc.ABC):
    """Which configurations methods learn from, and which they are then tested on."""

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """The setting's name in tables and reports."""

    @abc.abstractmethod
    def seen(self, table: TuningTable) -> Int[np.ndarray, " _"]:
        """Configurations whose results on the training tasks are learned from."""

    @abc.abstractmethod
    def pool(self, table: TuningTable) -> Int[np.ndarray, " _"]:
        """Configurations that may be tried on a held-out task."""


@dataclass(frozen=True)
class NewPoints(Setting):
    """No configuration that is tried was ever seen on another task, as it is in real tuning.

    Where each task has configurations of its own, all are learned from, and a held-out task's own
    are to be searched. Otherwise the lower half of those that all tasks share is learned from, and
    the upper half is to be searched.
    """

    @property
    def name(self) -> str:
        """`new points`."""
        return "new points"

    def seen(self, table: TuningTable) -> Int[np.ndarray, " _"]:
        """All of them, or the lower half of the shared ones."""
        if _own(table).size:
            return _all(table)
        shared = _shared(table)
        return shared[: shared.size // 2]

    def pool(self, table: TuningTable) -> Int[np.ndarray, " _"]:
        """Each task's own, or the upper half of the shared ones."""
        own, shared = _own(table), _shared(table)
        return own if own.size else shared[shared.size // 2 :]


@dataclass(frozen=True)
class SamePoints(Setting):
    """All configurations are learned from, and all may be tried.

    A list of the best ones then remembers the very answers.
    """

    @property
    def name(self) -> str:
        """`same points`."""
        return "same points"

    def seen(self, table: TuningTable) -> Int[np.ndarray, " _"]:
        """All of them."""
        return _all(table)

    def pool(self, table: TuningTable) -> Int[np.ndarray, " _"]:
        """All of them."""
        return _all(table)


def table_folds(table: TuningTable, folds: int, setting: Setting) -> list[Fold]:
    """Split a table's tasks into folds; each fold's tasks are held out once.

    Args:
        table: The table.
        folds: How many folds.
        setting: Which configurations are learned from, and which may be tried.

    Raises:
        StudyError: If there are fewer tasks than folds, or fewer than two folds.
        TableError: If the table is not usable, or a task has no run among the configurations.
    """
    groups = split_names(table.tasks, folds)
    return _folds(
        table, [(held_out, tuple(set(table.tasks) - set(held_out))) for held_out in groups], setting
    )


def related_folds(table: TuningTable, setting: Setting) -> list[Fold]:
    """Hold out every task together with all that are related to it.

    A fold's tasks differ in nothing but their batch size. What they are trained from shares
    neither their corpus nor their network, as if both were new.

    Args:
        table: A table of collected tasks, named `corpus_architecture_batch`.
        setting: Which configurations are learned from, and which may be tried.

    Raises:
        CollectError: If a task is not named so.
        TableError: If the table is not usable, or every task is related to one of them.

    References:
        Wang et al. (2024), JMLR 25(212), "hold out related"; compared by the names' parts, and not
        by whether one name holds the other.
    """
    names = {task: TaskName.parse(task) for task in table.tasks}
    groups: dict[tuple[str, str], list[str]] = {}
    for task, name in names.items():
        groups.setdefault((name.corpus, name.architecture), []).append(task)
    pairs = []
    for held_out in groups.values():
        first = names[held_out[0]]
        training = tuple(task for task, name in names.items() if not name.is_related(first))
        if not training:
            raise TableError(
                f"Every task of {table.name!r} shares its corpus or its network with "
                f"{held_out[0]}, so that nothing is left to learn from. Hold out in turns instead."
            )
        pairs.append((held_out, training))
    return _folds(table, pairs, setting)


def _folds(
    table: TuningTable, pairs: Sequence[tuple[Sequence[str], Sequence[str]]], setting: Setting
) -> list[Fold]:
    """Folds of tasks to hold out and tasks to learn from."""
    seen = to_pools(table, config_ids=setting.seen(table))
    tasks = {pool.name: pool.task() for pool in seen}
    problems = {
        pool.name: PoolProblem(pool.name, pool.inputs, pool.values, pool.native)
        for pool in to_pools(table, config_ids=setting.pool(table))
    }
    return [
        Fold(
            number=number,
            training=tuple(tasks[name] for name in table.tasks if name in training),
            held_out=tuple(problems[name] for name in held_out),
        )
        for number, (held_out, training) in enumerate(pairs)
    ]


def _all(table: TuningTable) -> Int[np.ndarray, " C"]:
    """Every configuration, ascending, each once."""
    config_ids: Int[np.ndarray, " C"] = np.unique(table.final[CONFIG_ID].to_numpy())
    return config_ids


def _shared(table: TuningTable) -> Int[np.ndarray, " C"]:
    """Configurations that every task has, ascending."""
    holders = _holders(table)
    return _ids(holders[holders == len(table.tasks)])


def _own(table: TuningTable) -> Int[np.ndarray, " C"]:
    """Configurations that a single task has, ascending; none if some task has none."""
    holders = _holders(table)
    own = _ids(holders[holders == 1])
    having = table.final.loc[table.final[CONFIG_ID].isin(own), TASK].nunique()
    return own if having == len(table.tasks) else own[:0]


def _holders(table: TuningTable) -> pd.Series:
    """How many tasks have each configuration."""
    return table.final.groupby(CONFIG_ID)[TASK].nunique()


def _ids(holders: pd.Series) -> Int[np.ndarray, " C"]:
    config_ids: Int[np.ndarray, " C"] = holders.index.to_numpy()
    return config_ids
