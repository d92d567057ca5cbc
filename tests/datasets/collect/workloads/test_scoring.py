"""Scoring many examples."""

import jax
import jax.numpy as jnp
import jax.random as jr
import pytest

from hyperbo_datasets.collect.workloads.scoring import in_parts, windows_at_once


@pytest.mark.parametrize("count", [1, 100, 128, 129, 300])
def test_scores_every_example(key: jax.Array, count: int) -> None:
    """Examples scored some at a time are scored as they are all at once, in order."""
    inputs = jr.normal(key, (count, 3), jnp.float32)

    assert jnp.array_equal(in_parts(jnp.negative, inputs), -inputs)


def test_takes_no_more_at_once(key: jax.Array) -> None:
    """However many examples there are, of several arrays, none is scored beside too many others."""
    windows = jr.normal(key, (50, 4), jnp.float32), jnp.arange(50)
    sizes: list[int] = []

    def total(batch: tuple[jax.Array, jax.Array]) -> jax.Array:
        sizes.append(batch[0].shape[0])
        return batch[0].sum(axis=1) + batch[1]

    found = in_parts(total, windows, 7)

    assert set(sizes) == {7}
    assert jnp.allclose(found, windows[0].sum(axis=1) + windows[1])


def test_long_windows_are_read_one_by_one() -> None:
    """The longer they are, the fewer at once, but never none."""
    assert windows_at_once(32) > windows_at_once(1024) > windows_at_once(10**6) == 1
