"""Blocks of a sequence."""

import numpy as np
import pytest

from hyperbo_datasets.collect.blocks import BLOCK, missing_blocks
from hyperbo_datasets.collect.points import Kind
from hyperbo_datasets.collect.task_names import TaskName

TASK = TaskName("kjv", "gemma", 8)


@pytest.mark.parametrize("seed", range(5))
def test_blocks_are_what_is_missing(seed: int) -> None:
    """Whatever is held, the blocks have every other point once, in order, and none beyond."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 100))
    held = set(rng.integers(0, 120, size=seed * 20).tolist())

    found = list(missing_blocks(TASK, Kind.MATCHED, count, held))

    places = [place for block in found for place in block.places]
    assert places == [place for place in range(count) if place not in held]
    assert all(block.places[0] // BLOCK == block.places[-1] // BLOCK for block in found)


def test_a_longer_sequence_has_the_same_blocks() -> None:
    """Taken further, a sequence's whole blocks are the ones it had."""
    shorter, longer = (list(missing_blocks(TASK, Kind.MATCHED, n, ())) for n in (48, 100))

    assert longer[:3] == shorter


def test_nothing_is_missing() -> None:
    """What is held already, or not wanted, makes no block."""
    assert list(missing_blocks(TASK, Kind.UNMATCHED, 40, range(50))) == []
    assert list(missing_blocks(TASK, Kind.UNMATCHED, 0, ())) == []
