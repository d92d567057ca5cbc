"""Cross-entropy of logits."""

import jax
import jax.numpy as jnp
import jax.random as jr
import optax

from hyperbo_datasets.collect.workloads.cross_entropy import cross_entropy, soft_cross_entropy


def test_equals_optax(key: jax.Array) -> None:
    """Against labels and against distributions it is what Optax computes, values and slopes."""
    key_logits, key_labels, key_targets = jr.split(key, 3)
    logits = 5.0 * jr.normal(key_logits, (4, 6, 9), jnp.float32)
    labels = jr.randint(key_labels, (4, 6), 0, 9, jnp.int32)
    targets = jax.nn.softmax(jr.normal(key_targets, (4, 6, 9), jnp.float32))

    pairs = (
        (cross_entropy, optax.softmax_cross_entropy_with_integer_labels, labels),
        (soft_cross_entropy, optax.softmax_cross_entropy, targets),
    )
    for ours, theirs, answers in pairs:
        assert jnp.allclose(ours(logits, answers), theirs(logits, answers), atol=1e-5)
        slopes = [
            jax.grad(lambda logits, of=of, to=answers: jnp.sum(of(logits, to)))(logits)
            for of in (ours, theirs)
        ]
        assert jnp.allclose(*slopes, atol=1e-5)
