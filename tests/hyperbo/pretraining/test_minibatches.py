"""Draws of a task's points: different, real ones first, every one as likely as another."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hyperbo.pretraining.minibatches import draw_minibatch, draw_points

MASKS = arrays(bool, 9).filter(lambda mask: mask.any())


@settings(deadline=None, max_examples=30)
@given(mask=MASKS, seed=st.integers(0, 2**16), count=st.sampled_from([1, 4, 9]))
def test_real_points_come_first_and_once(mask: np.ndarray, seed: int, count: int) -> None:
    """No entry comes twice, and a padded one only after the last real one."""
    drawn = np.asarray(draw_points(jr.key(seed), jnp.asarray(mask), count))
    assert len(set(drawn.tolist())) == count
    assert mask[drawn].sum() == min(count, mask.sum())


def test_every_point_is_as_likely(key: jax.Array) -> None:
    """Each real point is drawn at rate count / size, within four standard errors."""
    mask = jnp.asarray([True] * 7 + [False] * 3)
    draws = 20_000
    keys = jr.split(key, draws)
    drawn = jax.vmap(lambda one: draw_points(one, mask, 3))(keys)
    rates = np.bincount(np.asarray(drawn).ravel(), minlength=10) / draws
    rate = 3 / 7
    error = np.sqrt(rate * (1 - rate) / draws)
    np.testing.assert_allclose(rates[:7], rate, atol=4 * error)
    assert not rates[7:].any()


def test_pairs_are_as_likely(key: jax.Array) -> None:
    """Both points of every pair come together equally often: sets are uniform, not only points."""
    draws = 20_000
    mask = jnp.ones(5, dtype=bool)
    drawn = jax.vmap(lambda one: draw_points(one, mask, 2))(jr.split(key, draws))
    pairs = np.sort(np.asarray(drawn), axis=1) @ np.array([5, 1])
    counts = np.unique(pairs, return_counts=True)[1] / draws
    error = np.sqrt(0.1 * 0.9 / draws)
    np.testing.assert_allclose(counts, 0.1, atol=4 * error)
    assert counts.size == 10


def test_neither_padding_nor_other_tasks_change_a_draw(key: jax.Array) -> None:
    """A task's minibatch is the same however long the batch is padded and however many join."""
    random = np.random.default_rng(0)
    inputs, values = random.uniform(size=(5, 20, 2)), random.normal(size=(5, 20))
    mask = np.arange(20) < np.array([12, 9, 15, 12, 4])[:, None]
    wide = draw_minibatch(key, jnp.asarray(inputs), jnp.asarray(values), jnp.asarray(mask), 6)
    cut = (jnp.asarray(array[:3, :15]) for array in (inputs, values, mask))
    tight = draw_minibatch(key, *cut, 6)
    for many, few in zip(wide, tight, strict=True):
        np.testing.assert_array_equal(many[:3], few)


def test_values_stay_with_their_inputs(key: jax.Array) -> None:
    """Inputs, values and mask are drawn by the same indices."""
    inputs = jnp.arange(24.0).reshape(2, 12, 1)
    drawn, values, mask = draw_minibatch(key, inputs, 10.0 * inputs[..., 0], inputs[..., 0] > 3, 5)
    np.testing.assert_array_equal(values, 10.0 * drawn[..., 0])
    np.testing.assert_array_equal(mask, drawn[..., 0] > 3)
