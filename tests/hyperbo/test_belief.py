"""What is put to the experts, and what counts as the best value so far."""

import jax.numpy as jnp
import numpy as np
import pytest
from gpjax.kernels import RBF
from gpjax.mean_functions import Zero
from gpjax.parameters import PositiveReal

from hyperbo.belief import PLACES_WITH_NOISE, believe, initial_memory, pose
from hyperbo.history import History
from hyperbo.linalg import JITTER
from hyperbo.strategy import Strategy, from_scratch
from hyperbo.surrogates import Expert, GaussianProcessPrior, Hierarchy

NOTHING = np.zeros((0, 2))


@pytest.fixture
def fixed() -> Strategy:
    """A process of unit variance, taken as it is."""
    prior = GaussianProcessPrior(Zero(), RBF(lengthscale=0.1), PositiveReal(jnp.asarray(0.01)))
    expert = Expert(prior, Hierarchy.fixed(), jnp.ones(prior.log_factor_count))
    return Strategy((expert,), jnp.zeros(1), refit_steps=0)


def test_best_is_the_largest_value_where_noise_is_unknown(fixed: Strategy) -> None:
    """Without standard errors a value is taken at its word."""
    told = History(np.asarray([[0.1, 0.1], [0.9, 0.9]]), np.asarray([1.0, 3.0]), NOTHING)
    belief = believe(fixed, pose(fixed, told, None, 1))
    assert float(belief.outlook.best) == 3.0


def test_best_is_the_largest_mean_where_noise_is_given(fixed: Strategy) -> None:
    """Of two trials far apart, the exact one is the best though the other's value is larger."""
    told = History(
        np.asarray([[0.1, 0.1], [0.9, 0.9]]),
        np.asarray([1.0, 3.0]),
        NOTHING,
        np.asarray([0.0, 4.0]),
    )
    belief = believe(fixed, pose(fixed, told, None, 1))
    np.testing.assert_allclose(belief.outlook.best, 1.0 / (1.01 + JITTER), rtol=1e-9)


def test_best_without_trials_is_minus_infinity(fixed: Strategy) -> None:
    """There is nothing to improve on yet."""
    belief = believe(fixed, pose(fixed, History(NOTHING, np.zeros(0), NOTHING), None, 1))
    assert float(belief.outlook.best) == -np.inf


def test_unknown_noise_asks_the_same_question() -> None:
    """Standard errors of zero put the same arrays, in the same shapes, as none at all."""
    strategy = from_scratch(2)
    points, values = np.random.default_rng(0).random((5, 2)), np.arange(5.0)
    memory = initial_memory(strategy)
    for stderrs in (None, np.zeros(5)):
        question = pose(strategy, History(points, values, NOTHING, stderrs), memory, 1)
        assert question.trials.given_variance is None
        assert question.refit_trials is not None
        assert question.refit_trials.given_variance is None


def test_standard_errors_stay_with_their_trials() -> None:
    """Of more trials than are looked at, each that is keeps its own variance; padding has none."""
    count = PLACES_WITH_NOISE + 200
    values = np.random.default_rng(0).normal(size=count)
    told = History(np.full((count, 2), 0.5), values, NOTHING, np.abs(values))
    question = pose(from_scratch(2), told, None, 3)

    for trials in (question.trials, question.refit_trials):
        assert trials is not None
        assert trials.given_variance is not None
        np.testing.assert_allclose(trials.given_variance, np.square(trials.values))
        assert not np.asarray(trials.values)[~np.asarray(trials.mask)].any()
    assert np.sum(question.trials.mask) == PLACES_WITH_NOISE - 3
    assert question.trials.mask.shape == (PLACES_WITH_NOISE,)
