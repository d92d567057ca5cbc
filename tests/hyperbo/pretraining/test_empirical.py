"""The empirical prior: its moments, its leave-one-out downdates, its padding."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from gpjax.kernels import Matern52
from gpjax.parameters import val
from scipy.stats import multivariate_normal

from hyperbo.errors import TaskError
from hyperbo.linalg import JITTER
from hyperbo.pretraining import (
    EmpiricalSettings,
    LeaveOneTaskOutObjective,
    pretrain_empirical,
    standardise,
)
from hyperbo.pretraining.empirical import smooth_tasks
from hyperbo.surrogates import EmpiricalPrior, MatrixDistances
from hyperbo.surrogates.kernels import cross_covariance
from hyperbo.tasks import Task, pad

POINTS = np.random.default_rng(0).random((30, 2))


def smooth_functions(tasks: int) -> list[Task]:
    """Tasks that are random mixtures of two smooth functions and a common one."""
    rng = np.random.default_rng(1)
    common = np.sin(4.0 * POINTS[:, 0])
    made = []
    for number in range(tasks):
        first, second = rng.normal(size=2)
        values = common + 0.5 * first * POINTS[:, 1] + 0.3 * second * np.cos(5.0 * POINTS[:, 0])
        made.append(Task(f"task {number}", POINTS, values))
    return made


@pytest.fixture(scope="module")
def prior() -> EmpiricalPrior:
    """The prior of six tasks, few steps."""
    settings = EmpiricalSettings(
        smoothing_points=20, inducing_points=30, residual_points=20, steps=10
    )
    return pretrain_empirical(jr.key(0), standardise(smooth_functions(6)), settings).prior


def test_moments_are_those_of_the_smoothed_tasks(prior: EmpiricalPrior) -> None:
    """Mean and covariance equal the sample moments of the tasks' functions plus the residual."""
    tasks = standardise(smooth_functions(6))
    embedded = prior.embed(jnp.asarray(POINTS[:7]))
    deviations = embedded[:, 2:-1] / jnp.sqrt(val(prior.strength))
    functions = prior.mean(embedded)[:, None] + deviations * jnp.sqrt(5.0)
    lengths = embedded[:, :2]
    wanted = val(prior.strength) * np.cov(np.asarray(functions)) + cross_covariance(
        prior.residual, lengths, lengths
    )
    np.testing.assert_allclose(prior.covariance(embedded, embedded), wanted, rtol=1e-8)
    np.testing.assert_allclose(functions.mean(axis=1), prior.mean(embedded), rtol=1e-10)
    # The tasks are smooth and barely noisy, so their functions pass close by the data.
    np.testing.assert_allclose(functions.T, np.asarray(tasks.batch.values)[:, :7], atol=0.1)


def test_leave_one_out_equals_moments_without_the_task(prior: EmpiricalPrior) -> None:
    """The downdated loss equals the one under moments recomputed from the other tasks."""
    tasks = standardise(smooth_functions(6)).batch
    inputs, values = np.asarray(tasks.inputs)[:, :9], np.asarray(tasks.values)[:, :9]
    objective = LeaveOneTaskOutObjective(
        jnp.asarray(inputs), jnp.asarray(values), jnp.ones((6, 9), dtype=bool)
    )
    embedded = prior.embed(jnp.asarray(POINTS[:9]))
    deviations = embedded[:, 2:-1] / jnp.sqrt(val(prior.strength))
    functions = np.asarray(prior.mean(embedded)[:, None] + deviations * jnp.sqrt(5.0))
    residual = cross_covariance(prior.residual, embedded[:, :2], embedded[:, :2])
    losses = []
    for task in range(6):
        others = np.delete(functions, task, axis=1)
        covariance = float(val(prior.strength)) * np.cov(others) + np.asarray(residual) + 0.3
        covariance += (float(prior.noise_variance) + JITTER) * np.eye(9)
        density = multivariate_normal(others.mean(axis=1), covariance).logpdf(values[task])
        losses.append((-density - 0.5 * 9 * np.log(2 * np.pi)) / 9)
    np.testing.assert_allclose(objective(prior, jr.key(0)), np.mean(losses), rtol=1e-6)


