"""The contract of acquisitions: bound to a posterior, they score points; larger is better."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Float

from hyperbo.arrays import Array, Key
from hyperbo.surrogates.base import Marginals, Posterior


class Score(eqx.Module):
    """How much is hoped for at each point; a pytree that may be passed through `jax.jit`."""

    @abc.abstractmethod
    def __call__(self, inputs: Float[Array, "Q D"]) -> Float[Array, " Q"]:
        """Score `Q` points of the unit cube; larger is better, differentiable in `inputs`.

        Each point is scored by itself: other points of the same call never change its score.
        """


class Acquisition(eqx.Module):
    """A rule by which to choose the next trial."""

    @abc.abstractmethod
    def bind(
        self,
        key: Key,
        posterior: Posterior,
        candidates: Float[Array, "Q D"],
        best: Float[Array, ""],
    ) -> Score:
        """Turn beliefs into a score.

        While nothing was observed there is nothing to improve on: with a `best` of minus infinity
        every acquisition's score is the posterior mean, so that the first trial is the one the
        prior expects most of.

        Args:
            key: For acquisitions that draw; others leave it alone.
            posterior: Beliefs about the objective.
            candidates: Points that stand for the whole space where a rule needs its maximum.
            best: Largest noise-free value so far, in the objective's unit; minus infinity if
                there is none.
        """


class MarginalAcquisition(Acquisition):
    """A rule that needs no more than the marginals at a point and the best value so far."""

    @abc.abstractmethod
    def score_marginals(self, marginals: Marginals, best: Float[Array, ""]) -> Float[Array, " Q"]:
        """Score the `Q` points that `marginals` describes, given a finite `best`."""

    def bind(
        self,
        key: Key,  # noqa: ARG002 - part of the contract
        posterior: Posterior,
        candidates: Float[Array, "Q D"],  # noqa: ARG002 - part of the contract
        best: Float[Array, ""],
    ) -> Score:
        """Turn beliefs into a score; neither draws nor looks at the candidates."""
        return MarginalScore(self, posterior, best)


class MarginalScore(Score):
    """The score of a `MarginalAcquisition`.

    Attributes:
        acquisition: The rule.
        posterior: Beliefs about the objective.
        best: Largest noise-free value so far, or minus infinity.
    """

    acquisition: MarginalAcquisition
    posterior: Posterior
    best: Float[Array, ""]

    def __call__(self, inputs: Float[Array, "Q D"]) -> Float[Array, " Q"]:
        """Score `Q` points by the rule, or by their mean while nothing was observed."""
        marginals = self.posterior.marginals(inputs)
        scores = self.acquisition.score_marginals(marginals, finite_best(self.best))
        return mean_until_observed(self.best, marginals, scores)


def finite_best(best: Float[Array, ""]) -> Float[Array, ""]:
    """The best value, or zero if there is none yet, so that no infinity reaches a gradient."""
    return jnp.where(jnp.isfinite(best), best, 0.0)


def mean_until_observed(
    best: Float[Array, ""], marginals: Marginals, scores: Float[Array, " Q"]
) -> Float[Array, " Q"]:
    """The scores, or the mixture's mean while `best` is minus infinity."""
    return jnp.where(jnp.isfinite(best), scores, marginals.moments()[0])
