"""The likelihood objective against scipy, finite differences, and its own padding."""

import itertools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jax.flatten_util import ravel_pytree
from scipy.stats import multivariate_normal

from hyperbo.errors import TaskError
from hyperbo.pretraining import LikelihoodObjective
from hyperbo.surrogates import GaussianProcessPrior
from hyperbo.surrogates.presets import hyperbo_prior
from hyperbo.tasks import Task, TaskBatch, pad

DrawBatch = Callable[[int, int, int], TaskBatch]
Evaluate = Callable[..., tuple[float, np.ndarray]]
SHARED = settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def ragged(batch: TaskBatch, sizes: np.ndarray) -> TaskBatch:
    """The batch with only the first so many points of each task real."""
    mask = np.arange(batch.mask.shape[1]) < sizes[:, None]
    return TaskBatch(batch.inputs, batch.values, mask, batch.names)


def test_is_the_mean_of_scipys_densities(
    truth: GaussianProcessPrior,
    moments: Callable[..., Any],
    draw_batch: DrawBatch,
    evaluate: Evaluate,
    key: jax.Array,
) -> None:
    """It is the mean over ragged tasks of scipy's negative log density, nothing divided."""
    sizes = np.array([9, 3, 1])
    batch = ragged(draw_batch(0, 3, 9), sizes)
    wanted = np.mean(
        [
            -multivariate_normal(*moments(truth, batch.inputs[i, :n])).logpdf(batch.values[i, :n])
            for i, n in enumerate(sizes)
        ]
    )
    got, _ = evaluate(LikelihoodObjective(batch), truth, key)
    np.testing.assert_allclose(got, wanted, rtol=1e-10)


def test_gradient_equals_finite_differences(draw_batch: DrawBatch, key: jax.Array) -> None:
    """Along random directions through network, mean, kernel and noise, slopes are right."""
    batch = ragged(draw_batch(1, 4, 10), np.array([10, 7, 10, 2]))
    prior = hyperbo_prior(key, 2, (5, 3), noise=0.1)
    flat, unravel = ravel_pytree(eqx.filter(prior, eqx.is_inexact_array))
    static = eqx.filter(prior, eqx.is_inexact_array, inverse=True)
    objective = LikelihoodObjective(batch, 6)

    @jax.jit
    def loss(vector: jax.Array) -> jax.Array:
        return objective(eqx.combine(unravel(vector), static), key)

    slope = jax.jit(jax.grad(loss))(flat)
    for key_direction in jr.split(key, 5):
        direction = jr.normal(key_direction, flat.shape)
        step = 1e-5 * direction
        difference = (loss(flat + step) - loss(flat - step)) / 2e-5
        np.testing.assert_allclose(jnp.dot(slope, direction), difference, rtol=1e-6)


def test_minibatch_is_one_of_the_subsets(
    truth: GaussianProcessPrior, draw_batch: DrawBatch, evaluate: Evaluate
) -> None:
    """Two of three points: each key gives the loss of one pair, and all pairs come."""
    batch = draw_batch(2, 1, 3)
    pairs = [list(pair) for pair in itertools.combinations(range(3), 2)]
    alone = [LikelihoodObjective(_only(batch, pair)) for pair in pairs]
    losses = np.array([evaluate(objective, truth, jr.key(0))[0] for objective in alone])
    objective = LikelihoodObjective(batch, 2)
    drawn = np.array([evaluate(objective, truth, key)[0] for key in jr.split(jr.key(1), 40)])
    nearest = np.argmin(np.abs(drawn[:, None] - losses), axis=1)
    np.testing.assert_allclose(drawn, losses[nearest], rtol=1e-10)
    assert set(nearest.tolist()) == {0, 1, 2}


def _only(batch: TaskBatch, points: list[int]) -> TaskBatch:
    return TaskBatch(
        batch.inputs[:, points], batch.values[:, points], batch.mask[:, points], batch.names
    )


def test_asking_for_more_points_than_there_are_takes_all(
    truth: GaussianProcessPrior, draw_batch: DrawBatch, evaluate: Evaluate
) -> None:
    """A minibatch as large as the tasks is the whole data, whatever the key."""
    batch = draw_batch(3, 2, 5)
    whole, _ = evaluate(LikelihoodObjective(batch), truth, jr.key(0))
    assert evaluate(LikelihoodObjective(batch, 5), truth, jr.key(1))[0] == whole
    assert evaluate(LikelihoodObjective(batch, 99), truth, jr.key(2))[0] == whole


