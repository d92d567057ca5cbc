"""The transformer that sees both sides."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr

from hyperbo_datasets.collect.networks.encoder import ENCODER_SMALL


def test_every_place_sees_every_other(key: jax.Array) -> None:
    """Another token anywhere changes the logits everywhere."""
    model = eqx.filter_jit(jax.jit(ENCODER_SMALL.init)(key))
    tokens, present = jnp.arange(10, dtype=jnp.int32), jnp.ones(10, jnp.bool_)

    change = model(tokens, present) - model(tokens.at[4].set(20), present)

    assert (jnp.abs(change).max(axis=1) > 0.0).all()


def test_padding_changes_nothing_elsewhere(key: jax.Array) -> None:
    """The logits of what is present are those of the sequence without its padding."""
    key_model, key_tokens = jr.split(key)
    model = eqx.filter_jit(jax.jit(ENCODER_SMALL.init)(key_model))
    tokens = jr.randint(key_tokens, (10,), 0, 28, jnp.int32)

    padded = model(tokens, jnp.arange(10) < 6)
    bare = model(tokens[:6], jnp.ones(6, jnp.bool_))

    assert jnp.allclose(padded[:6], bare, atol=1e-5)
