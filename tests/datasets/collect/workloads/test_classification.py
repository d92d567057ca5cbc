"""Scoring many examples."""

import jax
import jax.numpy as jnp
import jax.random as jr
import pytest

from hyperbo_datasets.collect.workloads.classification import mean_cross_entropy, score_all


@pytest.mark.parametrize("count", [1, 100, 128, 129, 300])
def test_scores_every_example(key: jax.Array, count: int) -> None:
    """Examples scored some at a time are scored as they are all at once, in order."""
    inputs = jr.normal(key, (count, 3), jnp.float32)

    assert jnp.array_equal(score_all(jnp.negative, inputs), -inputs)


def test_ignorance_costs_the_log_of_the_classes() -> None:
    """Equal logits have a cross-entropy of log C."""
    loss = mean_cross_entropy(jnp.zeros((4, 7)), jnp.arange(4))

    assert jnp.isclose(loss, jnp.log(7.0))
