"""Improvement: closed forms, sample averages, and gradients where improvement is hopeless."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy import integrate, stats

from hyperbo.acquisition import (
    ExpectedImprovement,
    LogExpectedImprovement,
    ProbabilityOfImprovement,
    expected_improvement,
    log_expected_improvement,
    log_probability_of_improvement,
)
from hyperbo.surrogates import Marginals

MEAN = jnp.array([0.3])
STDDEV = jnp.array([0.7])
BEST = jnp.array(0.9)


@pytest.fixture
def marginals() -> Marginals:
    """A mixture of three Gaussians at two points."""
    return Marginals(
        mean=jnp.array([[0.1, 0.5], [-0.4, 1.2], [2.0, 0.3]]),
        stddev=jnp.array([[0.5, 0.2], [1.5, 0.1], [0.3, 0.9]]),
        log_weight=jnp.log(jnp.array([0.2, 0.5, 0.3])),
    )


def test_equals_average_over_samples(key: jax.Array) -> None:
    """EI is an average; the sample average lies within four standard errors of it."""
    n = 200_000
    gain = jnp.maximum(MEAN + STDDEV * jr.normal(key, (n,)) - BEST, 0.0)

    ei = jnp.exp(log_expected_improvement(MEAN, STDDEV, BEST)[0])

    assert jnp.abs(gain.mean() - ei) < 4.0 * gain.std() / n**0.5


def test_equals_quadrature() -> None:
    """EI is the integral of the improvement under the Gaussian."""
    density = stats.norm(float(MEAN[0]), float(STDDEV[0])).pdf
    area, _ = integrate.quad(lambda y: (y - 0.9) * density(y), 0.9, 20.0, epsabs=1e-13)

    np.testing.assert_allclose(expected_improvement(MEAN, STDDEV, BEST)[0], area, rtol=1e-9)


def test_at_the_mean_it_is_the_stddev_over_root_two_pi() -> None:
    """With the mean at the best value, EI is the standard deviation times phi(0)."""
    ei = expected_improvement(BEST[None], STDDEV, BEST)[0]

    np.testing.assert_allclose(ei, 0.7 / np.sqrt(2.0 * np.pi), rtol=1e-14)


def test_unit_changes_nothing_but_the_unit() -> None:
    """Ten times the unit is ten times the improvement."""
    ei = expected_improvement(MEAN, STDDEV, BEST)
    scaled = expected_improvement(10.0 * MEAN, 10.0 * STDDEV, 10.0 * BEST)

    np.testing.assert_allclose(scaled, 10.0 * ei, rtol=1e-13)


def test_can_be_climbed_where_ei_is_zero() -> None:
    """A thousand standard deviations below, EI underflows and log EI has the known slope."""
    mean, stddev = jnp.array([-1000.0]), jnp.ones(1)

    ei_slope = jax.grad(lambda m: expected_improvement(m, stddev, jnp.array(0.0))[0])(mean)[0]
    slope = jax.grad(lambda m: log_expected_improvement(m, stddev, jnp.array(0.0))[0])(mean)[0]

    assert ei_slope == 0.0
    np.testing.assert_allclose(slope, 1000.0 + 2.0 / 1000.0, rtol=1e-10)


def test_stddev_slope_far_in_the_tail_equals_finite_difference() -> None:
    """The slope along the standard deviation, fifty of them below, is that of the value."""
    best = jnp.array(50.0)

    def value(stddev: jax.Array) -> jax.Array:
        return log_expected_improvement(jnp.zeros(1), stddev[None], best)[0]

    slope = jax.grad(value)(jnp.array(1.0))

    step = 1e-5
    difference = (value(jnp.array(1.0 + step)) - value(jnp.array(1.0 - step))) / (2.0 * step)
    np.testing.assert_allclose(slope, difference, rtol=1e-7)


def test_probability_equals_scipy_and_counts_the_margin() -> None:
    """PI is the upper tail beyond the best value and 0.1."""
    expected = stats.norm(0.3, 0.7).logsf(1.0)

    np.testing.assert_allclose(
        log_probability_of_improvement(MEAN, STDDEV, BEST)[0], expected, rtol=1e-12
    )


def test_probability_slope_survives_a_certain_failure() -> None:
    """A point known to be bad within 1e-9 still has a finite slope towards better ones."""
    slope = jax.grad(lambda mean: log_probability_of_improvement(mean, jnp.full(1, 1e-9), BEST)[0])(
        MEAN
    )

    np.testing.assert_allclose(slope, 0.7e18, rtol=1e-9)


def test_mixture_improvement_is_the_average_over_components(marginals: Marginals) -> None:
    """A mixture's EI is the weighted sum of its components', and its log the log of that."""
    weight = jnp.exp(marginals.log_weight)
    each = jnp.stack(
        [
            expected_improvement(mean, stddev, BEST)
            for mean, stddev in zip(marginals.mean, marginals.stddev, strict=True)
        ]
    )

    ei = ExpectedImprovement().score_marginals(marginals, BEST)
    log_ei = LogExpectedImprovement().score_marginals(marginals, BEST)

    np.testing.assert_allclose(ei, weight @ each, rtol=1e-12)
    np.testing.assert_allclose(log_ei, jnp.log(weight @ each), rtol=1e-12)


def test_mixture_probability_is_the_average_over_components(marginals: Marginals) -> None:
    """A mixture's PI is the weighted sum of its components' upper tails."""
    tails = stats.norm(marginals.mean, marginals.stddev).sf(float(BEST) + 0.25)
    expected = np.exp(marginals.log_weight) @ tails

    score = ProbabilityOfImprovement(margin=0.25).score_marginals(marginals, BEST)

    np.testing.assert_allclose(jnp.exp(score), expected, rtol=1e-12)
