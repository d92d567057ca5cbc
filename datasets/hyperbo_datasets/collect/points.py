"""Which configurations a sweep trains: some shared by all tasks, some of each task's own."""

import zlib
from enum import StrEnum

import numpy as np

from hyperbo.space import SearchSpace, Value, sample_halton
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.errors import CollectError

MOST_PLACES = 100_000
"""Points in one sequence at most."""


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
    own = () if kind is Kind.MATCHED else (1, _checksum(task))
    rng = np.random.default_rng([seed, *own])
    return space.decode(sample_halton(space, first + count, rng)[first:])


def config_id(task: TaskName, kind: Kind, place: int) -> int:
    """The number of a configuration in a table: for good, whatever else is collected.

    Matched points have their place in the sequence; those of a task's own lie in a range of
    `MOST_PLACES` that is the task's.

    Raises:
        CollectError: If the place is beyond the sequence.

    Example:
        >>> task = TaskName("kjv", "gemma", 8)
        >>> config_id(task, Kind.MATCHED, 7), place_of(config_id(task, Kind.UNMATCHED, 7))
        (7, (<Kind.UNMATCHED: 'unmatched'>, 7))
    """
    if not 0 <= place < MOST_PLACES:
        raise CollectError(f"A sequence has points 0 to {MOST_PLACES - 1}, not {place}.")
    if kind is Kind.MATCHED:
        return place
    return (1 + _checksum(task) % 2**24) * MOST_PLACES + place


def place_of(number: int) -> tuple[Kind, int]:
    """The kind and the place in its sequence of a configuration that is numbered so."""
    kind = Kind.MATCHED if number < MOST_PLACES else Kind.UNMATCHED
    return kind, number % MOST_PLACES


def _checksum(task: TaskName) -> int:
    """Of the name, and not the task's place in some list: more tasks change nothing."""
    return zlib.crc32(str(task).encode())
