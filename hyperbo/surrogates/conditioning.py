"""Exact conditioning of a prior on one task's trials, its location, scale and noise integrated out.

The objective of a new task is taken to be `a + b g(x)`, where `g` is drawn from the prior; `a`
(location) and `b` (scale) are the task's own and unknown, and so is its noise. The location is
integrated in closed form, scale and noise over a small grid, so that the posterior is a mixture.

Where the trials' own variances are given, they are added in the objective's unit: the covariance
of the trials is `b^2 (K + noise) + given`, or `b^2 (K + noise + given / b^2)`. Every scale then has
a factor of its own, in place of one for all: exact, and dearer by the number of scales.
"""

import functools
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Bool, Float, Int

from hyperbo.arrays import Array, Key
from hyperbo.linalg import (
    append_row,
    each_in_turn,
    log_determinant,
    masked_cholesky,
    robust_cholesky,
    sample_gaussian,
    solve_lower,
)
from hyperbo.surrogates.base import Marginals, Posterior, Prior
from hyperbo.surrogates.hierarchy import Hierarchy

_LARGEST_RELATIVE_VARIANCE = 1e30
"""A trial whose given variance is so many times the objective's says nothing; more overflows."""


class Trials(eqx.Module):
    """Finished trials of one task, padded.

    Attributes:
        inputs: Points of the unit cube, padded with 0.5.
        values: Objective, maximised, padded with zero.
        mask: True where a trial is real; real trials come first.
        given_variance: Square of each value's standard error, padded with zero, on top of the
            noise that is inferred; None, or zeros, where nothing is known of it.
    """

    inputs: Float[Array, "N D"] | Float[np.ndarray, "N D"]
    values: Float[Array, " N"] | Float[np.ndarray, " N"]
    mask: Bool[Array, " N"] | Bool[np.ndarray, " N"]
    given_variance: Float[Array, " N"] | Float[np.ndarray, " N"] | None = None


class _Seen(eqx.Module):
    """Trials as the prior sees them."""

    embedded: Float[Array, "N F"]
    values: Float[Array, " N"]
    mask: Bool[Array, " N"]
    given_variance: Float[Array, " N"] | None


class _LocationFit(eqx.Module):
    """What the trials say of the location at the `B` scales that share a factor.

    There is a leading axis over factors.
    """

    ones: Float[Array, "*K N"]
    scales: Float[Array, "*K B"]
    location: Float[Array, "*K B"]
    location_variance: Float[Array, "*K B"]
    residual: Float[Array, "*K B N"]
    log_evidence: Float[Array, "*K B"]


