"""Regularisers: prior densities on a model's own parameters, as objectives."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from gpjax.parameters import val
from jaxtyping import Float
from numpyro.distributions import Distribution, HalfNormal, LogNormal, Normal

from hyperbo.arrays import Array, Key
from hyperbo.pretraining.objective import WeightedSum
from hyperbo.surrogates.gaussian_process import GaussianProcessPrior


class ParameterDensity(eqx.Module):
    """Negative log density of some parameters of the prior, in nats.

    Densities are of the parameters as they mean something (a positive lengthscale), not of the
    numbers that are stored for them, and no Jacobian is added: the optimum is the mode in the
    parameters' own unit. Since the likelihood is a mean over `M` tasks, the weight `1 / M` in a
    `WeightedSum` gives the mode of the posterior.

    Attributes:
        select: Takes a prior to the parameters' values.
        density: Their density; elements are taken to be independent.

    Example:
        >>> flat = ParameterDensity(lambda prior: prior, Normal(0.0, 1.0))
        >>> round(float(flat(jnp.zeros(2), None)), 4)
        1.8379
    """

    density: Distribution
    select: Callable[[Any], Float[Array, "..."]] = eqx.field(static=True)

    def __init__(self, select: Callable[[Any], Float[Array, "..."]], density: Distribution) -> None:
        self.select = select
        self.density = density

    def __call__(self, prior: Any, key: Key | None) -> Float[Array, ""]:  # noqa: ARG002
        """Minus the sum of the log densities; `key` is not needed."""
        return -jnp.sum(self.density.log_prob(self.select(prior)))


def lengthscales(prior: GaussianProcessPrior) -> Float[Array, "..."]:
    """The kernel's lengthscales, in the unit of what the kernel sees."""
    return val(prior.kernel.lengthscale)


def signal_variance(prior: GaussianProcessPrior) -> Float[Array, ""]:
    """The kernel's variance."""
    return val(prior.kernel.variance)


def noise_variance(prior: GaussianProcessPrior) -> Float[Array, ""]:
    """Variance of an observation about the objective."""
    return prior.noise_variance


def mean_constant(prior: GaussianProcessPrior) -> Float[Array, ""]:
    """The mean function's constant."""
    return val(prior.mean_function.constant)


def hyperbo_densities() -> WeightedSum:
    """The densities of HyperBO's sampled variant, for priors with a stationary kernel.

    Noise variance half-normal with scale 0.1 (there: normal, cut at zero), signal variance
    log-normal (0, 1), constant standard normal; its lengthscales have none, so log-normal (0, 1)
    is taken for them too.
    """
    return WeightedSum(
        (1.0, ParameterDensity(noise_variance, HalfNormal(0.1))),
        (1.0, ParameterDensity(signal_variance, LogNormal(0.0, 1.0))),
        (1.0, ParameterDensity(mean_constant, Normal(0.0, 1.0))),
        (1.0, ParameterDensity(lengthscales, LogNormal(0.0, 1.0))),
    )
