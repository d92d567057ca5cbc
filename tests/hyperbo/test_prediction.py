"""Predictions and weights: what the experts believe, told without suggesting anything."""

import equinox as eqx
import jax.monitoring
import jax.numpy as jnp
import numpy as np
import pytest
from gpjax.kernels import Matern52
from gpjax.parameters import PositiveReal, Real
from scipy.stats import multivariate_normal

from hyperbo.errors import TaskError
from hyperbo.linalg import JITTER
from hyperbo.prediction import POINT_BUCKETS
from hyperbo.space import FloatParameter, SearchSpace
from hyperbo.suggest import (
    History,
    Strategy,
    from_prior,
    from_scratch,
    predict,
    suggest,
    weigh,
)
from hyperbo.surrogates import (
    Expert,
    GaussianProcessPrior,
    Hierarchy,
    LinearMean,
    MatrixDistances,
    scratch_expert,
)

SPACE = SearchSpace((FloatParameter("a", 0.0, 1.0), FloatParameter("b", 0.0, 1.0)))
NOTHING = np.zeros((0, 2))
EMPTY = History(NOTHING, np.zeros(0), NOTHING)
POINTS = np.random.default_rng(3).random((5, 2))


def sloped(hierarchy: Hierarchy) -> Expert:
    """A prior that believes in a slope of four along the first coordinate."""
    mean = eqx.tree_at(lambda m: m.weights, LinearMean(2), Real(jnp.asarray([4.0, 0.0])))
    kernel = Matern52(lengthscale=jnp.ones(2), variance=0.1, compute_engine=MatrixDistances())
    prior = GaussianProcessPrior(mean, kernel, PositiveReal(jnp.asarray(1e-3)))
    return Expert(prior, hierarchy, jnp.asarray([0.3, 0.3, 0.5]))


@pytest.fixture
def told() -> History:
    """Eight trials of a slope, and a pending point, which counts for nothing here."""
    points = np.random.default_rng(1).random((8, 2))
    return History(points, 3.0 * points[:, 0] + points[:, 1], np.asarray([[0.5, 0.5]]))


@pytest.fixture
def alone() -> Strategy:
    """The sloped prior taken as it is: no refit, no fall-back, nothing to integrate out."""
    return Strategy((sloped(Hierarchy.fixed()),), jnp.zeros(1), refit_steps=0)


@pytest.fixture
def both() -> Strategy:
    """The sloped prior, location and scale unknown, beside a process from scratch."""
    hierarchy = Hierarchy.normal((0.0, 1.0), (0.0, 0.5), (1.0,))
    return from_prior(sloped(hierarchy), 2)


def test_prediction_without_trials_is_the_prior(alone: Strategy) -> None:
    """Mean and standard deviation are the prior's own."""
    found = predict(alone, EMPTY, POINTS)

    np.testing.assert_allclose(found.mean, 4.0 * POINTS[:, 0])
    np.testing.assert_allclose(found.stddev, 0.1**0.5)


def test_prediction_after_trials_is_the_posterior(alone: Strategy, told: History) -> None:
    """Mean and variance are the textbook's."""
    prior = alone.experts[0].prior
    covariance = np.asarray(
        prior.covariance(*(2 * [jnp.asarray(np.concatenate([told.inputs, POINTS]))]))
    )
    gram = covariance[:8, :8] + (1e-3 + JITTER) * np.eye(8)
    gain = np.linalg.solve(gram, covariance[:8, 8:]).T
    found = predict(alone, told, POINTS)

    residual = told.values - 4.0 * told.inputs[:, 0]
    np.testing.assert_allclose(found.mean, 4.0 * POINTS[:, 0] + gain @ residual, rtol=1e-8)
    variance = np.diag(covariance[8:, 8:] - gain @ covariance[:8, 8:])
    np.testing.assert_allclose(found.stddev, np.sqrt(variance), rtol=1e-7)


