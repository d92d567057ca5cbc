"""Pre-training of the empirical prior: smooth every task, take moments, and set the residual."""

from collections.abc import Callable
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from gpjax.kernels import Matern52
from gpjax.kernels.stationary.base import StationaryKernel
from gpjax.parameters import PositiveReal, val
from jaxtyping import Bool, Float

from hyperbo.arrays import Array, Key
from hyperbo.linalg import JITTER, robust_cholesky, solve_lower, solve_upper
from hyperbo.pretraining.fit import Progress, fit
from hyperbo.pretraining.leave_one_out import LeaveOneTaskOutObjective
from hyperbo.pretraining.likelihood import LikelihoodObjective
from hyperbo.pretraining.methods import LBFGS
from hyperbo.pretraining.minibatches import draw_minibatch
from hyperbo.pretraining.standardise import Standardised
from hyperbo.surrogates import EmpiricalPrior, Expert, MatrixDistances
from hyperbo.surrogates.kernels import cross_covariance
from hyperbo.surrogates.presets import matern_prior
from hyperbo.tasks import TaskBatch

Report = Callable[[str, Progress], None]


@dataclass(frozen=True)
class EmpiricalSettings:
    """How an empirical prior is pre-trained; the defaults are those of docs/decisions.

    Attributes:
        smoothing_points: Points a task from which the smoothing kernel is learned.
        inducing_points: Points through which every task's function passes.
        residual_points: Points a task on which leave-one-out likelihood is taken.
        steps: L-BFGS steps of either fit, at most.
        strength_spread: How far a task may adapt the log strength of the other tasks' moments.
        residual_spread: Likewise for the log variance of the residual.
        lengthscale_spread: Likewise for each log lengthscale of the residual.
        noise_spread: Likewise for the log noise variance.
    """

    smoothing_points: int = 200
    inducing_points: int = 384
    residual_points: int = 160
    steps: int = 40
    strength_spread: float = 0.5
    residual_spread: float = 0.7
    lengthscale_spread: float = 0.5
    noise_spread: float = 1.0


def pretrain_empirical(
    key: Key,
    tasks: Standardised,
    settings: EmpiricalSettings | None = None,
    *,
    report: Report | None = None,
) -> Expert:
    """Pre-train the default prior from other tasks' results.

    Args:
        key: Which points are looked at, and which induce.
        tasks: The tasks, standardised.
        settings: How; the defaults if None.
        report: Told the stage and the progress in it, if given.

    Returns:
        The prior, with how far a new task may depart from it.
    """
    settings = EmpiricalSettings() if settings is None else settings
    key_smooth, key_inducing, key_residual, key_fit = jr.split(key, 4)
    batch = tasks.batch
    kernel, noise = _fit_smoothing(key_smooth, batch, settings, report)
    inducing = choose_inducing(key_inducing, batch, settings.inducing_points)
    weights = smooth_tasks(kernel, noise, inducing, batch)
    prior = _take_moments(kernel, noise, inducing, weights)
    objective = _leave_one_out(key_residual, batch, settings.residual_points)
    fitted = fit(
        key_fit,
        prior,
        objective,
        method=LBFGS(settings.steps, loss_tolerance=1e-5),
        trainable=lambda p: (p.strength, p.residual.lengthscale, p.residual.variance, p.noise),
        chunk=5,
        on_progress=None if report is None else lambda p: report("residual", p),
    )
    dimension = inducing.shape[1]
    spread = np.concatenate(
        [
            [settings.strength_spread, settings.residual_spread],
            np.full(dimension, settings.lengthscale_spread),
            [settings.noise_spread],
        ]
    )
    return Expert(fitted.prior, tasks.hierarchy(), jnp.asarray(spread))


def choose_inducing(key: Key, batch: TaskBatch, count: int) -> Float[Array, "P D"]:
    """Draw at most `count` different points from all that the tasks evaluated."""
    points = np.unique(np.asarray(batch.inputs)[np.asarray(batch.mask)], axis=0)
    rows = jr.permutation(key, points.shape[0])[:count]
    return jnp.asarray(points)[rows]


@eqx.filter_jit
def smooth_tasks(
    kernel: StationaryKernel,
    noise: Float[Array, ""],
    inducing: Float[Array, "P D"],
    batch: TaskBatch,
) -> Float[Array, "M P"]:
    """Weights on `k(x, inducing)` of every task's posterior mean through the inducing points.

    The sparse posterior of Titsias (2009) with the given kernel and noise; one small
    factorisation a task, whatever its number of points. Padded entries change nothing.
    """
    everything = jnp.ones(inducing.shape[0], dtype=bool)
    factor = robust_cholesky(
        cross_covariance(kernel, inducing, inducing), jnp.zeros(()), everything
    )

    def smooth(
        inputs: Float[Array, "N D"], values: Float[Array, " N"], mask: Bool[Array, " N"]
    ) -> Float[Array, " P"]:
        cross = cross_covariance(kernel, inducing, inputs)
        whitened = jnp.where(mask[None, :], solve_lower(factor, cross), 0.0)
        precision = whitened @ whitened.T / noise
        inner = robust_cholesky(precision, jnp.ones(()) - JITTER, everything)
        right = whitened @ jnp.where(mask, values, 0.0) / noise
        return solve_upper(factor, solve_upper(inner, solve_lower(inner, right)))

    # One task after the other: side by side their cross-covariances would fill the memory.
    leaves = (jnp.asarray(batch.inputs), jnp.asarray(batch.values), jnp.asarray(batch.mask))
    return jax.lax.map(lambda task: smooth(*task), leaves)


def _fit_smoothing(
    key: Key, batch: TaskBatch, settings: EmpiricalSettings, report: Report | None
) -> tuple[StationaryKernel, Float[Array, ""]]:
    """The kernel and noise that explain all tasks best, each drawn independently from it."""
    objective = LikelihoodObjective(batch, settings.smoothing_points)
    fitted = fit(
        key,
        matern_prior(np.asarray(batch.inputs).shape[2], noise=0.1),
        objective,
        method=LBFGS(settings.steps, loss_tolerance=1e-5),
        chunk=5,
        on_progress=None if report is None else lambda p: report("smoothing", p),
    )
    return fitted.prior.kernel, fitted.prior.noise_variance


def _take_moments(
    kernel: StationaryKernel,
    noise: Float[Array, ""],
    inducing: Float[Array, "P D"],
    weights: Float[Array, "M P"],
) -> EmpiricalPrior:
    count = weights.shape[0]
    average = jnp.mean(weights, axis=0)
    deviations = (weights - average[None, :]).T / jnp.sqrt(count - 1.0)
    return EmpiricalPrior(
        kernel=kernel,
        inducing=inducing,
        mean_weights=average,
        mean_constant=jnp.zeros(()),
        deviation_weights=deviations,
        deviation_constants=jnp.zeros(count),
        strength=PositiveReal(jnp.ones(())),
        residual=Matern52(
            lengthscale=jnp.asarray(0.7), variance=0.1, compute_engine=MatrixDistances()
        ),
        noise=PositiveReal(val(noise)),
    )


def _leave_one_out(key: Key, batch: TaskBatch, points: int) -> LeaveOneTaskOutObjective:
    leaves = (jnp.asarray(batch.inputs), jnp.asarray(batch.values), jnp.asarray(batch.mask))
    return LeaveOneTaskOutObjective(*draw_minibatch(key, *leaves, min(points, leaves[1].shape[1])))