@SHARED
@given(
    seed=st.integers(0, 2**16),
    rubbish=st.floats(-1e6, 1e6),
    points=st.sampled_from([None, 4]),
)
def test_rubbish_in_the_padding_changes_nothing(
    truth: GaussianProcessPrior,
    draw_batch: DrawBatch,
    evaluate: Evaluate,
    seed: int,
    rubbish: float,
    points: int | None,
) -> None:
    """Whatever padded entries hold, value and gradient stay the same to the last bit."""
    random = np.random.default_rng(seed)
    batch = ragged(draw_batch(4, 3, 8), random.integers(0, 9, size=3).clip(1))
    mask = np.asarray(batch.mask)
    dirty = TaskBatch(
        np.where(mask[..., None], batch.inputs, random.uniform(-3, 3, size=(3, 8, 2))),
        np.where(mask, batch.values, rubbish),
        mask,
        batch.names,
    )
    key = jr.key(seed)
    clean, soiled = (
        evaluate(LikelihoodObjective(each, points), truth, key) for each in (batch, dirty)
    )
    assert clean[0] == soiled[0]
    np.testing.assert_array_equal(clean[1], soiled[1])


@SHARED
@given(seed=st.integers(0, 2**16), points=st.sampled_from([None, 4]))
def test_longer_padding_and_empty_tasks_change_nothing(
    truth: GaussianProcessPrior,
    draw_batch: DrawBatch,
    evaluate: Evaluate,
    seed: int,
    points: int | None,
) -> None:
    """Eight places or thirteen, three tasks or five with two empty: the loss is the same."""
    random = np.random.default_rng(seed)
    tight = ragged(draw_batch(5, 3, 8), random.integers(1, 9, size=3))
    loose = TaskBatch(
        np.pad(tight.inputs, ((0, 2), (0, 5), (0, 0)), constant_values=0.5),
        np.pad(tight.values, ((0, 2), (0, 5))),
        np.pad(tight.mask, ((0, 2), (0, 5))),
        (*tight.names, "empty", "void"),
    )
    key = jr.key(seed)
    got, wanted = (
        evaluate(LikelihoodObjective(each, points), truth, key) for each in (loose, tight)
    )
    np.testing.assert_allclose(got[0], wanted[0], rtol=1e-12)
    np.testing.assert_allclose(got[1], wanted[1], rtol=1e-8, atol=1e-11)


def test_refuses_what_cannot_be_learned_from(draw_batch: DrawBatch) -> None:
    """No points a task, or no point at all, is an error that says so."""
    batch = draw_batch(6, 2, 3)
    with pytest.raises(TaskError, match="0 points a task"):
        LikelihoodObjective(batch, 0)
    with pytest.raises(TaskError, match="No task holds a point"):
        LikelihoodObjective(ragged(batch, np.array([0, 0])))


def test_duplicate_points_keep_the_gradient_finite(
    truth: GaussianProcessPrior, evaluate: Evaluate, key: jax.Array
) -> None:
    """Where a task holds a point twice, the distance's square root does no harm."""
    inputs = np.full((1, 4, 2), 0.25)
    batch = TaskBatch(inputs, np.array([[0.1, 0.2, 0.3, 0.4]]), np.ones((1, 4), bool), ("same",))
    loss, slope = evaluate(LikelihoodObjective(batch), truth, key)
    assert np.isfinite(loss)
    assert np.isfinite(slope).all()


def test_padded_tasks_have_their_own_losses(
    truth: GaussianProcessPrior, evaluate: Evaluate, key: jax.Array
) -> None:
    """A batch made by `pad` has the mean loss of its tasks taken one by one."""
    random = np.random.default_rng(7)
    tasks = [
        Task(f"task-{size}", random.uniform(size=(size, 2)), random.normal(size=size))
        for size in (2, 6)
    ]
    alone = [evaluate(LikelihoodObjective(pad([task])), truth, key)[0] for task in tasks]
    joined, _ = evaluate(LikelihoodObjective(pad(tasks)), truth, key)
    np.testing.assert_allclose(joined, np.mean(alone), rtol=1e-12)
