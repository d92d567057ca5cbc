"""The smooth bound on logits."""

import jax
import jax.numpy as jnp
import pytest

from hyperbo_datasets.collect.networks.soft_cap import soft_cap


def test_never_passes_the_cap() -> None:
    """However large a logit, it stays within the cap."""
    logits = jnp.asarray([-1e30, -100.0, 0.0, 100.0, 1e30], jnp.float32)

    assert jnp.abs(soft_cap(logits, 30.0)).max() <= 30.0


def test_is_the_identity_near_zero() -> None:
    """Its slope at zero is one, and so are small logits left as they are."""
    assert jax.grad(lambda logit: soft_cap(logit, 30.0))(0.0) == pytest.approx(1.0)


def test_without_a_cap_changes_nothing() -> None:
    """No cap means the logits themselves."""
    logits = jnp.asarray([-1e30, 2.0], jnp.float32)

    assert (soft_cap(logits, None) == logits).all()
