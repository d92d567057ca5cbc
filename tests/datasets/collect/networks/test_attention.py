"""Grouped-query attention."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import pytest

from hyperbo_datasets.collect.networks.attention import Attention, AttentionShape
from hyperbo_datasets.collect.networks.rotary import Rotary
from hyperbo_datasets.collect.networks.visibility import (
    Everything,
    Past,
    RecentPast,
    Visibility,
)

WIDTH, HEADS, HEAD_WIDTH, TOKENS = 16, 4, 4, 12


def _shape(
    key_value_heads: int = 2, visibility: Visibility | None = None, cap: float | None = None
) -> AttentionShape:
    seen = Past() if visibility is None else visibility
    return AttentionShape(HEADS, key_value_heads, HEAD_WIDTH, 0.5, Rotary(HEAD_WIDTH), seen, cap)


@pytest.mark.parametrize("key_value_heads", [1, 2, 4])
@pytest.mark.parametrize(("visibility", "window"), [(Past(), None), (RecentPast(3), (2, 0))])
def test_equals_jax(
    key: jax.Array, key_value_heads: int, visibility: Visibility, window: tuple[int, int] | None
) -> None:
    """JAX's own attention, given our queries, keys and values, gathers the same."""
    key_layer, key_x = jr.split(key)
    attention = Attention(key_layer, WIDTH, _shape(key_value_heads, visibility))
    x = jr.normal(key_x, (TOKENS, WIDTH), jnp.float32)
    queries, keys, values = attention._project(x, jnp.arange(TOKENS, dtype=jnp.int32))

    gathered = jax.nn.dot_product_attention(
        queries, keys, values, scale=0.5, is_causal=True, local_window_size=window
    )

    assert jnp.allclose(
        eqx.filter_jit(attention)(x), attention.output(gathered.reshape(TOKENS, -1)), atol=1e-5
    )


def test_shared_heads_are_repeated_heads(key: jax.Array) -> None:
    """Groups of one, given each shared head as often as it is shared, gather the same."""
    key_layer, key_x = jr.split(key)
    shared = Attention(key_layer, WIDTH, _shape(1))
    x = jr.normal(key_x, (TOKENS, WIDTH), jnp.float32)
    columns = HEADS * HEAD_WIDTH
    queries, keys, values = jnp.split(
        shared.projection.weight, [columns, columns + HEAD_WIDTH], axis=1
    )
    repeated = jnp.concatenate([queries, *[keys] * HEADS, *[values] * HEADS], axis=1)
    own = eqx.tree_at(
        lambda layer: (layer.projection.weight, layer.output),
        Attention(key_layer, WIDTH, _shape(HEADS)),
        (repeated, shared.output),
    )

    assert jnp.allclose(eqx.filter_jit(shared)(x), eqx.filter_jit(own)(x), atol=1e-5)


@pytest.mark.parametrize(
    ("visibility", "readers"),
    [
        (Past(), range(5, TOKENS)),
        (RecentPast(3), range(5, 8)),
        (RecentPast(1), range(5, 6)),
        (Everything(), range(TOKENS)),
    ],
    ids=repr,
)
def test_who_reads_a_token(key: jax.Array, visibility: Visibility, readers: range) -> None:
    """The gradient of a place in a token is other than zero exactly where the token is seen."""
    key_layer, key_x = jr.split(key)
    attention = Attention(key_layer, WIDTH, _shape(visibility=visibility))
    x = jr.normal(key_x, (TOKENS, WIDTH), jnp.float32)

    influence = jnp.abs(jax.jit(jax.jacobian(attention))(x)[:, :, 5]).sum(axis=(1, 2))

    assert jnp.flatnonzero(influence).tolist() == list(readers)


def test_cap_comes_before_unseen_keys_are_hidden(key: jax.Array) -> None:
    """A tiny cap makes all seen keys equal, and still none is seen that is hidden."""
    key_layer, key_x = jr.split(key)
    attention = Attention(key_layer, WIDTH, _shape(visibility=RecentPast(3), cap=1e-6))
    x = 100.0 * jr.normal(key_x, (TOKENS, WIDTH), jnp.float32)
    values = attention._project(x, jnp.arange(TOKENS, dtype=jnp.int32))[2]

    last = jnp.repeat(values[-3:].mean(axis=0), HEADS // 2, axis=0).reshape(1, -1)

    assert jnp.allclose(attention(x)[-1], attention.output(last)[0], rtol=1e-3, atol=1e-2)


def test_padding_is_not_seen(key: jax.Array) -> None:
    """What stands in padding changes nothing elsewhere."""
    key_layer, key_x = jr.split(key)
    attention = Attention(key_layer, WIDTH, _shape(visibility=Everything()))
    x = jr.normal(key_x, (TOKENS, WIDTH), jnp.float32)
    is_present = jnp.arange(TOKENS) < 7

    assert jnp.allclose(attention(x, is_present)[:7], attention(x[:7]), atol=1e-6)
