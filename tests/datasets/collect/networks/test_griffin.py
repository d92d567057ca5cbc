"""The Griffin decoder."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from hyperbo_datasets.collect.networks.attention import Attention, AttentionShape
from hyperbo_datasets.collect.networks.griffin import (
    GRIFFIN_SMALL,
    RECURRENTGEMMA_2B,
    RECURRENTGEMMA_9B,
    GriffinConfig,
    Recurrence,
)
from hyperbo_datasets.collect.networks.rotary import Rotary
from hyperbo_datasets.collect.networks.visibility import RecentPast
from tests.datasets.collect.networks.by_hand import gelu


@pytest.mark.parametrize(
    ("config", "embedding", "others"),
    [(RECURRENTGEMMA_2B, 0.65e9, 2.03e9), (RECURRENTGEMMA_9B, 1.05e9, 7.53e9)],
    ids=["2B", "9B"],
)
def test_has_the_published_parameters(
    config: GriffinConfig, embedding: float, others: float
) -> None:
    """The counts are those of table 1 of arXiv:2404.07839, to the two digits it gives."""
    model = eqx.filter_eval_shape(config.init, jr.key(0))
    total = sum(leaf.size for leaf in jax.tree.leaves(model))

    assert model.embedding.table.size == pytest.approx(embedding, abs=0.01e9)
    assert total - model.embedding.table.size == pytest.approx(others, abs=0.005e9)


def test_has_the_parameters_of_the_released_weights() -> None:
    """The weights released as RecurrentGemma 2B hold 2,682,862,080 numbers."""
    model = eqx.filter_eval_shape(RECURRENTGEMMA_2B.init, jr.key(0))

    assert sum(leaf.size for leaf in jax.tree.leaves(model)) == 2_682_862_080


def test_two_recurrences_then_attention() -> None:
    """26 blocks in the order R, R, A end with two recurrent ones: 18 and 8."""
    model = eqx.filter_eval_shape(RECURRENTGEMMA_2B.init, jr.key(0))

    kinds = [type(block.mixer) for block in model.blocks]

    assert kinds == ([Recurrence, Recurrence, Attention] * 9)[:26]


def test_attention_is_local_with_one_shared_head() -> None:
    """A query sees 2048 keys behind its own, and half of each head's features are turned."""
    shape = eqx.filter_eval_shape(RECURRENTGEMMA_2B.init, jr.key(0)).blocks[2].mixer.shape

    assert shape == AttentionShape(10, 1, 256, 1.0 / 16.0, Rotary(128), RecentPast(2049), cap=None)


def test_a_recurrence_is_its_equation(key: jax.Array) -> None:
    """A GELU gates what the unit makes of the convolved other half, and that is projected back."""
    key_layer, key_bias, key_x = jr.split(key, 3)
    layer = Recurrence(key_layer, 6, 4, 2, 1.0)
    bias = jr.normal(key_bias, (8,), jnp.float32)
    layer = eqx.tree_at(lambda layer: layer.entry.bias, layer, bias)
    x = jr.normal(key_x, (5, 6), jnp.float32)

    gate, signal = np.split(np.asarray(x @ layer.entry.weight + bias), 2, axis=-1)
    states = np.asarray(layer.unit(layer.convolution(jnp.asarray(signal))))
    wanted = (gelu(gate) * states) @ np.asarray(layer.output.weight) + np.asarray(layer.output.bias)

    np.testing.assert_allclose(layer(x), wanted, rtol=1e-4, atol=1e-5)


def test_logits_never_pass_thirty(key: jax.Array) -> None:
    """However large the table, no logit is beyond the cap."""
    model = jax.jit(GRIFFIN_SMALL.init)(key)
    huge = eqx.tree_at(lambda model: model.embedding.table, model, replace_fn=lambda t: 1e3 * t)

    logits = eqx.filter_jit(huge)(jnp.arange(12, dtype=jnp.int32))

    assert 29.0 < jnp.abs(logits).max() <= 30.0


def test_what_is_added_to_the_stream_starts_smaller_in_deeper_models(key: jax.Array) -> None:
    """Output weights start with variance 2 / layers over their inputs, within four errors."""
    config = GriffinConfig(
        vocabulary=8, width=64, layers=8, heads=2, recurrent_width=64, hidden=128, window=4
    )
    model = jax.jit(config.init)(key)

    weights = jnp.stack([block.feed_forward.contraction.weight for block in model.blocks])

    wanted = 2.0 / config.layers / config.hidden
    assert jnp.abs(jnp.mean(weights**2) - wanted) < 4.0 * wanted * (2.0 / weights.size) ** 0.5


def test_remembers_beyond_its_window(key: jax.Array) -> None:
    """Attention sees eight tokens back, yet the first of forty tokens still tells in the last."""
    key_model, key_tokens = jr.split(key)
    model = eqx.filter_jit(jax.jit(GRIFFIN_SMALL.init)(key_model))
    tokens = jr.randint(key_tokens, (40,), 1, 96, jnp.int32)

    assert jnp.abs(model(tokens)[-1] - model(tokens.at[0].set(0))[-1]).max() > 0.0
