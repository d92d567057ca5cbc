"""Adam's schedules, and L-BFGS against scipy's."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from scipy.optimize import minimize

from hyperbo.pretraining import (
    LBFGS,
    Adam,
    ConstantRate,
    CosineDecay,
    LikelihoodObjective,
    Stop,
    fit,
)
from hyperbo.surrogates.presets import matern_prior
from hyperbo.tasks import TaskBatch

Evaluate = Callable[..., tuple[float, np.ndarray]]


def test_cosine_rises_to_its_peak_and_falls() -> None:
    """A hundredth of the peak at first, the peak after warm-up, half way half, the final share."""
    rate = CosineDecay(peak=0.2, warmup=0.1, final=0.0).over(1_000)
    np.testing.assert_allclose(rate(0), 0.002, rtol=1e-6)
    np.testing.assert_allclose(rate(100), 0.2, rtol=1e-6)
    np.testing.assert_allclose(rate(550), 0.1, rtol=1e-6)
    np.testing.assert_allclose(rate(1_000), 0.0, atol=1e-9)


def test_a_run_of_one_step_has_a_rate() -> None:
    """Schedules do not break down where there is nothing to decay over."""
    assert np.isfinite(CosineDecay().over(1)(0))
    assert ConstantRate(0.3).over(1)(0) == 0.3


def test_first_step_of_adam_is_its_rate(key: jax.Array) -> None:
    """Adam's first step is the learning rate against the gradient's sign, whatever its size."""
    for scale in (1e-3, 1e3):
        fitted = fit(key, Point(jnp.asarray([2.0, -3.0])), Bowl(scale), method=_one_step())
        np.testing.assert_allclose(fitted.prior.place, [1.9, -2.9], rtol=1e-5)


def _one_step() -> Adam:
    return Adam(steps=1, schedule=ConstantRate(0.1))


class Point(eqx.Module):
    """A model that is nothing but a place."""

    place: jax.Array


class Bowl(eqx.Module):
    """A parabola about zero."""

    scale: float

    def __call__(self, prior: Point, key: jax.Array) -> jax.Array:  # noqa: ARG002
        """Half the squared distance, times the scale."""
        return 0.5 * self.scale * jnp.sum(jnp.square(prior.place))


def test_lbfgs_ends_where_scipys_does(
    draw_batch: Callable[[int, int, int], TaskBatch], evaluate: Evaluate, key: jax.Array
) -> None:
    """On a real likelihood, both find one minimum and report that it is one."""
    prior: Any = matern_prior(2, noise=0.1)
    objective = LikelihoodObjective(draw_batch(0, 10, 15))
    flat, unravel = ravel_pytree(eqx.filter(prior, eqx.is_inexact_array))
    static = eqx.filter(prior, eqx.is_inexact_array, inverse=True)
    oracle = minimize(
        lambda vector: evaluate(objective, eqx.combine(unravel(jnp.asarray(vector)), static), key),
        np.asarray(flat),
        jac=True,
        method="L-BFGS-B",
    )

    fitted = fit(key, prior, objective, method=LBFGS(loss_tolerance=1e-12))

    assert fitted.stopped_because is Stop.CONVERGED
    np.testing.assert_allclose(fitted.losses[-1], oracle.fun, rtol=1e-7)
    got, _ = ravel_pytree(eqx.filter(fitted.prior, eqx.is_inexact_array))
    np.testing.assert_allclose(got, oracle.x, atol=1e-2)


def test_lbfgs_never_climbs(
    draw_batch: Callable[[int, int, int], TaskBatch], key: jax.Array
) -> None:
    """On its one minibatch, every step lowers the loss."""
    objective = LikelihoodObjective(draw_batch(1, 10, 15), 8)
    losses = fit(key, matern_prior(2), objective, method=LBFGS(steps=15)).losses
    assert (np.diff(losses) < 0.0).all()
