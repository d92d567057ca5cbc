"""Rotary position embedding."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import pytest

from hyperbo_datasets.collect.networks.rotary import Rotary

POSITIONS = jnp.arange(6, dtype=jnp.int32)


@pytest.mark.parametrize("width", [8, 4])
def test_scores_depend_on_the_distance_only(key: jax.Array, width: int) -> None:
    """Moving a query and a key by the same way leaves their score."""
    key_queries, key_keys = jr.split(key)
    queries = jr.normal(key_queries, (6, 2, 8), jnp.float32)
    keys = jr.normal(key_keys, (6, 2, 8), jnp.float32)
    rotary = Rotary(width)

    def scores(shift: int) -> jax.Array:
        turned = rotary(queries, POSITIONS + shift), rotary(keys, POSITIONS + shift)
        return jnp.einsum("thf,shf->hts", *turned)

    assert jnp.allclose(scores(0), scores(100), atol=1e-4)
    assert not jnp.allclose(scores(0), jnp.einsum("thf,shf->hts", queries, keys), atol=1e-2)


def test_equals_equinox(key: jax.Array) -> None:
    """Equinox's embedding, which pairs features likewise, turns them likewise."""
    x = jr.normal(key, (6, 1, 8), jnp.float32)
    reference = eqx.nn.RotaryPositionalEmbedding(8, theta=10_000.0, dtype=jnp.float32)

    assert jnp.allclose(Rotary(8)(x, POSITIONS)[:, 0], reference(x[:, 0]), atol=1e-6)


def test_half_of_the_features_may_be_left_alone(key: jax.Array) -> None:
    """Features beyond the width pass unchanged; those within it keep their length."""
    x = jr.normal(key, (6, 2, 8), jnp.float32)

    turned = Rotary(4)(x, POSITIONS)

    assert (turned[..., 4:] == x[..., 4:]).all()
    assert jnp.allclose(
        jnp.linalg.norm(turned[..., :4], axis=-1), jnp.linalg.norm(x[..., :4], axis=-1), atol=1e-5
    )
