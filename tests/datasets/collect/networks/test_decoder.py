"""What all decoders have in common."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import pytest

from hyperbo_datasets.collect.networks.architecture import DecoderConfig
from hyperbo_datasets.collect.networks.gemma import GEMMA_SMALL
from hyperbo_datasets.collect.networks.gemma2 import GEMMA2_SMALL
from hyperbo_datasets.collect.networks.griffin import GRIFFIN_SMALL

CONFIGS = pytest.mark.parametrize(
    "config", [GEMMA_SMALL, GEMMA2_SMALL, GRIFFIN_SMALL], ids=lambda config: type(config).__name__
)


@CONFIGS
def test_no_logit_depends_on_a_later_token(key: jax.Array, config: DecoderConfig) -> None:
    """Another token at the ninth place changes logits from there on, and none before."""
    key_model, key_tokens = jr.split(key)
    model = eqx.filter_jit(jax.jit(config.init)(key_model))
    tokens = jr.randint(key_tokens, (16,), 0, config.vocabulary, jnp.int32)
    other = tokens.at[8].set((tokens[8] + 1) % config.vocabulary)

    change = jnp.abs(model(tokens) - model(other)).max(axis=1)

    assert (change[:8] == 0.0).all()
    assert (change[8:] > 0.0).all()


@CONFIGS
def test_fresh_logits_are_of_order_one(key: jax.Array, config: DecoderConfig) -> None:
    """A fresh model's loss is near that of a blind guess, so that training starts gently."""
    key_model, key_tokens = jr.split(key)
    model = eqx.filter_jit(jax.jit(config.init)(key_model))
    tokens = jr.randint(key_tokens, (64,), 0, config.vocabulary, jnp.int32)

    assert 0.3 < model(tokens).std() < 3.0


@CONFIGS
def test_parameters_and_gradients_are_single_precision(
    key: jax.Array, config: DecoderConfig
) -> None:
    """Whatever the default is, and with no promotion of types or ranks that is not asked for."""
    tokens = jnp.arange(12, dtype=jnp.int32)
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        model = jax.jit(config.init)(key)
        gradient = eqx.filter_jit(eqx.filter_grad(lambda model: jnp.sum(model(tokens))))(model)

    leaves = [*jax.tree.leaves(model), *jax.tree.leaves(gradient)]
    assert {leaf.dtype for leaf in leaves} == {jnp.dtype(jnp.float32)}
