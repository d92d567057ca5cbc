"""Improvement over the best value so far: how likely it is, and how large on average."""

import jax
import jax.numpy as jnp
from jaxtyping import Float

from hyperbo.acquisition.base import MarginalAcquisition
from hyperbo.acquisition.gaussian_tail import log_cdf, log_mean_excess
from hyperbo.arrays import Array
from hyperbo.surrogates.base import Marginals, log_mix


class LogExpectedImprovement(MarginalAcquisition):
    """Log of the expected improvement, averaged over the mixture: the default acquisition.

    It ranks points as `ExpectedImprovement` does, and can be climbed where that one is flat.
    """

    def score_marginals(self, marginals: Marginals, best: Float[Array, ""]) -> Float[Array, " Q"]:
        """Log of the mixture's expected improvement over `best`."""
        return log_mix(_over_components(marginals, best), marginals.log_weight)


class ExpectedImprovement(MarginalAcquisition):
    """Expected improvement, averaged over the mixture."""

    def score_marginals(self, marginals: Marginals, best: Float[Array, ""]) -> Float[Array, " Q"]:
        """The mixture's expected improvement over `best`, in the objective's unit."""
        return jnp.exp(log_mix(_over_components(marginals, best), marginals.log_weight))


class ProbabilityOfImprovement(MarginalAcquisition):
    """Log of the probability of exceeding the best value by a margin, over the mixture.

    Attributes:
        margin: How far above the best value the target lies, in the objective's unit. HyperBO's
            default is 0.1.
    """

    margin: float | Float[Array, ""] = 0.1

    def score_marginals(self, marginals: Marginals, best: Float[Array, ""]) -> Float[Array, " Q"]:
        """Log of the mixture's probability of a value above `best + margin`."""
        log_scores = jax.vmap(log_probability_of_improvement, in_axes=(0, 0, None, None))(
            marginals.mean, marginals.stddev, best, self.margin
        )
        return log_mix(log_scores, marginals.log_weight)


def log_expected_improvement(
    mean: Float[Array, " Q"], stddev: Float[Array, " Q"], best: Float[Array, ""]
) -> Float[Array, " Q"]:
    r"""Log of the expected improvement over `best`; larger is better.

    $\log \sigma + \log(\phi(z) + z \Phi(z))$, with $z = (\mu - b) / \sigma$. Taken in logs, so the
    gradient survives where improvement is all but impossible.

    Args:
        mean: Posterior mean at `Q` candidates, in the objective's unit.
        stddev: Posterior standard deviation, same unit, positive.
        best: Largest noise-free value so far, same unit.

    Returns:
        Log improvement at each candidate.

    Example:
        >>> scores = log_expected_improvement(jnp.zeros(1), jnp.ones(1), jnp.zeros(()))
        >>> round(float(scores[0]), 4)
        -0.9189

    References:
        Ament et al. (2023), arXiv:2310.20708.
    """
    return jnp.log(stddev) + log_mean_excess((mean - best) / stddev)


def expected_improvement(
    mean: Float[Array, " Q"], stddev: Float[Array, " Q"], best: Float[Array, ""]
) -> Float[Array, " Q"]:
    """Expected improvement over `best`, in the objective's unit; larger is better.

    Args:
        mean: Posterior mean at `Q` candidates, in the objective's unit.
        stddev: Posterior standard deviation, same unit, positive.
        best: Largest noise-free value so far, same unit.

    Example:
        >>> gains = expected_improvement(jnp.ones(1), 1e-9 * jnp.ones(1), jnp.zeros(()))
        >>> round(float(gains[0]), 4)
        1.0

    References:
        Mockus, Tiesis and Zilinskas (1978).
    """
    return jnp.exp(log_expected_improvement(mean, stddev, best))


def log_probability_of_improvement(
    mean: Float[Array, " Q"],
    stddev: Float[Array, " Q"],
    best: Float[Array, ""],
    margin: float | Float[Array, ""] = 0.1,
) -> Float[Array, " Q"]:
    """Log of the probability of a value above `best + margin`; larger is better.

    Args:
        mean: Posterior mean at `Q` candidates, in the objective's unit.
        stddev: Posterior standard deviation, same unit, positive.
        best: Largest noise-free value so far, same unit.
        margin: How far above `best` the target lies, same unit.

    Example:
        >>> scores = log_probability_of_improvement(jnp.full(1, 0.1), jnp.ones(1), jnp.zeros(()))
        >>> round(float(jnp.exp(scores[0])), 4)
        0.5

    References:
        Kushner (1964); the margin of 0.1 is that of Wang et al. (2024), arXiv:2109.08215.
    """
    return log_cdf((mean - (best + margin)) / stddev)


def _over_components(marginals: Marginals, best: Float[Array, ""]) -> Float[Array, "J Q"]:
    """Log expected improvement under each component of the mixture."""
    return jax.vmap(log_expected_improvement, in_axes=(0, 0, None))(
        marginals.mean, marginals.stddev, best
    )
