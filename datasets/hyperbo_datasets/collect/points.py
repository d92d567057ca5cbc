"""Which configurations a sweep trains: some shared by all tasks, some of each task's own."""

import zlib
from enum import StrEnum

import numpy as np

from hyperbo.space import SearchSpace, Value, sample_halton
from hyperbo_datasets.collect.task_names import TaskName


class Kind(StrEnum):
    """Whether a configuration is shared by all tasks."""

    MATCHED = "matched"
    UNMATCHED = "unmatched"


def configurations(
    space: SearchSpace, task: TaskName, kind: Kind, first: int, count: int, seed: int
) -> list[dict[str, Value]]:
    """Points `first` to `first + count - 1` of a task's scrambled Halton sequence.

    Matched points come from one sequence for all tasks, unmatched ones from one of each task's
    own. A sequence that is taken further keeps the points it had.

    Args:
        space: What is tuned.
        task: The task.
        kind: Which sequence.
        first: Number of the first point, from zero.
        count: How many.
        seed: Of all scramblings.
    """
    # The name's checksum, not the task's place in some list: more tasks change nothing.
    own = () if kind is Kind.MATCHED else (1, zlib.crc32(str(task).encode()))
    rng = np.random.default_rng([seed, *own])
    return space.decode(sample_halton(space, first + count, rng)[first:])
