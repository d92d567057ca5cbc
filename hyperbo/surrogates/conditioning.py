"""Exact conditioning of a prior on one task's trials, its location, scale and noise integrated out.

The objective of a new task is taken to be `a + b g(x)`, where `g` is drawn from the prior; `a`
(location) and `b` (scale) are the task's own and unknown, and so is its noise. The location is
integrated in closed form, scale and noise over a small grid, so that the posterior is a mixture.
"""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Bool, Float, Int

from hyperbo.arrays import Array, Key
from hyperbo.linalg import (
    append_row,
    log_determinant,
    masked_cholesky,
    robust_cholesky,
    sample_gaussian,
    solve_lower,
)
from hyperbo.surrogates.base import Marginals, Posterior, Prior


class Hierarchy(eqx.Module):
    """Beliefs about a new task's location, scale and noise, relative to the prior's own.

    Attributes:
        location_mean: Mean of the location `a`, in the objective's unit.
        location_stddev: Its standard deviation; zero fixes the location.
        scales: Grid of scales `b`, positive.
        log_scale_weight: Log probability of each scale.
        noise_factors: Grid of factors on the prior's noise variance.
        log_noise_weight: Log probability of each factor.
    """

    location_mean: Float[Array, ""]
    location_stddev: Float[Array, ""]
    scales: Float[Array, " B"]
    log_scale_weight: Float[Array, " B"]
    noise_factors: Float[Array, " Z"]
    log_noise_weight: Float[Array, " Z"]

    @classmethod
    def fixed(cls) -> "Hierarchy":
        """Take the prior as it is: no shift, scale one, noise as learned."""
        one, zero = jnp.ones(1), jnp.zeros(1)
        return cls(jnp.zeros(()), jnp.zeros(()), one, zero, one, zero)

    @classmethod
    def normal(
        cls,
        location: tuple[float, float],
        log_scale: tuple[float, float],
        noise_factors: tuple[float, ...] = (0.1, 0.3, 1.0, 3.0, 10.0),
        nodes: int = 9,
    ) -> "Hierarchy":
        """Normal location and log scale, given as (mean, stddev); uniform over noise factors."""
        quantiles = np.linspace(-2.4, 2.4, nodes)
        weight = -0.5 * quantiles**2
        weight -= np.log(np.sum(np.exp(weight)))
        return cls(
            jnp.asarray(location[0], dtype=float),
            jnp.asarray(location[1], dtype=float),
            jnp.asarray(np.exp(log_scale[0] + log_scale[1] * quantiles)),
            jnp.asarray(weight),
            jnp.asarray(noise_factors, dtype=float),
            jnp.full(len(noise_factors), -np.log(len(noise_factors))),
        )


class Trials(eqx.Module):
    """Finished trials of one task, padded.

    Attributes:
        inputs: Points of the unit cube, padded with 0.5.
        values: Objective, maximised, padded with zero.
        mask: True where a trial is real; real trials come first.
    """

    inputs: Float[Array, "N D"] | Float[np.ndarray, "N D"]
    values: Float[Array, " N"] | Float[np.ndarray, " N"]
    mask: Bool[Array, " N"] | Bool[np.ndarray, " N"]


class _LocationFit(eqx.Module):
    """What the trials say of the location, for each of `B` scales; a leading axis per noise."""

    ones: Float[Array, "*Z N"]
    scales: Float[Array, "*Z B"]
    location: Float[Array, "*Z B"]
    location_variance: Float[Array, "*Z B"]
    residual: Float[Array, "*Z B N"]
    log_evidence: Float[Array, "*Z B"]


class ConditionedPrior(Posterior):
    """A prior conditioned on trials: a mixture over `J` = scales x noise factors.

    Components are ordered noise factor first, then scale. Within one noise factor all scales share
    a single Cholesky factor, since the scale multiplies the whole covariance.

    Attributes:
        prior: The prior that was conditioned.
        hierarchy: Beliefs about location, scale and noise.
        embedded: Embedded inputs of the trials, padded.
        values: Their objective values, padded.
        count: Number of real trials; they come first.
        factors: Cholesky factors of covariance plus noise, one per noise factor, in the prior's
            own scale.
        log_evidence: Log probability of the trials under the mixture, in nats.
        log_weight: Posterior log weight of each component.
        fits: What the trials say of the location, per noise factor and scale.
    """

    prior: Prior
    hierarchy: Hierarchy
    embedded: Float[Array, "N F"]
    values: Float[Array, " N"]
    count: Int[Array, ""]
    factors: Float[Array, "Z N N"]
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
        mean, variance = jax.vmap(predict)(self.factors, self.fits)
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

        def at_noise(factor: Array, fit: _LocationFit) -> Float[Array, "B S Q"]:
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

        draws = jax.vmap(at_noise)(self.factors, self.fits)
        draws = draws.reshape(-1, count, inputs.shape[0])
        chosen = jr.categorical(key_component, self.log_weight, shape=(count,))
        return draws[chosen, jnp.arange(count)]

    def fantasise(
        self, inputs: Float[Array, "B D"], values: Float[Array, " B"]
    ) -> "ConditionedPrior":
        """Condition on further values in O(N^2) each; weights and log evidence stay.

        Raises nothing: the caller leaves as many padded rows as there are fantasies.
        """
        grown = jax.lax.scan(_append, self, (inputs, values))[0]
        fits = _fit_locations(
            grown.prior.mean(grown.embedded),
            grown.values,
            grown.mask,
            self.hierarchy,
            grown.factors,
        )
        return eqx.tree_at(lambda posterior: posterior.fits, grown, fits)

    def log_evidence_under(self, hierarchy: Hierarchy) -> Float[Array, ""]:
        """Log evidence had location and scale been believed otherwise; the noise grid stays."""
        fits = _fit_locations(
            self.prior.mean(self.embedded), self.values, self.mask, hierarchy, self.factors
        )
        weight = hierarchy.log_scale_weight[None, :] + self.hierarchy.log_noise_weight[:, None]
        return jax.scipy.special.logsumexp(fits.log_evidence + weight)

    @property
    def mask(self) -> Bool[Array, " N"]:
        """True where an entry is a real trial or a fantasy."""
        return jnp.arange(self.values.shape[0]) < self.count


