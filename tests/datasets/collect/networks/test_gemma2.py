"""The Gemma 2 decoder."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import pytest

from hyperbo_datasets.collect.networks.gemma2 import (
    GEMMA2_2B,
    GEMMA2_9B,
    GEMMA2_27B,
    GEMMA2_SMALL,
    Gemma2Config,
)
from hyperbo_datasets.collect.networks.visibility import Past, RecentPast


@pytest.mark.parametrize(
    ("config", "embedding", "others"),
    [
        (GEMMA2_2B, 590_118_912, 2_024_517_888),
        (GEMMA2_9B, 917_962_752, 8_324_201_984),
        (GEMMA2_27B, 1_180_237_824, 26_047_480_320),
    ],
    ids=["2B", "9B", "27B"],
)
def test_has_the_published_parameters(config: Gemma2Config, embedding: int, others: int) -> None:
    """The counts are those of table 2 of arXiv:2408.00118, to the last one."""
    model = eqx.filter_eval_shape(config.init, jr.key(0))

    assert model.embedding.table.size == embedding
    assert sum(leaf.size for leaf in jax.tree.leaves(model)) == embedding + others


def test_local_and_global_blocks_take_turns() -> None:
    """The first block sees the last 4096 keys, the second all, and so on."""
    model = eqx.filter_eval_shape(GEMMA2_2B.init, jr.key(0))

    seen = [block.mixer.shape.visibility for block in model.blocks]

    assert seen == [RecentPast(4096), Past()] * 13


def test_logits_never_pass_thirty(key: jax.Array) -> None:
    """However large the weights, no logit is beyond the cap."""
    model = jax.jit(GEMMA2_SMALL.init)(key)
    huge = jax.tree.map(lambda leaf: 100.0 * (leaf + 1.0), model)

    logits = eqx.filter_jit(huge)(jnp.arange(12, dtype=jnp.int32))

    assert 29.0 < jnp.abs(logits).max() <= 30.0


def test_scores_are_capped_and_scaled_as_published() -> None:
    """Scores are capped at 50; the 27B model divides them by the root of 4608 / 32."""
    block = eqx.filter_eval_shape(GEMMA2_27B.init, jr.key(0)).blocks[0]

    assert block.mixer.shape.cap == 50.0
    assert block.mixer.shape.scale == pytest.approx((4608 / 32) ** -0.5)


def test_what_a_fresh_block_adds_has_unit_mean_square(key: jax.Array) -> None:
    """The norm after the feed-forward layer leaves that at one, whatever the weights' size."""
    block = jax.jit(GEMMA2_SMALL.init)(key).blocks[0]
    silent = eqx.tree_at(lambda block: block.mixed_norm.scale, block, replace_fn=lambda s: s - 1.0)
    loud = eqx.tree_at(
        lambda block: block.feed_forward.contraction.weight, silent, replace_fn=lambda w: 50 * w
    )
    x = jr.normal(key, (12, 32), jnp.float32)

    added = loud(x) - x

    assert jnp.allclose(jnp.mean(added**2, axis=-1), 1.0, atol=1e-3)
