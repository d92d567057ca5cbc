"""Divergences against dense algebra, the likelihood, and moments that agree by construction."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from hyperbo.errors import TaskError
from hyperbo.pretraining import (
    LBFGS,
    DivergenceObjective,
    EuclideanObjective,
    LikelihoodObjective,
    fit,
)
from hyperbo.surrogates import GaussianProcessPrior
from hyperbo.surrogates.presets import hyperbo_prior, matern_prior
from hyperbo.tasks import MatchedTasks, TaskBatch

DrawMatched = Callable[[int, int, int], MatchedTasks]
Evaluate = Callable[..., tuple[float, np.ndarray]]
Moments = Callable[[GaussianProcessPrior, np.ndarray], tuple[np.ndarray, np.ndarray]]


def kl_divergence(
    left: tuple[np.ndarray, np.ndarray], right: tuple[np.ndarray, np.ndarray]
) -> float:
    """The textbook formula, with an explicit inverse."""
    (mean, covariance), (other_mean, other) = left, right
    inverse, gap = np.linalg.inv(other), other_mean - mean
    ratio = np.linalg.slogdet(other)[1] - np.linalg.slogdet(covariance)[1]
    return float(0.5 * (np.trace(inverse @ covariance) + gap @ inverse @ gap - len(mean) + ratio))


def exact_tasks(mean: np.ndarray, covariance: np.ndarray, inputs: np.ndarray) -> MatchedTasks:
    """Tasks whose sample moments are the given ones to rounding."""
    random, points = np.random.default_rng(0), len(mean)
    draws = random.normal(size=(3 * points, points))
    draws = draws - draws.mean(axis=0)
    white = draws @ np.linalg.inv(np.linalg.cholesky(draws.T @ draws / len(draws))).T
    values = mean + white @ np.linalg.cholesky(covariance).T
    return MatchedTasks(inputs, values, tuple(f"task-{i}" for i in range(len(values))))


def sample_moments(tasks: MatchedTasks) -> tuple[np.ndarray, np.ndarray]:
    """Mean and biased covariance over tasks."""
    values = np.asarray(tasks.values)
    return values.mean(axis=0), np.cov(values.T, bias=True)


def test_is_the_kl_divergence_plus_the_samples_entropy(
    draw_matched: DrawMatched, moments: Moments, evaluate: Evaluate, key: jax.Array
) -> None:
    """With more tasks than points, it less the sample's entropy is the textbook divergence."""
    tasks = draw_matched(0, 40, 6)
    prior = matern_prior(2, noise=0.1)
    sample = sample_moments(tasks)
    entropy = 0.5 * np.linalg.slogdet(2.0 * np.pi * np.e * sample[1])[1]
    wanted = kl_divergence(sample, moments(prior, tasks.inputs))
    got = evaluate(DivergenceObjective(tasks), prior, key)[0] - entropy
    np.testing.assert_allclose(got, wanted, rtol=1e-10)


def test_equals_the_likelihood_of_the_same_tasks(
    truth: GaussianProcessPrior, draw_matched: DrawMatched, evaluate: Evaluate, key: jax.Array
) -> None:
    """On matched tasks, loss and gradient are those of the mean negative log likelihood."""
    tasks = draw_matched(1, 5, 8)
    inputs = np.broadcast_to(tasks.inputs, (5, 8, 2))
    batch = TaskBatch(inputs, tasks.values, np.ones((5, 8), dtype=bool), tasks.names)
    one, other = (
        evaluate(objective, truth, key)
        for objective in (DivergenceObjective(tasks), LikelihoodObjective(batch))
    )
    np.testing.assert_allclose(one[0], other[0], rtol=1e-12)
    np.testing.assert_allclose(one[1], other[1], rtol=1e-8, atol=1e-10)


def test_is_finite_at_any_rank(
    draw_matched: DrawMatched, evaluate: Evaluate, key: jax.Array
) -> None:
    """Two tasks at fifty points, and one task alone: loss and gradient stay finite."""
    prior = hyperbo_prior(key, 2, (4,))
    for count in (2, 1):
        loss, slope = evaluate(DivergenceObjective(draw_matched(2, count, 50)), prior, key)
        assert np.isfinite(loss)
        assert np.isfinite(slope).all()


def test_is_lowest_at_the_truth(
    truth: GaussianProcessPrior, moments: Moments, evaluate: Evaluate, key: jax.Array
) -> None:
    """With the prior's own moments as the sample's, no slope is left (Gibbs' inequality)."""
    inputs = np.random.default_rng(3).uniform(size=(7, 2))
    tasks = exact_tasks(*moments(truth, inputs), inputs)
    _, slope = evaluate(DivergenceObjective(tasks), truth, key)
    np.testing.assert_allclose(slope, 0.0, atol=1e-9)


