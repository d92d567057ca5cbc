"""Which keys a query may look at."""

import jax.numpy as jnp
import pytest

from hyperbo_datasets.collect.networks.visibility import Everything, Past, RecentPast
from hyperbo_datasets.errors import CollectError

POSITIONS = jnp.arange(5, dtype=jnp.int32)


def test_recent_past_is_a_band() -> None:
    """With three keys a query sees itself and the two before it."""
    seen = RecentPast(3).allows(POSITIONS, POSITIONS)

    assert seen.astype(jnp.int32).tolist() == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0],
        [0, 1, 1, 1, 0],
        [0, 0, 1, 1, 1],
    ]


def test_a_long_recent_past_is_the_past() -> None:
    """A window as long as the sequence hides nothing that is past."""
    recent = RecentPast(5).allows(POSITIONS, POSITIONS)

    assert (recent == Past().allows(POSITIONS, POSITIONS)).all()


def test_no_more_is_kept_than_is_seen() -> None:
    """Decoding keeps a window's keys, or all where all are seen."""
    assert RecentPast(3).memory(100) == 3
    assert RecentPast(300).memory(100) == 100
    assert Past().memory(100) == 100


def test_seeing_the_future_cannot_be_decoded() -> None:
    """Token by token there is no future to see."""
    with pytest.raises(CollectError, match="one by one"):
        Everything().memory(100)