class ConditionedPrior(Posterior):
    """A prior conditioned on trials: a mixture over `J` = scales x noise factors.

    Components are ordered noise factor first, then scale. Within one noise factor all scales share
    a single Cholesky factor, since the scale multiplies the whole covariance; not so where the
    trials' own variances are given, which it does not multiply.

    Attributes:
        prior: The prior that was conditioned.
        hierarchy: Beliefs about location, scale and noise.
        embedded: Embedded inputs of the trials, padded.
        values: Their objective values, padded.
        given_variance: Their own variances, padded with zero; None where none are given.
        count: Number of real trials; they come first.
        factors: Cholesky factors of covariance plus noise in the prior's own scale: one per noise
            factor, or one per component where variances are given.
        log_evidence: Log probability of the trials under the mixture, in nats.
        log_weight: Posterior log weight of each component.
        fits: What the trials say of the location, per factor and scale.
    """

    prior: Prior
    hierarchy: Hierarchy
    embedded: Float[Array, "N F"]
    values: Float[Array, " N"]
    given_variance: Float[Array, " N"] | None
    count: Int[Array, ""]
    factors: Float[Array, "K N N"]
    log_evidence: Float[Array, ""]
    log_weight: Float[Array, " J"]
    fits: _LocationFit

    def marginals(self, inputs: Float[Array, "Q D"]) -> Marginals:
        """Marginal beliefs of every component at `Q` points."""
        embedded = self.prior.embed(inputs)
        cross = self.prior.covariance(self.embedded, embedded)
        cross = jnp.where(self.mask[:, None], cross, 0.0)
        prior_mean = self.prior.mean(embedded)
        prior_variance = self.prior.variance(embedded)
        predict = functools.partial(_predict, prior_mean, prior_variance, cross)
        mean, variance = each_in_turn(predict, self.factors, self.fits)
        shape = (-1, inputs.shape[0])
        stddev = jnp.sqrt(jnp.maximum(variance.reshape(shape), 1e-14))
        return Marginals(mean.reshape(shape), stddev, self.log_weight)

    def sample(
        self, key: Key, inputs: Float[Array, "Q D"], count: int
    ) -> Float[Array, "{count} Q"]:
        """Draw functions jointly at `Q` points, each from a component drawn by weight."""
        key_component, key_normals, key_location = jr.split(key, 3)
        embedded = self.prior.embed(inputs)
        cross = jnp.where(self.mask[:, None], self.prior.covariance(self.embedded, embedded), 0.0)
        covariance = self.prior.covariance(embedded, embedded)
        prior_mean = self.prior.mean(embedded)
        normals = jr.normal(key_normals, (count, inputs.shape[0]))
        location_normals = jr.normal(key_location, (count,))

        def at_factor(factor: Array, fit: _LocationFit) -> Float[Array, "B S Q"]:
            # g given the trials at scale one, then shifted and scaled by each component.
            solved = solve_lower(factor, cross)
            draws = sample_gaussian(
                normals, jnp.zeros_like(prior_mean), covariance - solved.T @ solved
            )
            slope = 1.0 - solved.T @ fit.ones
            mean = (
                fit.location[:, None]
                + fit.scales[:, None] * prior_mean[None, :]
                + fit.residual @ solved
            )
            shift = jnp.sqrt(fit.location_variance)[:, None, None] * (
                location_normals[None, :, None] * slope[None, None, :]
            )
            return mean[:, None, :] + fit.scales[:, None, None] * draws[None, :, :] + shift

        draws = each_in_turn(at_factor, self.factors, self.fits)
        draws = draws.reshape(-1, count, inputs.shape[0])
        chosen = jr.categorical(key_component, self.log_weight, shape=(count,))
        return draws[chosen, jnp.arange(count)]

    def fantasise(
        self, inputs: Float[Array, "B D"], values: Float[Array, " B"]
    ) -> "ConditionedPrior":
        """Condition on further values in O(N^2) each; weights and log evidence stay.

        They have no given variance. Raises nothing: the caller leaves as many padded rows as there
        are fantasies.
        """
        grown = jax.lax.scan(_append, self, (inputs, values))[0]
        fits = _fit_locations(grown.prior, grown.hierarchy, grown.seen, grown.factors)
        return eqx.tree_at(lambda posterior: posterior.fits, grown, fits)

    def log_evidence_under(self, hierarchy: Hierarchy) -> Float[Array, ""]:
        """Log evidence had location and scale been believed otherwise; the noise grid stays."""
        believed = eqx.tree_at(
            lambda h: (h.noise_factors, h.log_noise_weight),
            hierarchy,
            (self.hierarchy.noise_factors, self.hierarchy.log_noise_weight),
        )
        factors = self.factors
        if self.given_variance is not None:
            # These factors hold the given variances relative to the scales believed before.
            factors = _factorise(robust_cholesky, self.prior, believed, self.seen)
        fits = _fit_locations(self.prior, believed, self.seen, factors)
        return jax.scipy.special.logsumexp(_log_joint(fits, believed))

    @property
    def seen(self) -> _Seen:
        """The trials and fantasies."""
        return _Seen(self.embedded, self.values, self.mask, self.given_variance)

    @property
    def mask(self) -> Bool[Array, " N"]:
        """True where an entry is a real trial or a fantasy."""
        return jnp.arange(self.values.shape[0]) < self.count


def log_evidence(prior: Prior, hierarchy: Hierarchy, trials: Trials) -> Float[Array, ""]:
    """Log probability of the trials under the mixture, in nats; differentiable in the prior."""
    seen = _see(prior, trials)
    factors = _factorise(masked_cholesky, prior, hierarchy, seen)
    fits = _fit_locations(prior, hierarchy, seen, factors)
    return jax.scipy.special.logsumexp(_log_joint(fits, hierarchy))


def condition(prior: Prior, hierarchy: Hierarchy, trials: Trials) -> ConditionedPrior:
    """Condition a prior on a task's trials.

    Args:
        prior: What is believed before the first trial.
        hierarchy: What is believed of the task's location, scale and noise;
            `Hierarchy.fixed()` gives the plain Gaussian-process posterior.
        trials: The trials, padded; leave room for as many fantasies as will be added.

    Returns:
        The posterior, with its log evidence.
    """
    seen = _see(prior, trials)
    factors = _factorise(robust_cholesky, prior, hierarchy, seen)
    fits = _fit_locations(prior, hierarchy, seen, factors)
    log_joint = _log_joint(fits, hierarchy)
    total = jax.scipy.special.logsumexp(log_joint)
    return ConditionedPrior(
        prior=prior,
        hierarchy=hierarchy,
        embedded=seen.embedded,
        values=seen.values,
        given_variance=seen.given_variance,
        count=jnp.sum(seen.mask, dtype=jnp.int32),
        factors=factors,
        log_evidence=total,
        log_weight=log_joint - total,
        fits=fits,
    )


def _see(prior: Prior, trials: Trials) -> _Seen:
    given = trials.given_variance
    return _Seen(
        prior.embed(jnp.asarray(trials.inputs)),
        jnp.asarray(trials.values),
        jnp.asarray(trials.mask),
        None if given is None else jnp.asarray(given),
    )


