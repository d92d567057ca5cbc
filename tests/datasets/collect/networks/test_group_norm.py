"""Normalisation by groups of channels."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr

from hyperbo_datasets.collect.networks.group_norm import GroupNorm


def test_equals_equinox(key: jax.Array) -> None:
    """Each image is normalised as Equinox does it, with the same scale and shift."""
    key_images, key_scale, key_shift = jr.split(key, 3)
    scale, shift = jr.normal(key_scale, (6,), jnp.float32), jr.normal(key_shift, (6,), jnp.float32)
    images = 3.0 + jr.normal(key_images, (6, 4, 5, 2), jnp.float32)
    reference = eqx.tree_at(
        lambda layer: (layer.weight, layer.bias),
        eqx.nn.GroupNorm(3, 6, dtype=jnp.float32),
        (scale, shift),
    )

    found = eqx.filter_jit(GroupNorm(scale, shift, 3))(images)
    wanted = jax.jit(jax.vmap(reference, in_axes=-1, out_axes=-1))(images)

    assert jnp.allclose(found, wanted, atol=1e-5)


def test_overflow_is_no_silence() -> None:
    """Images whose squares are beyond float32 make NaN, not zeros that look like an answer."""
    images = jnp.linspace(-1e20, 1e20, 2 * 4 * 4, dtype=jnp.float32).reshape(2, 4, 4, 1)

    assert jnp.isnan(GroupNorm.init(2, 1)(images)).all()
    assert jnp.isfinite(GroupNorm.init(2, 1)(images * jnp.float32(1e-3))).all()


def test_gradient_of_a_constant_image_is_finite() -> None:
    """An image without variance does not divide by zero."""
    layer = GroupNorm.init(4, 2)
    gradient = jax.jit(jax.grad(lambda images: layer(images).sum()))(
        jnp.ones((4, 3, 3, 1), jnp.float32)
    )

    assert jnp.isfinite(gradient).all()
