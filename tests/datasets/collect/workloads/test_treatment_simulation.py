"""A simulated trial."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from hyperbo_datasets.collect.workloads import treatment_simulation

simulate = jax.jit(treatment_simulation.simulate)
COUNT = 4_000


def test_treated_gain_what_is_true(key: jax.Array) -> None:
    """What the treated gain more is the mean true effect, within four standard errors."""
    key_features, key_trial = jr.split(key)
    units, truth = simulate(key_trial, jr.normal(key_features, (COUNT, 3)))
    treated = np.asarray(units.is_treated)
    effect = np.asarray(truth.gain_effect(units.intensity))[treated].mean()
    gain = np.asarray(units.gain)
    found = gain[treated].mean() - gain[~treated].mean()
    error = (gain[treated].var() / treated.sum() + gain[~treated].var() / (~treated).sum()) ** 0.5

    assert abs(found - effect) < 4.0 * error


def test_untreated_cost_nothing_but_noise(key: jax.Array) -> None:
    """Without noise, who is not treated costs nothing."""
    units, _ = simulate(key, jr.normal(key, (COUNT, 3)), noise=0.0)

    assert not units.cost[~units.is_treated].any()


def test_best_intensity_gains_most(key: jax.Array) -> None:
    """No intensity gains a unit more than its best one."""
    _, truth = simulate(key, jr.normal(key, (COUNT, 3)))
    best = truth.gain_effect(truth.best_intensity)

    for intensity in (0.0, 0.3, 1.0):
        assert (best >= truth.gain_effect(jnp.full(COUNT, intensity, jnp.float32))).all()


def test_treatment_ignores_the_features(key: jax.Array) -> None:
    """Treatment is randomised: no feature's mean differs by more than four standard errors."""
    key_features, key_trial = jr.split(key)
    units, _ = simulate(key_trial, jr.normal(key_features, (COUNT, 3)))
    treated = units.is_treated
    gap = units.features[treated].mean(axis=0) - units.features[~treated].mean(axis=0)

    assert (jnp.abs(gap) < 4.0 * 2.0 / COUNT**0.5).all()


def test_features_are_standardised(key: jax.Array) -> None:
    """Columns in any unit end with mean zero and variance one; a constant one with zeros."""
    covariates = jnp.stack([100.0 + 7.0 * jr.normal(key, (COUNT,)), jnp.full(COUNT, 3.0)], axis=1)
    units, _ = simulate(key, covariates)

    assert jnp.allclose(units.features.mean(axis=0), 0.0, atol=1e-4)
    assert jnp.allclose(units.features.std(axis=0), jnp.array([1.0, 0.0]), atol=1e-4)


def test_seed_decides_the_trial(key: jax.Array) -> None:
    """The same key makes the same trial, another key another one."""
    covariates = jr.normal(key, (20, 3))
    gains = [simulate(jr.key(seed), covariates)[0].gain for seed in (1, 1, 2)]

    assert jnp.array_equal(gains[0], gains[1])
    assert not jnp.isclose(gains[0], gains[2]).any()
