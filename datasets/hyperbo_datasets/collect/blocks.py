"""Blocks: the runs that one job trains, and which of them an instalment still needs."""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from itertools import groupby

from hyperbo_datasets.collect.points import Kind
from hyperbo_datasets.collect.task_names import TaskName

BLOCK = 16
"""Configurations in a job: what a kill can cost, and the most that are trained side by side."""


@dataclass(frozen=True, order=True)
class Block:
    """Consecutive points of one of a task's sequences.

    Attributes:
        task: The task.
        kind: Which sequence.
        first: Place of the first point.
        count: How many.
    """

    task: TaskName
    kind: Kind
    first: int
    count: int

    @property
    def places(self) -> range:
        """The points' places in the sequence."""
        return range(self.first, self.first + self.count)


def missing_blocks(task: TaskName, kind: Kind, count: int, held: Container[int]) -> Iterator[Block]:
    """The blocks that bring a task's sequence to `count` points.

    No block reaches over a multiple of `BLOCK`, so that those of a sequence that is taken further
    are the ones it would have had at once.

    Args:
        task: The task.
        kind: Which sequence.
        count: Points that shall be there.
        held: Places of those that are there already.

    Example:
        >>> task = TaskName("kjv", "gemma", 8)
        >>> [(each.first, each.count) for each in missing_blocks(task, Kind.MATCHED, 40, range(20))]
        [(20, 12), (32, 8)]
    """
    for first in range(0, count, BLOCK):
        places = range(first, min(first + BLOCK, count))
        for is_held, group in groupby(places, held.__contains__):
            if not is_held:
                gap = list(group)
                yield Block(task, kind, gap[0], len(gap))
