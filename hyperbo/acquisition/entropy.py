"""Max-value entropy search: how much a trial would tell of the objective's largest value."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Float, Int

from hyperbo.acquisition.base import Acquisition, Score, mean_until_observed
from hyperbo.acquisition.gaussian_tail import log_cdf, log_truncation_gain
from hyperbo.arrays import Array, Key
from hyperbo.surrogates.base import Posterior, log_mix

# Bisection halves a bracket of a few standard deviations this many times: to a millionth.
_HALVINGS = 26


class MaxValueEntropySearch(Acquisition):
    """Information that a noise-free look at a point gives of the objective's maximum.

    Every component of a mixture has maxima of its own; the information is averaged over them. The
    score is its log, so that it can be climbed where there is next to nothing to learn.

    Attributes:
        samples: How many maxima are drawn.
    """

    samples: int = eqx.field(default=16, static=True)

    def bind(
        self,
        key: Key,
        posterior: Posterior,
        candidates: Float[Array, "Q D"],
        best: Float[Array, ""],
    ) -> Score:
        """Draw maxima over the candidates, none of them below `best`."""
        marginals = posterior.marginals(candidates)
        # One key for all: components that are equal then have equal maxima.
        maxima = jax.vmap(sample_maxima, in_axes=(None, 0, 0, None))(
            key, marginals.mean, marginals.stddev, self.samples
        )
        return MaxValueEntropyScore(posterior, jnp.maximum(maxima, best), best)


class MaxValueEntropyScore(Score):
    """The score of `MaxValueEntropySearch`.

    Attributes:
        posterior: Beliefs about the objective.
        maxima: Draws of the objective's largest value under each component.
        best: Largest noise-free value so far, or minus infinity.
    """

    posterior: Posterior
    maxima: Float[Array, "J S"]
    best: Float[Array, ""]

    def __call__(self, inputs: Float[Array, "Q D"]) -> Float[Array, " Q"]:
        """Log of the information at `Q` points, in nats; their mean while nothing was observed."""
        marginals = self.posterior.marginals(inputs)
        log_gains = jax.vmap(log_max_value_entropy)(marginals.mean, marginals.stddev, self.maxima)
        return mean_until_observed(self.best, marginals, log_mix(log_gains, marginals.log_weight))


def log_max_value_entropy(
    mean: Float[Array, " Q"], stddev: Float[Array, " Q"], maxima: Float[Array, " S"]
) -> Float[Array, " Q"]:
    r"""Log of the entropy that knowing the maximum takes from the value at a point.

    The average over maxima $m$ of $\gamma \phi(\gamma) / (2 \Phi(\gamma)) - \log \Phi(\gamma)$,
    with $\gamma = (m - \mu) / \sigma$; larger is better.

    Args:
        mean: Posterior mean at `Q` candidates, in the objective's unit.
        stddev: Posterior standard deviation, same unit, positive.
        maxima: Draws of the objective's largest value, same unit.

    Returns:
        Log of nats.

    Example:
        >>> scores = log_max_value_entropy(jnp.zeros(1), jnp.ones(1), jnp.zeros(1))
        >>> round(float(jnp.exp(scores[0])), 4)  # knowing the sign is worth one bit
        0.6931

    References:
        Wang and Jegelka (2017), arXiv:1703.01968, equation 6.
    """
    depth = (maxima[:, None] - mean[None, :]) / stddev[None, :]
    gains = log_truncation_gain(depth)
    return jax.scipy.special.logsumexp(gains, axis=0) - math.log(maxima.shape[0])


def sample_maxima(
    key: Key, mean: Float[Array, " Q"], stddev: Float[Array, " Q"], count: int
) -> Float[Array, "{count}"]:
    """Draw the largest of `Q` values, by a Gumbel fitted to three quantiles of it.

    The values are taken as independent, so that marginals suffice; where candidates are dense
    this guesses too high a maximum, and the search explores somewhat more. The draws are
    stratified: one from each of `count` equally likely ranges.

    Args:
        key: Feeds the draws.
        mean: Posterior mean at `Q` candidates, in the objective's unit.
        stddev: Posterior standard deviation, same unit, positive.
        count: How many maxima to draw.

    References:
        Wang and Jegelka (2017), arXiv:1703.01968, section 3.1.
    """
    # 1. Quartiles of the maximum, its distribution being the product of the marginals'.
    levels = jnp.array([0.25, 0.5, 0.75])
    lower, middle, upper = _quantiles_of_maximum(mean, stddev, levels)
    # 2. The Gumbel through them: y(p) = location - scale log(-log p).
    log_surprise = jnp.log(-jnp.log(levels))
    scale = (upper - lower) / (log_surprise[0] - log_surprise[2])
    location = middle + scale * log_surprise[1]
    # 3. Draw by inversion, from each stratum once.
    offsets = jr.uniform(key, (count,), minval=1e-6, maxval=1.0 - 1e-6)
    probability = (jnp.arange(count) + offsets) / count
    return location - scale * jnp.log(-jnp.log(probability))


def _quantiles_of_maximum(
    mean: Float[Array, " Q"], stddev: Float[Array, " Q"], levels: Float[Array, " L"]
) -> Float[Array, " L"]:
    """Quantiles, between Phi(-1) and Phi(8), of the largest of independent Gaussians."""

    def halve(
        _: Int[Array, ""], bracket: tuple[Float[Array, " L"], Float[Array, " L"]]
    ) -> tuple[Float[Array, " L"], Float[Array, " L"]]:
        low, high = bracket
        middle = 0.5 * (low + high)
        depth = (middle[:, None] - mean[None, :]) / stddev[None, :]
        is_below = jnp.sum(log_cdf(depth), axis=1) < jnp.log(levels)
        return jnp.where(is_below, middle, low), jnp.where(is_below, high, middle)

    bracket = (
        jnp.full_like(levels, jnp.max(mean - stddev)),
        jnp.full_like(levels, jnp.max(mean + 8.0 * stddev)),
    )
    low, high = jax.lax.fori_loop(0, _HALVINGS, halve, bracket)
    return 0.5 * (low + high)
