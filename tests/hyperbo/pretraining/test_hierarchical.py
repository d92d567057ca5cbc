"""The hierarchical prior: what it learns from search spaces of different dimension."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from gpjax.parameters import val

from hyperbo.errors import TaskError
from hyperbo.pretraining import Standardised, pretrain_hierarchical, standardise
from hyperbo.space import FloatParameter, SearchSpace
from hyperbo.suggest import History, from_prior, suggest
from hyperbo.surrogates import GaussianProcessPrior
from hyperbo.surrogates.presets import matern_prior
from hyperbo.tasks import Task


def drawn_tasks(seed: int, dimension: int, lengthscale: float) -> Standardised:
    """Eight tasks of forty points, drawn from a Matern process."""
    rng = np.random.default_rng(seed)
    process: GaussianProcessPrior = matern_prior(dimension)
    factors = jnp.log(lengthscale / val(process.kernel.lengthscale))
    process = process.adapted(jnp.append(factors, 0.0))
    tasks = []
    for number in range(8):
        inputs = rng.random((40, dimension))
        embedded = process.embed(jnp.asarray(inputs))
        covariance = np.asarray(process.covariance(embedded, embedded)) + 1e-4 * np.eye(40)
        values = np.linalg.cholesky(covariance) @ rng.normal(size=40)
        tasks.append(Task(f"{seed} {number}", inputs, values))
    return standardise(tasks)


def test_recovers_the_lengthscales_of_both_spaces(key: jax.Array) -> None:
    """The learned log lengthscale lies between the spaces' own, its spread covering them."""
    spaces = [drawn_tasks(0, 1, 0.2), drawn_tasks(1, 2, 0.8)]
    prior = pretrain_hierarchical(key, spaces)
    mean, stddev = np.asarray(prior.log_lengthscale)
    truth = np.log([0.2, 0.8, 0.8])
    assert abs(mean - truth.mean()) < 0.35
    assert abs(stddev - truth.std()) < 0.35


def test_serves_a_space_never_seen(key: jax.Array) -> None:
    """A prior of one- and two-dimensional spaces suggests in a space of five."""
    prior = pretrain_hierarchical(key, [drawn_tasks(0, 1, 0.2), drawn_tasks(1, 2, 0.8)])
    space = SearchSpace(tuple(FloatParameter(f"x{axis}", 0.0, 1.0) for axis in range(5)))
    rng = np.random.default_rng(0)
    points = rng.random((8, 5))
    history = History(points, -np.sum(points**2, axis=1), np.zeros((0, 5)))
    found = suggest(rng, from_prior(prior.expert(5), 5), space, history)
    assert found.points.shape == (1, 5)
    assert -np.sum(found.points**2) > history.values.max()


def test_one_space_is_too_few() -> None:
    """One space says nothing about how spaces differ."""
    with pytest.raises(TaskError, match="at least two"):
        pretrain_hierarchical(jr.key(0), [drawn_tasks(0, 1, 0.2)])
