"""The contracts of surrogates: a prior over a task's objective, and the posterior it becomes."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Float

from hyperbo.arrays import Array, Key


class Prior(eqx.Module):
    """What is believed of a task's objective before its first trial: a Gaussian process.

    Points pass through `embed` once; means and covariances are then read off the embedding, so a
    feature network runs once a point. A prior is a pytree of arrays, immutable.
    """

    @abc.abstractmethod
    def embed(self, inputs: Float[Array, "N D"]) -> Float[Array, "N F"]:
        """What the mean and the covariance need to know of each point of the unit cube."""

    @abc.abstractmethod
    def mean(self, embedded: Float[Array, "N F"]) -> Float[Array, " N"]:
        """Prior mean of the objective at embedded points."""

    @abc.abstractmethod
    def covariance(
        self, left: Float[Array, "A F"], right: Float[Array, "B F"]
    ) -> Float[Array, "A B"]:
        """Prior covariance of the noise-free objective between embedded points."""

    @abc.abstractmethod
    def variance(self, embedded: Float[Array, "N F"]) -> Float[Array, " N"]:
        """Diagonal of the covariance at embedded points."""

    @property
    @abc.abstractmethod
    def noise_variance(self) -> Float[Array, ""]:
        """Variance of one observation about the noise-free objective."""

    @property
    @abc.abstractmethod
    def log_factor_count(self) -> int:
        """How many parameters a single task may adapt; see `adapted`."""

    @abc.abstractmethod
    def adapted(self, log_factors: Float[Array, " P"]) -> "Prior":
        """The prior with those parameters multiplied by the exponentials of `log_factors`.

        Zeros leave the prior as it is. The last factor is always the noise variance's.
        """


class Marginals(eqx.Module):
    """Marginal posterior at `Q` points: a mixture of `J` Gaussians at each (`J` is 1 for one GP).

    Attributes:
        mean: Mean of each component, in the objective's unit.
        stddev: Standard deviation of the noise-free objective, same unit, positive.
        log_weight: Log weight of each component; their exponentials sum to one.
    """

    mean: Float[Array, "J Q"]
    stddev: Float[Array, "J Q"]
    log_weight: Float[Array, " J"]

    def moments(self) -> tuple[Float[Array, " Q"], Float[Array, " Q"]]:
        """Mean and standard deviation of the whole mixture at each point."""
        weight = jnp.exp(self.log_weight)[:, None]
        mean = jnp.sum(weight * self.mean, axis=0)
        spread = jnp.square(self.mean - mean[None, :])
        return mean, jnp.sqrt(jnp.sum(weight * (jnp.square(self.stddev) + spread), axis=0))


class Posterior(eqx.Module):
    """What is believed of one task's objective after the trials seen so far.

    A posterior is a pytree of arrays, immutable, and may be passed through `jax.jit`. Inputs are
    points of the unit cube; values are maximised. It speaks of the noise-free objective.
    """

    @abc.abstractmethod
    def marginals(self, inputs: Float[Array, "Q D"]) -> Marginals:
        """Marginal beliefs at `Q` points; differentiable in `inputs`."""

    @abc.abstractmethod
    def sample(
        self, key: Key, inputs: Float[Array, "Q D"], count: int
    ) -> Float[Array, "{count} Q"]:
        """Draw `count` functions, each jointly at all `Q` points."""

    @abc.abstractmethod
    def fantasise(self, inputs: Float[Array, "B D"], values: Float[Array, " B"]) -> "Posterior":
        """Believe also that `values` were observed at `inputs`, e.g. for pending trials.

        Hyperparameters and mixture weights stay as they are; only the functions are conditioned.
        """


def log_mix(log_scores: Float[Array, "J Q"], log_weight: Float[Array, " J"]) -> Float[Array, " Q"]:
    """Log of the weighted average over components of exponentiated scores."""
    return jax.scipy.special.logsumexp(log_scores + log_weight[:, None], axis=0)
