"""Matrix products and how their weights start."""

import jax
import jax.numpy as jnp
import jax.random as jr

from hyperbo_datasets.collect.networks.linear import Affine, Linear, draw_weights


def test_outputs_have_the_variance_asked_for(key: jax.Array) -> None:
    """Unit inputs give outputs of that variance, within four standard errors."""
    key_weights, key_x = jr.split(key)
    outputs = 4_000
    weights = draw_weights(key_weights, (64, outputs), 0.5)
    x = jr.normal(key_x, (64,), jnp.float32)
    x = x / jnp.sqrt(jnp.mean(x**2))

    variance = jnp.mean((x @ weights) ** 2)

    assert jnp.abs(variance - 0.5) < 4.0 * 0.5 * (2.0 / outputs) ** 0.5


def test_affine_adds_its_bias(key: jax.Array) -> None:
    """It starts as a product alone; then each output is moved by its bias."""
    x = jnp.ones((3, 2, 4), jnp.float32)
    linear, affine = Linear(key, 4, 5), Affine(key, 4, 5)

    assert (linear(x) == affine(x)).all()
    assert affine(jnp.zeros((4,), jnp.float32)).tolist() == affine.bias.tolist()
