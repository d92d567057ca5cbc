"""Dense layers in a row."""

import jax
import jax.numpy as jnp
import jax.random as jr

from hyperbo_datasets.collect.networks.dense import DenseStack
from hyperbo_datasets.collect.networks.drawing import draw_kernels


def test_activates_between_layers_only(key: jax.Array) -> None:
    """Two layers are W2 a(W1 x + b1) + b2."""
    key_layers, key_features = jr.split(key)
    stack = draw_kernels(key_layers, DenseStack.blank((4, 5, 3), jnp.tanh))
    features = jr.normal(key_features, (6, 4), jnp.float32)
    first, second = stack.layers

    found = stack(features)

    hidden = jnp.tanh(features @ first.kernel + first.bias[None])
    assert jnp.allclose(found, hidden @ second.kernel + second.bias[None], atol=1e-6)
