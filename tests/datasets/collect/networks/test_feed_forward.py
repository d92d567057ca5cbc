"""The gated feed-forward layer."""

import jax
import jax.numpy as jnp
import jax.random as jr
import optax

from hyperbo_datasets.collect.networks.feed_forward import GeGLU
from hyperbo_datasets.collect.networks.linear import Affine


def test_one_half_gates_the_other(key: jax.Array) -> None:
    """It is down(gelu(gate(x)) * up(x)) with the gate and the rest in two matrices."""
    key_layer, key_x = jr.split(key)
    layer = GeGLU(key_layer, 8, 12, Affine)
    x = jr.normal(key_x, (5, 8), jnp.float32)
    gate, up = layer.expansion.weight[:, :12], layer.expansion.weight[:, 12:]

    expected = (jax.nn.gelu(x @ gate) * (x @ up)) @ layer.contraction.weight

    assert jnp.allclose(layer(x), expected, atol=1e-5)


def test_learns(key: jax.Array) -> None:
    """A few steps of Adam halve the error of a product, which needs the gate."""
    key_layer, key_x = jr.split(key)
    layer = GeGLU(key_layer, 2, 16)
    x = jr.normal(key_x, (64, 2), jnp.float32)
    optimizer = optax.adam(1e-2)

    def loss_of(layer: GeGLU) -> jax.Array:
        return jnp.mean((layer(x)[:, 0] - x[:, 0] * x[:, 1]) ** 2)

    def step(state: tuple[GeGLU, optax.OptState], _: None) -> tuple[tuple, jax.Array]:
        layer, moments = state
        loss, gradient = jax.value_and_grad(loss_of)(layer)
        updates, moments = optimizer.update(gradient, moments)
        return (optax.apply_updates(layer, updates), moments), loss

    losses = jax.lax.scan(step, (layer, optimizer.init(layer)), None, length=100)[1]

    assert losses[-1] < 0.5 * losses[0]
