"""Folds of a table for offline studies: whole tasks held out, and which configurations are seen."""

import abc
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from hyperbo.benchmark.problems import PoolProblem
from hyperbo.benchmark.runner import Fold, split_names
from hyperbo_datasets.schema import CONFIG_ID, TuningTable
from hyperbo_datasets.to_tasks import to_pools


class Setting(abc.ABC):
    """Which configurations methods learn from, and which they are then tested on."""

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """The setting's name in tables and reports."""

    @abc.abstractmethod
    def seen(self, config_ids: Int[np.ndarray, " C"]) -> Int[np.ndarray, " _"]:
        """Configurations whose results on the training tasks are learned from.

        Args:
            config_ids: All of the table's, ascending, each once.
        """

    @abc.abstractmethod
    def pool(self, config_ids: Int[np.ndarray, " C"]) -> Int[np.ndarray, " _"]:
        """Configurations that may be tried on a held-out task.

        Args:
            config_ids: All of the table's, ascending, each once.
        """


@dataclass(frozen=True)
class NewPoints(Setting):
    """The lower half of the configurations is learned from, the upper half is to be searched.

    No configuration that is tried was ever seen on another task, as it is in real tuning.
    """

    @property
    def name(self) -> str:
        """`new points`."""
        return "new points"

    def seen(self, config_ids: Int[np.ndarray, " C"]) -> Int[np.ndarray, " _"]:
        """The lower half."""
        return config_ids[: config_ids.size // 2]

    def pool(self, config_ids: Int[np.ndarray, " C"]) -> Int[np.ndarray, " _"]:
        """The upper half."""
        return config_ids[config_ids.size // 2 :]


@dataclass(frozen=True)
class SamePoints(Setting):
    """All configurations are learned from, and all may be tried.

    A list of the best ones then remembers the very answers.
    """

    @property
    def name(self) -> str:
        """`same points`."""
        return "same points"

    def seen(self, config_ids: Int[np.ndarray, " C"]) -> Int[np.ndarray, " _"]:
        """All of them."""
        return config_ids

    def pool(self, config_ids: Int[np.ndarray, " C"]) -> Int[np.ndarray, " _"]:
        """All of them."""
        return config_ids


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
    config_ids = np.unique(table.final[CONFIG_ID].to_numpy())
    seen = to_pools(table, config_ids=setting.seen(config_ids))
    tasks = {pool.name: pool.task() for pool in seen}
    problems = {
        pool.name: PoolProblem(pool.name, pool.inputs, pool.values, pool.native)
        for pool in to_pools(table, config_ids=setting.pool(config_ids))
    }
    return [
        Fold(
            number=number,
            training=tuple(tasks[name] for name in table.tasks if name not in held_out),
            held_out=tuple(problems[name] for name in held_out),
        )
        for number, held_out in enumerate(groups)
    ]
