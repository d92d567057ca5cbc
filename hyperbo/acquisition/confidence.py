"""Upper confidence bound: the mean plus so many standard deviations."""

from jaxtyping import Float

from hyperbo.acquisition.base import MarginalAcquisition
from hyperbo.arrays import Array
from hyperbo.surrogates.base import Marginals


class UpperConfidenceBound(MarginalAcquisition):
    """Mean plus `beta` standard deviations, both of the whole mixture.

    Attributes:
        beta: How many standard deviations of optimism; HyperBO's default is 3.
    """

    beta: float | Float[Array, ""] = 3.0

    def score_marginals(
        self,
        marginals: Marginals,
        best: Float[Array, ""],  # noqa: ARG002 - part of the contract
    ) -> Float[Array, " Q"]:
        """The bound by the mixture's first two moments; `best` plays no part."""
        mean, stddev = marginals.moments()
        return upper_confidence_bound(mean, stddev, self.beta)


def upper_confidence_bound(
    mean: Float[Array, " Q"], stddev: Float[Array, " Q"], beta: float | Float[Array, ""] = 3.0
) -> Float[Array, " Q"]:
    """Mean plus `beta` standard deviations, in the objective's unit; larger is better.

    Args:
        mean: Posterior mean at `Q` candidates, in the objective's unit.
        stddev: Posterior standard deviation, same unit.
        beta: How many standard deviations of optimism. The square root of what Srinivas et al.
            call beta.

    Example:
        >>> import jax.numpy as jnp
        >>> float(upper_confidence_bound(jnp.ones(1), jnp.full(1, 0.5), 2.0)[0])
        2.0

    References:
        Srinivas et al. (2010), arXiv:0912.3995.
    """
    return mean + beta * stddev
