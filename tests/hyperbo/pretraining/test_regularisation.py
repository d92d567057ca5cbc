"""Regularisers against scipy's densities, and what they do to a fit."""

import jax
import jax.numpy as jnp
import numpy as np
from numpyro.distributions import Gamma, LogNormal
from scipy import stats

from hyperbo.pretraining import (
    LBFGS,
    ParameterDensity,
    fit,
    hyperbo_densities,
    lengthscales,
    mean_constant,
    noise_variance,
    signal_variance,
)
from hyperbo.surrogates import GaussianProcessPrior
from hyperbo.surrogates.presets import matern_prior


def test_is_scipys_log_density_of_the_constrained_value(
    truth: GaussianProcessPrior, key: jax.Array
) -> None:
    """It is of the lengthscales themselves, not of the numbers they are stored as."""
    got = ParameterDensity(lengthscales, LogNormal(0.5, 2.0))(truth, key)
    wanted = -stats.lognorm(2.0, scale=np.exp(0.5)).logpdf([0.3, 0.8]).sum()
    np.testing.assert_allclose(got, wanted, rtol=1e-10)


def test_gamma_is_by_concentration_and_rate(truth: GaussianProcessPrior, key: jax.Array) -> None:
    """Gamma(2, 5) has mean 0.4, as scipy's with scale one fifth."""
    got = ParameterDensity(signal_variance, Gamma(2.0, 5.0))(truth, key)
    np.testing.assert_allclose(got, -stats.gamma(2.0, scale=0.2).logpdf(1.5), rtol=1e-10)


def test_hyperbos_densities_add_up(truth: GaussianProcessPrior, key: jax.Array) -> None:
    """Half-normal noise, log-normal signal and lengthscales, normal constant."""
    wanted = -(
        stats.halfnorm(scale=0.1).logpdf(0.02)
        + stats.lognorm(1.0).logpdf([1.5, 0.3, 0.8]).sum()
        + stats.norm.logpdf(0.7)
    )
    np.testing.assert_allclose(hyperbo_densities()(truth, key), wanted, rtol=1e-10)


def test_alone_it_is_minimised_at_the_mode(key: jax.Array) -> None:
    """No Jacobian is added: the fit ends at exp(mu - sigma^2) of a log-normal."""
    objective = ParameterDensity(lengthscales, LogNormal(0.0, 0.7))
    learned = fit(key, matern_prior(2), objective, method=LBFGS()).prior
    np.testing.assert_allclose(lengthscales(learned), np.exp(-0.49), rtol=1e-4)


def test_selectors_read_the_parameters(truth: GaussianProcessPrior) -> None:
    """Each selector gives the value that its name says."""
    np.testing.assert_allclose(lengthscales(truth), jnp.asarray([0.3, 0.8]), rtol=1e-12)
    np.testing.assert_allclose(signal_variance(truth), 1.5, rtol=1e-12)
    np.testing.assert_allclose(noise_variance(truth), 0.02, rtol=1e-12)
    np.testing.assert_allclose(mean_constant(truth), 0.7, rtol=1e-12)
