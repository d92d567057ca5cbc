"""Root-mean-square normalisation."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr

from hyperbo_datasets.collect.networks.norms import RMSNorm


def test_equals_equinox_with_one_plus_the_scale(key: jax.Array) -> None:
    """Equinox's norm, given one plus our scale as its weight, says the same of each token."""
    key_x, key_scale = jr.split(key)
    x = jr.normal(key_x, (5, 8), jnp.float32)
    scale = jr.normal(key_scale, (8,), jnp.float32)
    norm = eqx.tree_at(lambda norm: norm.scale, RMSNorm(8), scale)
    reference = eqx.nn.RMSNorm(8, eps=1e-6, use_bias=False, dtype=jnp.float32)
    reference = eqx.tree_at(lambda norm: norm.weight, reference, 1.0 + scale)

    assert jnp.allclose(norm(x), jax.vmap(reference)(x), atol=1e-6)


def test_overflow_is_no_silence() -> None:
    """Features whose squares are beyond float32 make NaN, not zeros that look like an answer."""
    norm, large = RMSNorm(4), jnp.float32(5e18)

    assert jnp.isnan(norm(jnp.full((2, 4), 10 * large))).all()
    assert jnp.allclose(norm(jnp.full((2, 4), large)), 1.0, atol=1e-5)


def test_starts_with_unit_mean_square(key: jax.Array) -> None:
    """A fresh norm leaves features whose mean square is one, however large they were."""
    x = 1e3 * jr.normal(key, (5, 8), jnp.float32)

    assert jnp.allclose(jnp.mean(RMSNorm(8)(x) ** 2, axis=-1), 1.0, atol=1e-5)
