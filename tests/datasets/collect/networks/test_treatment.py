"""The treatment network, its bell and its weights."""

import jax
import jax.numpy as jnp
import jax.random as jr
import pytest

from hyperbo_datasets.collect.networks.treatment import (
    Advice,
    TreatmentNetworkConfig,
    Weights,
    cohort_weights,
    effect,
    log_closeness,
)
from hyperbo_datasets.errors import CollectError

TEMPERATURE = 0.1


@pytest.mark.parametrize("advised", [0.0, 0.02, 0.5, 1.0])
@pytest.mark.parametrize("temperature", [0.01, 0.1, 3.0])
def test_closeness_is_a_density(advised: float, temperature: float) -> None:
    """Over the intensities of [0, 1] the bell has an area of one, wherever its centre is."""
    observed = (jnp.arange(20_000) + 0.5) / 20_000
    density = jnp.exp(log_closeness(observed, jnp.full(20_000, advised), temperature))

    assert jnp.isclose(density.mean(), 1.0, atol=1e-3)


def test_closeness_falls_with_the_distance() -> None:
    """The nearer the observed intensity, the better it stands for the advised one."""
    observed = jnp.array([0.5, 0.6, 0.3, 0.9])
    found = log_closeness(observed, jnp.full(4, 0.5), TEMPERATURE)

    assert (jnp.diff(found) < 0).all()


def test_closeness_is_finite_at_extremes() -> None:
    """A bell a thousand times narrower than the distance has a finite log and gradient."""
    found = jax.value_and_grad(lambda each: log_closeness(jnp.array(1.0), each, 1e-3))

    assert all(jnp.isfinite(each) for each in found(jnp.array(0.0)))


def test_weights_sum_to_one_within_each_cohort(key: jax.Array) -> None:
    """Each cohort's weights add up to one, and nobody has a weight in the other."""
    is_treated = jnp.arange(9) % 3 == 0
    advice = Advice(jr.normal(key, (9,)), jnp.full(9, 0.3))
    weights = cohort_weights(advice, jnp.linspace(0.0, 1.0, 9), is_treated, TEMPERATURE)

    assert jnp.isclose(weights.treated.sum(), 1.0)
    assert jnp.isclose(weights.control.sum(), 1.0)
    assert not weights.treated[~is_treated].any()
    assert not weights.control[is_treated].any()


def test_an_empty_cohort_has_no_weight() -> None:
    """Without a treated unit the weights are zero, and the gradient is finite."""

    def total(effectiveness: jax.Array) -> jax.Array:
        advice = Advice(effectiveness, jnp.full(3, 0.5))
        return cohort_weights(advice, jnp.zeros(3), jnp.zeros(3, bool), TEMPERATURE).treated.sum()

    value, gradient = jax.value_and_grad(total)(jnp.zeros(3))

    assert value == 0.0
    assert jnp.isfinite(gradient).all()


def test_effect_is_the_difference_of_means() -> None:
    """With equal weights the effect is the treated's mean outcome less the others'."""
    weights = Weights(jnp.array([0.5, 0.5, 0.0, 0.0]), jnp.array([0.0, 0.0, 0.5, 0.5]))

    assert effect(jnp.array([3.0, 5.0, 1.0, 2.0]), weights) == 2.5


def test_advice_stays_in_its_bounds(key: jax.Array) -> None:
    """However large the parameters, intensities are in [0, 1] and effectiveness is bounded."""
    config = TreatmentNetworkConfig(3, hidden=(4,), largest=2.0)
    model = jax.tree.map(lambda leaf: 1e6 * leaf, config.init(key))
    advice = model(jr.normal(key, (50, 3), jnp.float32))

    assert jnp.abs(advice.effectiveness).max() <= 2.0
    assert advice.intensity.min() >= 0.0
    assert advice.intensity.max() <= 1.0


def test_refuses_to_be_without_a_trunk() -> None:
    """A network of no hidden layer is refused."""
    with pytest.raises(CollectError, match="at least one width"):
        TreatmentNetworkConfig(3, hidden=())
