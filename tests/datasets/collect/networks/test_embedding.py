"""The tied embedding."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr

from hyperbo_datasets.collect.networks.embedding import TiedEmbedding


def test_encodes_rows_times_the_root_of_the_width(key: jax.Array) -> None:
    """Token 3 becomes the table's fourth row, times 4 where the width is 16."""
    embedding = TiedEmbedding(key, 7, 16)

    features = embedding.encode(jnp.asarray([3, 0], jnp.int32))

    assert jnp.allclose(features, 4.0 * embedding.table[jnp.asarray([3, 0])], atol=1e-6)


def test_a_large_vocabulary_is_looked_up(key: jax.Array) -> None:
    """Above a thousand tokens rows are gathered; what comes out is the same."""
    large = TiedEmbedding(key, 2_000, 4)
    small = eqx.tree_at(lambda each: each.table, large, large.table[:100])
    tokens = jnp.asarray([[5, 99], [0, 5]], jnp.int32)

    assert jnp.allclose(large.encode(tokens), small.encode(tokens), atol=1e-6)


def test_one_table_serves_both_ways(key: jax.Array) -> None:
    """There is one array, and a token's own logit is its row's squared length."""
    embedding = TiedEmbedding(key, 7, 16)
    own = embedding.decode(embedding.encode(jnp.arange(7, dtype=jnp.int32)) / 4.0)

    assert len(jax.tree.leaves(embedding)) == 1
    assert jnp.allclose(jnp.diag(own), jnp.sum(embedding.table**2, axis=1), atol=1e-5)


def test_stream_starts_with_variance_one(key: jax.Array) -> None:
    """The mean square of fresh features is one, within four standard errors."""
    features = TiedEmbedding(key, 1_000, 32).encode(jnp.arange(1_000, dtype=jnp.int32))

    assert jnp.abs(jnp.mean(features**2) - 1.0) < 4.0 * (2.0 / features.size) ** 0.5


def test_gradient_reaches_the_table_from_both_sides(key: jax.Array) -> None:
    """A token that is read, and all tokens whose logits count, move the table."""
    embedding = TiedEmbedding(jr.fold_in(key, 1), 7, 16)
    tokens = jnp.asarray([2], jnp.int32)

    read = jax.grad(lambda each: jnp.sum(each.encode(tokens)))(embedding).table
    said = jax.grad(lambda each: jnp.sum(each.decode(jnp.ones((1, 16), jnp.float32))))(embedding)

    assert jnp.flatnonzero(jnp.abs(read).sum(axis=1)).tolist() == [2]
    assert (said.table == 1.0).all()