def log_evidence(prior: Prior, hierarchy: Hierarchy, trials: Trials) -> Float[Array, ""]:
    """Log probability of the trials under the mixture, in nats; differentiable in the prior."""
    inputs, mask = jnp.asarray(trials.inputs), jnp.asarray(trials.mask)
    embedded = prior.embed(inputs)
    covariance = prior.covariance(embedded, embedded)
    noises = prior.noise_variance * hierarchy.noise_factors
    factors = jax.vmap(lambda noise: masked_cholesky(covariance, noise, mask))(noises)
    fits = _fit_locations(
        prior.mean(embedded), jnp.asarray(trials.values), mask, hierarchy, factors
    )
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
    inputs, values, mask = (
        jnp.asarray(leaf) for leaf in (trials.inputs, trials.values, trials.mask)
    )
    embedded = prior.embed(inputs)
    covariance = prior.covariance(embedded, embedded)
    noises = prior.noise_variance * hierarchy.noise_factors
    factors = jax.vmap(lambda noise: robust_cholesky(covariance, noise, mask))(noises)
    fits = _fit_locations(prior.mean(embedded), values, mask, hierarchy, factors)
    log_joint = _log_joint(fits, hierarchy)
    total = jax.scipy.special.logsumexp(log_joint)
    count = jnp.sum(mask, dtype=jnp.int32)
    return ConditionedPrior(
        prior, hierarchy, embedded, values, count, factors, total, log_joint - total, fits
    )


def _log_joint(fits: _LocationFit, hierarchy: Hierarchy) -> Float[Array, " J"]:
    weight = hierarchy.log_scale_weight[None, :] + hierarchy.log_noise_weight[:, None]
    return (fits.log_evidence + weight).reshape(-1)


def _append(
    posterior: ConditionedPrior, trial: tuple[Float[Array, " D"], Float[Array, ""]]
) -> tuple[ConditionedPrior, None]:
    """Grow the Cholesky factors by one trial, as one step of a scan."""
    point, value = trial
    prior, position = posterior.prior, posterior.count
    embedded = prior.embed(point[None, :])
    column = prior.covariance(posterior.embedded, embedded)[:, 0]
    column = jnp.where(posterior.mask, column, 0.0)
    variances = prior.variance(embedded)[0] + prior.noise_variance * (
        posterior.hierarchy.noise_factors
    )
    grow = functools.partial(append_row, column=column, position=position)
    grown = eqx.tree_at(
        lambda p: (p.embedded, p.values, p.count, p.factors),
        posterior,
        (
            posterior.embedded.at[position].set(embedded[0]),
            posterior.values.at[position].set(value),
            position + 1,
            jax.vmap(lambda factor, variance: grow(factor, variance=variance))(
                posterior.factors, variances
            ),
        ),
    )
    return grown, None


def _fit_locations(
    prior_mean: Float[Array, " N"],
    values: Float[Array, " N"],
    mask: Bool[Array, " N"],
    hierarchy: Hierarchy,
    factors: Float[Array, "Z N N"],
) -> _LocationFit:
    fit = functools.partial(_fit_location, prior_mean, values, mask, hierarchy)
    return jax.vmap(fit)(factors)


def _fit_location(
    prior_mean: Float[Array, " N"],
    values: Float[Array, " N"],
    mask: Bool[Array, " N"],
    hierarchy: Hierarchy,
    factor: Float[Array, "N N"],
) -> _LocationFit:
    """Generalised least squares for the location, all quantities whitened by the factor."""
    ones = solve_lower(factor, mask.astype(values.dtype))
    mean = solve_lower(factor, jnp.where(mask, prior_mean, 0.0))
    data = solve_lower(factor, jnp.where(mask, values, 0.0))
    scales, variance = hierarchy.scales, jnp.square(hierarchy.location_stddev)
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
    """Mean and variance at one noise factor, for each scale."""
    solved = solve_lower(factor, cross)
    mean = fit.location[:, None] + fit.scales[:, None] * prior_mean[None, :] + fit.residual @ solved
    explained = prior_variance - jnp.sum(jnp.square(solved), axis=0)
    slope = jnp.square(1.0 - solved.T @ fit.ones)
    variance = (
        jnp.square(fit.scales)[:, None] * explained[None, :]
        + fit.location_variance[:, None] * slope[None, :]
    )
    return mean, variance
