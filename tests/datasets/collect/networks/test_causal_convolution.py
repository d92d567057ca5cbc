"""The convolution that looks backwards."""

import jax
import jax.numpy as jnp
import jax.random as jr

from hyperbo_datasets.collect.networks.causal_convolution import CausalConvolution


def test_equals_numpys_convolution(key: jax.Array) -> None:
    """Each feature is convolved with its own taps; numpy's kernel runs the other way."""
    key_layer, key_x = jr.split(key)
    layer = CausalConvolution(key_layer, 3, 4)
    x = jr.normal(key_x, (10, 3), jnp.float32)

    expected = [jnp.convolve(x[:, each], layer.kernel[::-1, each])[:10] for each in range(3)]

    assert jnp.allclose(layer(x), jnp.stack(expected, axis=1), atol=1e-6)


def test_place_by_place_is_the_whole(key: jax.Array) -> None:
    """Steps that remember three values give what the whole sequence gives at once."""
    key_layer, key_x = jr.split(key)
    layer = CausalConvolution(key_layer, 3, 4)
    x = jr.normal(key_x, (10, 3), jnp.float32)

    def step(state: jax.Array, value: jax.Array) -> tuple[jax.Array, jax.Array]:
        result, state = layer.step(value, state)
        return state, result

    assert jnp.allclose(jax.lax.scan(step, layer.init_state(), x)[1], layer(x), atol=1e-6)
