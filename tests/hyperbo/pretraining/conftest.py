"""Tasks drawn from a known Gaussian process, for pre-training to find again."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gpjax.kernels import Matern52
from gpjax.mean_functions import Constant
from gpjax.parameters import PositiveReal, Real
from jax.flatten_util import ravel_pytree

from hyperbo.linalg import JITTER
from hyperbo.pretraining import Objective
from hyperbo.surrogates import GaussianProcessPrior, MatrixDistances
from hyperbo.tasks import MatchedTasks, TaskBatch

Evaluate = Callable[[Objective, Any, jax.Array], tuple[float, np.ndarray]]
Moments = Callable[[GaussianProcessPrior, np.ndarray], tuple[np.ndarray, np.ndarray]]


@pytest.fixture
def truth() -> GaussianProcessPrior:
    """A Matern-5/2 process with a constant mean: lengthscales 0.3 and 0.8, variance 1.5."""
    kernel = Matern52(
        lengthscale=jnp.asarray([0.3, 0.8]), variance=1.5, compute_engine=MatrixDistances()
    )
    constant = Constant(Real(jnp.asarray(0.7)))
    return GaussianProcessPrior(constant, kernel, PositiveReal(jnp.asarray(0.02)))


@pytest.fixture
def moments() -> Moments:
    """Mean and covariance of a prior's noisy values, computed densely, the jitter included."""

    def dense(prior: GaussianProcessPrior, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        embedded = prior.embed(jnp.asarray(inputs))
        noise = (float(prior.noise_variance) + JITTER) * np.eye(len(inputs))
        covariance = np.asarray(prior.covariance(embedded, embedded)) + noise
        return np.asarray(prior.mean(embedded)), covariance

    return dense


@pytest.fixture
def draw_batch(
    truth: GaussianProcessPrior, moments: Moments
) -> Callable[[int, int, int], TaskBatch]:
    """Draws tasks from the truth, each at points of its own; takes seed, tasks and points."""

    def draw(seed: int, tasks: int, points: int) -> TaskBatch:
        random = np.random.default_rng(seed)
        inputs = random.uniform(size=(tasks, points, 2))
        values = [random.multivariate_normal(*moments(truth, own)) for own in inputs]
        mask = np.ones((tasks, points), dtype=bool)
        return TaskBatch(inputs, np.stack(values), mask, _names(tasks))

    return draw


@pytest.fixture
def draw_matched(
    truth: GaussianProcessPrior, moments: Moments
) -> Callable[[int, int, int], MatchedTasks]:
    """Draws tasks from the truth at shared points; takes seed, tasks and points."""

    def draw(seed: int, tasks: int, points: int) -> MatchedTasks:
        random = np.random.default_rng(seed)
        inputs = random.uniform(size=(points, 2))
        values = random.multivariate_normal(*moments(truth, inputs), size=tasks)
        return MatchedTasks(inputs, values, _names(tasks))

    return draw


@pytest.fixture
def evaluate() -> Evaluate:
    """Takes an objective, a prior and a key to the loss and its gradient, as one vector."""

    def loss_and_slope(
        objective: Objective, prior: Any, key: jax.Array
    ) -> tuple[float, np.ndarray]:
        loss, slope = _compiled(prior, objective, key)
        return float(loss), np.asarray(ravel_pytree(slope)[0])

    return loss_and_slope


@eqx.filter_jit
@eqx.filter_value_and_grad
def _compiled(prior: Any, objective: Objective, key: jax.Array) -> jax.Array:
    return objective(prior, key)


def _names(count: int) -> tuple[str, ...]:
    return tuple(f"task-{index}" for index in range(count))
