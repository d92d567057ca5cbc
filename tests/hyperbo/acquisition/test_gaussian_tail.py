"""Logs of Gaussian tails against scipy, against quadrature, and deep down against asymptotics."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, special, stats

from hyperbo.acquisition.gaussian_tail import log_cdf, log_mean_excess, log_truncation_gain

Function = Callable[[jax.Array], jax.Array]


@functools.cache
def _values_and_slopes(function: Function) -> Callable[[jax.Array], tuple[jax.Array, jax.Array]]:
    """Values and gradients at many points, compiled."""
    return jax.jit(jax.vmap(jax.value_and_grad(function)))


FUNCTIONS = [log_cdf, log_mean_excess, log_truncation_gain]
BORDERS = [-15.0, -1.0, 0.0, 5.0, 15.0]


def test_log_cdf_equals_scipy() -> None:
    """The log of the normal distribution function is scipy's."""
    z = np.concatenate([np.linspace(-40.0, 20.0, 1201), [-1e3, -1e5, 30.0]])

    np.testing.assert_allclose(log_cdf(jnp.array(z)), special.log_ndtr(z), rtol=1e-12)


def test_log_mean_excess_equals_formula() -> None:
    """Where the density does not underflow, the log is that of scipy's scaled tail."""
    z = np.linspace(-14.9, 8.0, 500)
    below = np.log1p(-np.sqrt(np.pi / 2) * -z * special.erfcx(-z / np.sqrt(2)))
    expected = np.where(
        z < 0, stats.norm.logpdf(z) + below, np.log(stats.norm.pdf(z) + z * stats.norm.cdf(z))
    )

    np.testing.assert_allclose(log_mean_excess(jnp.array(z)), expected, rtol=1e-11)


def test_log_truncation_gain_equals_lost_entropy() -> None:
    """The gain is the entropy of a normal less that of the normal cut off above, by quadrature."""
    cuts = np.array([-6.0, -2.0, -0.5, 0.0, 1.0, 3.0, 4.9, 5.1])
    lost = [stats.norm.entropy() - _entropy_below(cut) for cut in cuts]

    np.testing.assert_allclose(jnp.exp(log_truncation_gain(jnp.array(cuts))), lost, atol=1e-8)


def _entropy_below(cut: float) -> float:
    """Entropy of a standard normal given that it is below `cut`."""
    mass = stats.norm.cdf(cut)

    def integrand(x: float) -> float:
        return -stats.norm.pdf(x) / mass * (stats.norm.logpdf(x) - np.log(mass))

    return integrate.quad(integrand, -40.0, cut, epsabs=1e-12, limit=500, points=[cut - 2.0])[0]


def test_log_truncation_gain_far_above() -> None:
    """Far above, the gain is the density times the sum of half z and Mills' ratio."""
    z = np.array([9.0, 14.99, 15.01, 40.0, 1e4])
    mills = np.sqrt(np.pi / 2) * special.erfcx(z / np.sqrt(2))

    expected = stats.norm.logpdf(z) + np.log(0.5 * z + mills)

    np.testing.assert_allclose(log_truncation_gain(jnp.array(z)), expected, rtol=1e-13)


def test_log_truncation_gain_far_below() -> None:
    """Far below, the gain nears the log of the depth plus a constant."""
    depth = np.array([1e4, 1e8, 1e12])

    gain = jnp.exp(log_truncation_gain(jnp.array(-depth)))

    expected = np.log(depth) + 0.5 * np.log(2.0 * np.pi) - 0.5
    np.testing.assert_allclose(gain, expected, rtol=1e-8)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("border", BORDERS)
def test_branches_meet(function: Function, border: float) -> None:
    """Value and slope pass smoothly from one formula to the next."""
    sides = jnp.array([border - 1e-9, border + 1e-9])

    values, slopes = _values_and_slopes(function)(sides)

    assert jnp.abs(values[1] - values[0] - 2e-9 * slopes[0]) < 1e-10 * (1.0 + jnp.abs(values[0]))
    np.testing.assert_allclose(slopes[0], slopes[1], rtol=1e-6)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("z", [-900.0, -100.0, -20.0, -14.0, -7.0, -1.5, 0.3, 4.0, 5.5])
def test_gradient_equals_finite_difference(function: Function, z: float) -> None:
    """The gradient is the slope of the value, deep in the tail too."""
    step = 1e-4 * max(1.0, abs(z) ** 0.5)
    around = function(jnp.array([z - step, z + step]))

    slope = jax.grad(function)(jnp.array(z))

    np.testing.assert_allclose(
        slope, (around[1] - around[0]) / (2.0 * step), rtol=2e-6 if z < 5 else 2e-5
    )


@pytest.mark.parametrize("function", [log_cdf, log_mean_excess])
@pytest.mark.parametrize("z", [-1e6, -1e10, -1e50, -1e100])
def test_gradient_in_the_abyss(function: Function, z: float) -> None:
    """However unlikely improvement is, the slope is finite and that of half the square."""
    _, slopes = _values_and_slopes(function)(jnp.array([z, 2.0 * z]))

    np.testing.assert_allclose(slopes, [-z, -2.0 * z], rtol=1e-10)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_finite_for_any_depth(function: Function) -> None:
    """Neither value nor gradient is ever infinite or NaN, at any z of either sign."""
    sizes = 10.0 ** jnp.linspace(-20, 100, 241)
    z = jnp.concatenate([-sizes, jnp.zeros(1), sizes])

    values, slopes = _values_and_slopes(function)(z)

    assert jnp.isfinite(values).all()
    assert jnp.isfinite(slopes).all()
