"""Learning a treatment policy."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import pytest

from hyperbo_datasets.collect.networks.treatment import TreatmentNetworkConfig
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.collect.workloads.base import Model
from hyperbo_datasets.collect.workloads.treatment import TreatmentPolicy, Units
from hyperbo_datasets.collect.workloads.treatment_simulation import simulate


@pytest.fixture(scope="module")
def workload() -> TreatmentPolicy:
    """A trial on two thousand units of five features."""
    key_features, key_trial = jr.split(jr.key(7))
    units, _ = jax.jit(simulate)(key_trial, jr.normal(key_features, (3_000, 5)))
    return TreatmentPolicy(
        name=TaskName("trial", "treatment", 128),
        steps=150,
        network=TreatmentNetworkConfig.small(5),
        training=_rows(units, slice(2_000)),
        validation=_rows(units, slice(2_000, None)),
    )


def _rows(units: Units, rows: slice) -> Units:
    return jax.tree.map(lambda leaf: leaf[rows], units)


@eqx.filter_jit
def _loss(workload: TreatmentPolicy, model: Model, units: Units) -> jax.Array:
    return workload.loss(model, units)


@eqx.filter_jit
def _error_rate(workload: TreatmentPolicy, model: Model, units: Units) -> jax.Array:
    return workload.error_rate(model, units)


@eqx.filter_jit
def _value_and_gradient(
    workload: TreatmentPolicy, model: Model, units: Units
) -> tuple[jax.Array, Model]:
    return jax.value_and_grad(workload.loss)(model, units)


def test_learns(
    key: jax.Array,
    workload: TreatmentPolicy,
    train: Callable[[TreatmentPolicy, Model, float], Model],
) -> None:
    """Training raises the gain for a unit of cost, and ranks unseen units better than chance."""
    model = workload.init(key)
    trained = train(workload, model, 0.01)

    assert _loss(workload, trained, workload.validation) < _loss(
        workload, model, workload.validation
    )
    assert _error_rate(workload, trained, workload.validation) < 0.35


def test_gradient_reaches_both_heads(key: jax.Array, workload: TreatmentPolicy) -> None:
    """Whom to treat and how strongly are both learned from the one loss."""
    _, gradient = _value_and_gradient(workload, workload.init(key), workload.training)

    assert jnp.abs(gradient.effectiveness_head.kernel).max() > 0
    assert jnp.abs(gradient.policy_head.kernel).max() > 0


@pytest.mark.parametrize("is_treated", [True, False])
def test_gradient_is_finite_without_a_cohort(
    key: jax.Array, workload: TreatmentPolicy, *, is_treated: bool
) -> None:
    """A batch in which all were treated, or none, gives a finite loss and gradient."""
    batch = eqx.tree_at(
        lambda each: each.is_treated,
        _rows(workload.training, slice(8)),
        jnp.full(8, is_treated),
    )
    loss, gradient = _value_and_gradient(workload, workload.init(key), batch)

    assert jnp.isfinite(loss)
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))


def test_gradient_is_finite_where_treatment_costs_nothing(
    key: jax.Array, workload: TreatmentPolicy
) -> None:
    """An effect on cost of zero, or below, does not divide by zero."""
    batch = _rows(workload.training, slice(64))
    cost = jnp.where(batch.is_treated, -1.0, 0.0).astype(jnp.float32)
    free = eqx.tree_at(lambda each: each.cost, batch, cost)
    _, gradient = _value_and_gradient(workload, workload.init(key), free)

    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))


def test_a_model_of_nan_is_always_wrong(key: jax.Array, workload: TreatmentPolicy) -> None:
    """Advice that is NaN is an error rate of one."""
    broken = jax.tree.map(lambda leaf: leaf * jnp.nan, workload.init(key))

    assert _error_rate(workload, broken, workload.validation) == 1.0


def test_a_model_that_says_nothing_is_at_chance(key: jax.Array, workload: TreatmentPolicy) -> None:
    """The same advice for all is an error rate of one half."""
    blank = jax.tree.map(jnp.zeros_like, workload.init(key))

    assert jnp.isclose(_error_rate(workload, blank, workload.validation), 0.5, atol=1e-4)


def test_loss_without_preferences_is_the_plain_ratio(
    key: jax.Array, workload: TreatmentPolicy
) -> None:
    """With equal effectiveness, and all treated as advised, the loss is a ratio of mean effects."""
    units = eqx.tree_at(
        lambda each: each.intensity, workload.training, jnp.full(2_000, 0.5, jnp.float32)
    )
    blank = jax.tree.map(jnp.zeros_like, workload.init(key))
    effects = [
        outcome[units.is_treated].mean() - outcome[~units.is_treated].mean()
        for outcome in (units.gain, units.cost)
    ]

    # The softplus in the denominator is a few parts in a hundred above its argument here.
    assert jnp.isclose(_loss(workload, blank, units), -effects[0] / effects[1], rtol=0.05)
