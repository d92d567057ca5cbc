"""Classification."""

import jax.numpy as jnp

from hyperbo_datasets.collect.workloads.classification import mean_cross_entropy


def test_ignorance_costs_the_log_of_the_classes() -> None:
    """Equal logits have a cross-entropy of log C."""
    loss = mean_cross_entropy(jnp.zeros((4, 7)), jnp.arange(4))

    assert jnp.isclose(loss, jnp.log(7.0))
