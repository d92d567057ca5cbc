"""Decoding token by token."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import pytest

from hyperbo_datasets.collect.networks.architecture import DecoderConfig
from hyperbo_datasets.collect.networks.decoding import decode
from hyperbo_datasets.collect.networks.gemma import GEMMA_SMALL
from hyperbo_datasets.collect.networks.gemma2 import GEMMA2_SMALL
from hyperbo_datasets.collect.networks.griffin import GRIFFIN_SMALL


@pytest.mark.parametrize(
    "config", [GEMMA_SMALL, GEMMA2_SMALL, GRIFFIN_SMALL], ids=lambda config: type(config).__name__
)
def test_equals_the_whole_at_once(key: jax.Array, config: DecoderConfig) -> None:
    """Logits worked out with a memory, one token at a time, are those of the whole sequence.

    The sequence is twice as long as the windows, so that old keys are overwritten.
    """
    key_model, key_tokens = jr.split(key)
    model = jax.jit(config.init)(key_model)
    tokens = jr.randint(key_tokens, (20,), 0, config.vocabulary, jnp.int32)

    assert jnp.allclose(
        eqx.filter_jit(decode)(model, tokens), eqx.filter_jit(model)(tokens), atol=1e-5
    )
