"""Expected improvement beside trials whose outcome is still open, by joint samples."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Float

from hyperbo.acquisition.base import Acquisition, Score
from hyperbo.acquisition.improvement import LogExpectedImprovement
from hyperbo.arrays import Array, Key
from hyperbo.surrogates.base import Posterior

# The kink of the improvement is rounded over this fraction of the pending values' spread.
_TEMPERATURE = 1e-3
# Weight of the polynomial tail that keeps a slope where no sample improves.
_TAIL = 0.1


class MonteCarloLogExpectedImprovement(Acquisition):
    """Log of what a point adds to the expected improvement of a batch with pending points.

    The improvement is over the best value so far and over whatever the pending points turn out to
    be, averaged over joint samples with the same base draws for every point, so that the score is
    a smooth function of the point. Nothing is plugged in for the pending outcomes. Without a
    pending point this is `LogExpectedImprovement`, in closed form.

    Attributes:
        pending: Points given out and not yet reported.
        samples: How many joint samples are drawn.

    References:
        Wilson, Hutter and Deisenroth (2018), arXiv:1805.10196; Ament et al. (2023),
        arXiv:2310.20708, section 4.2.
    """

    pending: Float[Array, "B D"]
    samples: int = eqx.field(default=128, static=True)

    def bind(
        self,
        key: Key,
        posterior: Posterior,
        candidates: Float[Array, "Q D"],
        best: Float[Array, ""],
    ) -> Score:
        """Fix the base draws; the posterior's samples must be differentiable in their inputs."""
        if self.pending.shape[0] == 0:
            return LogExpectedImprovement().bind(key, posterior, candidates, best)
        _, stddev = posterior.marginals(self.pending).moments()
        temperature = _TEMPERATURE * jnp.mean(stddev)
        return MonteCarloScore(key, posterior, self.pending, best, temperature, self.samples)


class MonteCarloScore(Score):
    """The score of `MonteCarloLogExpectedImprovement` beside at least one pending point.

    Attributes:
        key: Fixes the base draws.
        posterior: Beliefs about the objective.
        pending: Points given out and not yet reported.
        best: Largest noise-free value so far, or minus infinity: then only the pending points
            are improved on.
        temperature: Width over which the improvement's kink is rounded, in the objective's unit.
        samples: How many joint samples are drawn.
    """

    key: Key
    posterior: Posterior
    pending: Float[Array, "B D"]
    best: Float[Array, ""]
    temperature: Float[Array, ""]
    samples: int = eqx.field(static=True)

    def __call__(self, inputs: Float[Array, "Q D"]) -> Float[Array, " Q"]:
        """Log of the average joint improvement at each of `Q` points."""
        return jax.vmap(self._score_one)(inputs)

    def _score_one(self, point: Float[Array, " D"]) -> Float[Array, ""]:
        """Log of the average joint improvement at one point."""
        joint = jnp.concatenate([self.pending, point[None, :]])
        values = self.posterior.sample(self.key, joint, self.samples)
        incumbent = jnp.maximum(jnp.max(values[:, :-1], axis=1), self.best)
        gains = _log_rounded_gain((values[:, -1] - incumbent) / self.temperature)
        average = jax.scipy.special.logsumexp(gains) - math.log(self.samples)
        return average + jnp.log(self.temperature)


def _log_rounded_gain(gain: Float[Array, " S"]) -> Float[Array, " S"]:
    """Log of a smooth, increasing, positive stand-in for the positive part of `gain`."""
    return jnp.log(jax.nn.softplus(gain) + _TAIL / (1.0 + jnp.square(gain)))