def test_smoothing_equals_the_exact_posterior_mean(key: jax.Array) -> None:
    """With an inducing point at every input, sparse smoothing is ordinary kriging."""
    kernel = Matern52(
        lengthscale=jnp.asarray([0.4, 0.7]), variance=1.2, compute_engine=MatrixDistances()
    )
    values = np.asarray(jr.normal(key, (30,)))
    batch = pad([Task("one", POINTS, values)])
    weights = smooth_tasks(kernel, jnp.asarray(0.1), jnp.asarray(POINTS), batch)[0]
    query = np.random.default_rng(3).random((5, 2))
    gram = np.asarray(cross_covariance(kernel, jnp.asarray(POINTS), jnp.asarray(POINTS)))
    cross = np.asarray(cross_covariance(kernel, jnp.asarray(query), jnp.asarray(POINTS)))
    exact = cross @ np.linalg.solve(gram + 0.1 * np.eye(30), values)
    np.testing.assert_allclose(cross @ np.asarray(weights), exact, atol=1e-4)


def test_padding_changes_no_smoothed_task() -> None:
    """A task's weights are the same alone and padded beside a longer one."""
    kernel = Matern52(
        lengthscale=jnp.asarray([0.4, 0.7]), variance=1.2, compute_engine=MatrixDistances()
    )
    long, short = smooth_functions(2)
    short = Task("short", short.inputs[:11], short.values[:11])
    inducing = jnp.asarray(POINTS[:8])
    alone = smooth_tasks(kernel, jnp.asarray(0.1), inducing, pad([short]))[0]
    beside = smooth_tasks(kernel, jnp.asarray(0.1), inducing, pad([long, short]))[1]
    np.testing.assert_allclose(beside, alone, rtol=1e-9)


def test_constant_and_single_point_tasks_are_left_out_by_name() -> None:
    """What teaches nothing is named, and does not become a task of scale zero."""
    constant = Task("flat", POINTS, np.ones(30))
    single = Task("lone", POINTS[:1], np.ones(1))
    tasks = standardise([*smooth_functions(3), constant, single])
    assert tasks.left_out == ("flat", "lone")
    assert tasks.batch.names == ("task 0", "task 1", "task 2")


def test_two_tasks_are_too_few() -> None:
    """Two tasks are refused, with the remedy."""
    with pytest.raises(TaskError, match="at least 3 are needed"):
        standardise(smooth_functions(2))


def test_hierarchy_is_the_prediction_for_the_next_task() -> None:
    """Location and log scale are believed where the tasks had them, wider by 1 + 1/M."""
    tasks = standardise(smooth_functions(6))
    spread = np.std(tasks.locations, ddof=1) * np.sqrt(7.0 / 6.0)
    np.testing.assert_allclose(tasks.hierarchy().location_stddev, spread)


def test_adapting_by_nothing_changes_nothing(prior: EmpiricalPrior) -> None:
    """Log factors of zero give the same beliefs."""
    adapted = prior.adapted(jnp.zeros(prior.log_factor_count))
    points = jnp.asarray(POINTS[:5])
    np.testing.assert_allclose(
        adapted.covariance(adapted.embed(points), adapted.embed(points)),
        prior.covariance(prior.embed(points), prior.embed(points)),
        rtol=1e-10,
    )


def test_same_key_same_prior() -> None:
    """Pre-training is a function of its key."""
    settings = EmpiricalSettings(
        smoothing_points=10, inducing_points=10, residual_points=10, steps=3
    )
    tasks = standardise(smooth_functions(4))
    first, second = (pretrain_empirical(jr.key(5), tasks, settings) for _ in range(2))
    assert eqx.tree_equal(first, second)