def test_minibatch_looks_at_shared_points(
    truth: GaussianProcessPrior, draw_matched: DrawMatched, evaluate: Evaluate
) -> None:
    """One of two points: each key gives the loss of one point for all tasks alike."""
    tasks = draw_matched(4, 6, 2)
    alone = [
        DivergenceObjective(MatchedTasks(tasks.inputs[[i]], tasks.values[:, [i]], tasks.names))
        for i in range(2)
    ]
    losses = np.array([evaluate(objective, truth, jr.key(0))[0] for objective in alone])
    objective = DivergenceObjective(tasks, points=1)
    drawn = np.array([evaluate(objective, truth, key)[0] for key in jr.split(jr.key(1), 20)])
    nearest = np.argmin(np.abs(drawn[:, None] - losses), axis=1)
    np.testing.assert_allclose(drawn, losses[nearest], rtol=1e-12)
    assert set(nearest.tolist()) == {0, 1}


def test_refuses_no_points(draw_matched: DrawMatched) -> None:
    """A minibatch of no points is an error that says so."""
    with pytest.raises(TaskError, match="at 0 points"):
        DivergenceObjective(draw_matched(5, 2, 3), points=0)


def test_more_tasks_bring_the_prior_nearer_to_the_truth(
    truth: GaussianProcessPrior, draw_matched: DrawMatched, moments: Moments, key: jax.Array
) -> None:
    """The divergence of the learned prior from the true one falls from 4 to 32 to 256 tasks."""
    fresh = np.random.default_rng(6).uniform(size=(20, 2))
    distances = []
    for count in (4, 32, 256):
        tasks = draw_matched(7, count, 25)
        learned = fit(key, matern_prior(2), DivergenceObjective(tasks), method=LBFGS()).prior
        distances.append(kl_divergence(moments(truth, fresh), moments(learned, fresh)))
    assert distances[0] > 4.0 * distances[1] > 16.0 * distances[2]


def test_recovers_the_parameters(draw_matched: DrawMatched, key: jax.Array) -> None:
    """From 400 tasks at 25 points, L-BFGS finds what they were drawn from within a tenth."""
    tasks = draw_matched(8, 400, 25)
    learned: Any = fit(key, matern_prior(2), DivergenceObjective(tasks), method=LBFGS()).prior
    np.testing.assert_allclose(learned.kernel.lengthscale.unwrap(), [0.3, 0.8], rtol=0.1)
    np.testing.assert_allclose(learned.kernel.variance.unwrap(), 1.5, rtol=0.1)
    np.testing.assert_allclose(learned.noise_variance, 0.02, rtol=0.1)
    np.testing.assert_allclose(learned.mean_function.constant.unwrap(), 0.7, atol=0.15)


def test_euclidean_distance_is_zero_at_the_truth(
    truth: GaussianProcessPrior, moments: Moments, evaluate: Evaluate, key: jax.Array
) -> None:
    """Moments that agree are at no distance; the jitter, which it leaves out, is taken off."""
    inputs = np.random.default_rng(9).uniform(size=(6, 2))
    mean, covariance = moments(truth, inputs)
    tasks = exact_tasks(mean, covariance - 1e-6 * np.eye(6), inputs)
    distance, _ = evaluate(EuclideanObjective(tasks), truth, key)
    np.testing.assert_allclose(distance, 0.0, atol=1e-12)


def test_euclidean_distance_equals_numpys(
    draw_matched: DrawMatched, moments: Moments, evaluate: Evaluate, key: jax.Array
) -> None:
    """It is the sum of numpy's norms of the differences."""
    tasks, prior = draw_matched(10, 4, 9), matern_prior(2)
    mean, covariance = moments(prior, tasks.inputs)
    sample_mean, sample = sample_moments(tasks)
    gap = sample - covariance + 1e-6 * np.eye(9)
    wanted = np.linalg.norm(sample_mean - mean) + np.linalg.norm(gap)
    distance, _ = evaluate(EuclideanObjective(tasks), prior, key)
    np.testing.assert_allclose(distance, wanted, rtol=1e-12)


def test_euclidean_gradient_is_finite_where_the_distance_is_zero(
    evaluate: Evaluate, key: jax.Array
) -> None:
    """One task that the mean meets exactly: the norm's slope at zero is zero, not NaN."""
    prior = matern_prior(1)
    tasks = MatchedTasks(jnp.asarray([[0.5]]), jnp.zeros((2, 1)), ("a", "b"))
    _, slope = evaluate(EuclideanObjective(tasks), prior, key)
    assert np.isfinite(slope).all()
