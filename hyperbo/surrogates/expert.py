"""An expert: a prior, what may vary from task to task, and its refit to one task's trials."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from gpjax.kernels import Matern52
from gpjax.mean_functions import Zero
from gpjax.parameters import PositiveReal
from jaxtyping import Float

from hyperbo.arrays import Array
from hyperbo.ascent import ascend
from hyperbo.errors import PriorError
from hyperbo.surrogates.base import Prior
from hyperbo.surrogates.conditioning import ConditionedPrior, Trials, condition, log_evidence
from hyperbo.surrogates.gaussian_process import GaussianProcessPrior
from hyperbo.surrogates.hierarchy import Hierarchy
from hyperbo.surrogates.kernels import MatrixDistances


class Expert(eqx.Module):
    """A prior with beliefs about how far a single task may depart from it.

    This is what pre-training yields, what the registry stores and what a study starts from.

    Attributes:
        prior: The prior at the centre of the beliefs.
        hierarchy: Beliefs about the task's location, scale and noise. They are read in units of
            the trials' own mean and standard deviation where `is_relative` holds.
        spread: Standard deviations of the log factors on the prior's adaptable parameters; a
            factor's log is normal about zero.
        is_relative: Whether the hierarchy moves with the trials, as it must where nothing is
            known of the objective's unit.
    """

    prior: Prior
    hierarchy: Hierarchy
    spread: Float[Array, " P"]
    is_relative: bool = eqx.field(static=True, default=False)

    def centre(self) -> Float[Array, " P"]:
        """The log factors before any trial: zeros."""
        return jnp.zeros_like(self.spread)

    def expert(self, dimension: int) -> "Expert":  # noqa: ARG002
        """Itself: it serves its own search space, whatever is asked; see `HierarchicalPrior`."""
        return self

    def condition(self, log_factors: Float[Array, " P"], trials: Trials) -> ConditionedPrior:
        """The posterior at given log factors."""
        return condition(self.prior.adapted(log_factors), self.placed(trials), trials)

    def refit(
        self, start: Float[Array, " P"], trials: Trials, steps: int | np.int32 | Array
    ) -> Float[Array, " P"]:
        """Most probable log factors given the trials, within `REACH` spreads of the centre.

        Args:
            start: Where the search starts, e.g. the last fit of a growing study.
            trials: The trials, padded.
            steps: Evaluations of the likelihood and its gradient, at most; zero changes nothing.

        Returns:
            The log factors, at least as probable as `start`.
        """
        density = _Density(self, self.placed(trials), trials)

        def search(start: Float[Array, " P"]) -> Float[Array, " P"]:
            every = jnp.ones(start.shape, dtype=bool)
            first = density.to_cube(start)[None, :]
            found = ascend(density, first, every, steps=jnp.asarray(steps), flat=FLAT)
            return density.from_cube(found.points[0])

        return jax.lax.cond(jnp.asarray(steps) > 0, search, lambda same: same, start)

    def penalty(self, log_factors: Float[Array, " P"]) -> Float[Array, ""]:
        """How improbable the log factors were before any trial, in nats; zero at the centre."""
        return 0.5 * jnp.sum(jnp.square(log_factors / self.spread))

    def check(self, dimension: int) -> None:
        """Refuse a prior that cannot be evaluated at points of a unit cube of `dimension`.

        Nothing is computed; shapes are traced only, and arrays are looked through for NaN.

        Raises:
            PriorError: If shapes do not fit together, or an array holds NaN or plus infinity
                (minus infinity is the log weight of what is ruled out).
        """
        for leaf in jax.tree.leaves(eqx.filter(self, eqx.is_inexact_array)):
            array = np.asarray(leaf)
            if np.isnan(array).any() or np.isposinf(array).any():
                raise PriorError(
                    "The prior holds NaN or infinite numbers; take the last finite parameters of "
                    "its pre-training."
                )
        points = np.zeros((2, dimension))
        try:
            log_evidence = jax.eval_shape(self._log_evidence, points)
        except (TypeError, ValueError, AttributeError, IndexError) as error:
            raise PriorError(
                f"The prior cannot be evaluated in a space of {dimension} coordinates: {error}. "
                "Pre-train it on tasks of this space."
            ) from error
        if log_evidence.shape != ():
            raise PriorError(
                f"The prior gives a log evidence of shape {log_evidence.shape} for one task; "
                "wanted a number. Its noise or hierarchy has a wrong shape."
            )

    def _log_evidence(self, points: Float[Array, "N D"]) -> Float[Array, "..."]:
        count = points.shape[0]
        trials = Trials(points, jnp.zeros(count), jnp.ones(count, bool))
        return self.condition(self.centre(), trials).log_evidence

    def placed(self, trials: Trials) -> Hierarchy:
        """Beliefs about location, scale and noise in the objective's unit, given its trials.

        Where the trials' own variances are given, a trial bears on the unit only as far as it is
        precise, and what the variances explain is not taken for the objective's spread.
        """
        if not self.is_relative:
            return self.hierarchy
        mean, variance = _moments(trials)
        # One trial, or equal ones, say nothing of the unit: take it as one.
        stddev = jnp.where(variance > 0.0, jnp.sqrt(jnp.maximum(variance, 1e-300)), 1.0)
        return eqx.tree_at(
            lambda h: (h.location_mean, h.location_stddev, h.scales),
            self.hierarchy,
            (
                mean + stddev * self.hierarchy.location_mean,
                stddev * self.hierarchy.location_stddev,
                stddev * self.hierarchy.scales,
            ),
        )


REACH = 4.0
"""A refit looks no further than this many spreads from the centre, where all but nothing lies."""

FLAT = 0.1
"""Nats per `2 * REACH` spreads: below this slope a refit changes no suggestion."""

_SCORING_STEPS = 20

LENGTHSCALE_CENTRE = 0.6
LENGTHSCALE_SPREAD = 1.0
NOISE_CENTRE = 2.5e-3
NOISE_SPREAD = 2.5


def scratch_expert(dimension: int) -> Expert:
    """An expert that starts from nothing: a Matern-5/2 process with broad beliefs.

    The lengthscale grows with the square root of the dimension, so that the complexity a priori
    does not.

    References:
        Hvarfner, Hellsten, Nardi (2024), arXiv:2402.02229.
    """
    lengthscale = jnp.full(dimension, LENGTHSCALE_CENTRE * np.sqrt(dimension))
    kernel = Matern52(lengthscale=lengthscale, variance=1.0, compute_engine=MatrixDistances())
    prior = GaussianProcessPrior(Zero(), kernel, PositiveReal(jnp.asarray(NOISE_CENTRE)))
    spread = jnp.append(jnp.full(dimension, LENGTHSCALE_SPREAD), NOISE_SPREAD)
    hierarchy = Hierarchy.normal((0.0, 1.0), (0.0, 0.5), noise_factors=(1.0,), nodes=5)
    return Expert(prior, hierarchy, spread, is_relative=True)


def _moments(trials: Trials) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Mean and variance of the objective over the trials, padding and given noise left out."""
    mask, values = jnp.asarray(trials.mask), jnp.asarray(trials.values)
    count = jnp.maximum(jnp.sum(mask), 1)
    mean = jnp.sum(jnp.where(mask, values, 0.0)) / count
    variance = jnp.sum(jnp.where(mask, jnp.square(values - mean), 0.0)) / count
    if trials.given_variance is None:
        return mean, variance
    given = jnp.asarray(trials.given_variance)

    def improve(_: Array | int, moments: tuple[Array, Array]) -> tuple[Array, Array]:
        # A scoring step towards the most likely moments of normal values with unequal noise.
        total = moments[1] + given
        largest = jnp.max(jnp.where(mask, total, 0.0))
        # Relative to the noisiest trial, so that no weight is infinite where nothing varies.
        largest = jnp.where(largest > 0.0, largest, 1.0)
        weight = jnp.where(mask, largest / jnp.maximum(total, 1e-12 * largest), 0.0)
        mean = _average(weight, values)
        spread = _average(jnp.square(weight), jnp.square(values - mean))
        noise = _average(jnp.square(weight), given)
        # Where noise explains it all, nothing is known of the unit but that it is not larger.
        return mean, jnp.maximum(spread - noise, spread / 4.0)

    return jax.lax.fori_loop(0, _SCORING_STEPS, improve, (mean, variance))


def _average(weight: Float[Array, " N"], values: Float[Array, " N"]) -> Float[Array, ""]:
    return jnp.sum(weight * values) / jnp.maximum(jnp.sum(weight), 1e-300)


class _Density(eqx.Module):
    """Log posterior density of the log factors, which it lays on the unit cube."""

    expert: Expert
    hierarchy: Hierarchy
    trials: Trials

    def __call__(self, points: Float[Array, "K P"]) -> Float[Array, " K"]:
        return jnp.stack([self._at(self.from_cube(point)) for point in points])

    def _at(self, log_factors: Float[Array, " P"]) -> Float[Array, ""]:
        prior = self.expert.prior.adapted(log_factors)
        evidence = log_evidence(prior, self.hierarchy, self.trials)
        return evidence - self.expert.penalty(log_factors)

    def to_cube(self, log_factors: Float[Array, " P"]) -> Float[Array, " P"]:
        return jnp.clip(0.5 + log_factors / (2.0 * REACH * self.expert.spread), 0.0, 1.0)

    def from_cube(self, point: Float[Array, " P"]) -> Float[Array, " P"]:
        return (2.0 * point - 1.0) * REACH * self.expert.spread