def test_prediction_mixes_the_experts_by_trust(both: Strategy, told: History) -> None:
    """The mean is each expert's own mean times its trust, added up."""
    frozen = Strategy(both.experts, both.log_trust, refit_steps=0)
    means = [
        predict(Strategy((expert,), jnp.zeros(1), refit_steps=0), told, POINTS).mean
        for expert in frozen.experts
    ]
    trust = np.exp(weigh(frozen, told).log_trust)

    assert trust.min() > 1e-3
    np.testing.assert_allclose(predict(frozen, told, POINTS).mean, trust @ means, rtol=1e-8)


def test_points_are_looked_at_one_by_one(alone: Strategy, told: History) -> None:
    """What is said of a point does not depend on how many others are asked about, nor none."""
    points = np.random.default_rng(4).random((POINT_BUCKETS[-1] + 3, 2))
    together = predict(alone, told, points)

    assert predict(alone, told, NOTHING).mean.shape == (0,)
    for row in (0, 700, POINT_BUCKETS[-1] + 2):
        single = predict(alone, told, points[row : row + 1])
        np.testing.assert_allclose(together.mean[row], single.mean[0], rtol=1e-9)
        np.testing.assert_allclose(together.stddev[row], single.stddev[0], rtol=1e-9)


def test_any_number_of_points_compiles_a_few_programs() -> None:
    """One program for the beliefs and one for each size of points, however many are asked for."""
    # Five coordinates, which no other test has compiled for.
    points = np.random.default_rng(4).random((2100, 5))
    told = History(points[:8], points[:8, 0], points[:0])
    strategy = Strategy((scratch_expert(5),), jnp.zeros(1), refit_steps=1)
    compilations: list[str] = []

    def count(event: str, _: float, **__: str | int) -> None:
        if event.endswith("backend_compile_duration"):
            compilations.append(event)

    jax.monitoring.register_event_duration_secs_listener(count)
    try:
        for size in (1, 2, 15, 16, 17, 100, 128, 129, 1000, 1024, 1025, 2100):
            predict(strategy, told, points[:size])
    finally:
        jax.monitoring.unregister_event_duration_listener(count)
    assert len(compilations) == 1 + len(POINT_BUCKETS)


def test_weights_without_trials_are_the_strategys_own(both: Strategy) -> None:
    """No trial, no evidence: the experts are trusted as far as they were from the start."""
    found = weigh(both, EMPTY)

    np.testing.assert_allclose(found.log_evidence, [0.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(found.log_trust, both.log_trust, atol=1e-12)


def test_weights_are_those_that_suggest_by(both: Strategy, told: History) -> None:
    """The trust of a suggestion is that of `weigh`: the strategy's own times the evidence."""
    found = weigh(both, told)
    suggested = suggest(np.random.default_rng(0), both, SPACE, told)

    np.testing.assert_allclose(np.exp(found.log_trust), suggested.trust, rtol=1e-6)
    unnormalised = np.exp(np.asarray(both.log_trust) + found.log_evidence)
    np.testing.assert_allclose(suggested.trust, unnormalised / unnormalised.sum(), rtol=1e-6)


def test_evidence_is_the_trials_log_density(alone: Strategy, told: History) -> None:
    """For one fixed process, the evidence is its log density at the trials."""
    prior, points = alone.experts[0].prior, jnp.asarray(told.inputs)
    gram = np.asarray(prior.covariance(points, points)) + (1e-3 + JITTER) * np.eye(8)
    density = multivariate_normal(4.0 * told.inputs[:, 0], gram).logpdf(told.values)

    np.testing.assert_allclose(weigh(alone, told).log_evidence, [density], rtol=1e-9)


@pytest.mark.parametrize(("bad", "words"), [(np.zeros((1, 3)), "3 coordinates"), (None, "NaN")])
def test_points_are_checked(told: History, bad: np.ndarray | None, words: str) -> None:
    """Points of another space, or with NaN, are refused."""
    points = np.full((1, 2), np.nan) if bad is None else bad
    with pytest.raises(TaskError, match=words):
        predict(from_scratch(2), told, points)