def _factorise(
    cholesky: Callable[[Array, Array, Array], Array],
    prior: Prior,
    hierarchy: Hierarchy,
    seen: _Seen,
) -> Float[Array, "K N N"]:
    """Factors of covariance plus noise, in the prior's own scale."""
    covariance = prior.covariance(seen.embedded, seen.embedded)
    noises = prior.noise_variance * hierarchy.noise_factors
    if seen.given_variance is not None:
        relative = seen.given_variance[None, :] / jnp.square(hierarchy.scales)[:, None]
        relative = jnp.minimum(relative, _LARGEST_RELATIVE_VARIANCE)
        noises = (noises[:, None, None] + relative[None, :, :]).reshape(-1, relative.shape[1])
    return each_in_turn(lambda noise: cholesky(covariance, noise, seen.mask), noises)


def _log_joint(fits: _LocationFit, hierarchy: Hierarchy) -> Float[Array, " J"]:
    weight = hierarchy.log_scale_weight[None, :] + hierarchy.log_noise_weight[:, None]
    return fits.log_evidence.reshape(-1) + weight.reshape(-1)


def _append(
    posterior: ConditionedPrior, trial: tuple[Float[Array, " D"], Float[Array, ""]]
) -> tuple[ConditionedPrior, None]:
    """Grow the Cholesky factors by one trial, as one step of a scan."""
    point, value = trial
    prior, position = posterior.prior, posterior.count
    embedded = prior.embed(point[None, :])
    column = prior.covariance(posterior.embedded, embedded)[:, 0]
    column = jnp.where(posterior.mask, column, 0.0)
    noises = prior.noise_variance * posterior.hierarchy.noise_factors
    noises = jnp.repeat(noises, posterior.factors.shape[0] // noises.shape[0])
    variances = prior.variance(embedded)[0] + noises
    grow = functools.partial(append_row, column=column, position=position)
    grown = eqx.tree_at(
        lambda p: (p.embedded, p.values, p.count, p.factors),
        posterior,
        (
            posterior.embedded.at[position].set(embedded[0]),
            posterior.values.at[position].set(value),
            position + 1,
            each_in_turn(
                lambda factor, variance: grow(factor, variance=variance),
                posterior.factors,
                variances,
            ),
        ),
    )
    return grown, None


def _fit_locations(
    prior: Prior, hierarchy: Hierarchy, seen: _Seen, factors: Float[Array, "K N N"]
) -> _LocationFit:
    # A factor serves all scales, or, where variances are given, one.
    noises = hierarchy.noise_factors.shape[0]
    scales = jnp.broadcast_to(hierarchy.scales, (noises, *hierarchy.scales.shape))
    if seen.given_variance is not None:
        scales = scales.reshape(-1, 1)
    fit = functools.partial(_fit_location, prior.mean(seen.embedded), seen, hierarchy)
    return each_in_turn(fit, scales, factors)


def _fit_location(
    prior_mean: Float[Array, " N"],
    seen: _Seen,
    hierarchy: Hierarchy,
    scales: Float[Array, " B"],
    factor: Float[Array, "N N"],
) -> _LocationFit:
    """Generalised least squares for the location, all quantities whitened by the factor."""
    mask, variance = seen.mask, jnp.square(hierarchy.location_stddev)
    ones = solve_lower(factor, mask.astype(seen.values.dtype))
    mean = solve_lower(factor, jnp.where(mask, prior_mean, 0.0))
    data = solve_lower(factor, jnp.where(mask, seen.values, 0.0))
    # 1. Residual about the expected location, one row per scale.
    residual = data[None, :] - scales[:, None] * mean[None, :]
    residual = residual - hierarchy.location_mean * ones[None, :]
    # 2. The location's posterior; dividing by `total` rather than by `variance` allows zero.
    total = jnp.square(scales) + variance * jnp.dot(ones, ones)
    shift = variance * (residual @ ones) / total
    location_variance = variance * jnp.square(scales) / total
    # 3. Log evidence by the matrix determinant lemma and the Woodbury identity.
    count = jnp.sum(mask)
    quadratic = jnp.sum(jnp.square(residual), axis=1) - shift * (residual @ ones)
    log_det = (count - 1) * jnp.log(jnp.square(scales)) + jnp.log(total) + log_determinant(factor)
    log_evidence = -0.5 * (quadratic / jnp.square(scales) + log_det + count * jnp.log(2.0 * jnp.pi))
    return _LocationFit(
        ones,
        scales,
        hierarchy.location_mean + shift,
        location_variance,
        residual - shift[:, None] * ones[None, :],
        log_evidence,
    )


def _predict(
    prior_mean: Float[Array, " Q"],
    prior_variance: Float[Array, " Q"],
    cross: Float[Array, "N Q"],
    factor: Float[Array, "N N"],
    fit: _LocationFit,
) -> tuple[Float[Array, "B Q"], Float[Array, "B Q"]]:
    """Mean and variance at the scales that share a factor."""
    solved = solve_lower(factor, cross)
    mean = fit.location[:, None] + fit.scales[:, None] * prior_mean[None, :] + fit.residual @ solved
    explained = prior_variance - jnp.sum(jnp.square(solved), axis=0)
    slope = jnp.square(1.0 - solved.T @ fit.ones)
    variance = (
        jnp.square(fit.scales)[:, None] * explained[None, :]
        + fit.location_variance[:, None] * slope[None, :]
    )
    return mean, variance
