"""What every acquisition promises, tried on every one of them."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from hyperbo.acquisition import (
    Acquisition,
    ExpectedImprovement,
    LogExpectedImprovement,
    MaxValueEntropySearch,
    MonteCarloLogExpectedImprovement,
    ProbabilityOfImprovement,
    Score,
    ThompsonSampling,
    UpperConfidenceBound,
)

PENDING = jnp.array([[0.2, 0.3], [0.7, 0.6]])
ACQUISITIONS = {
    "expected improvement": ExpectedImprovement(),
    "log expected improvement": LogExpectedImprovement(),
    "probability of improvement": ProbabilityOfImprovement(),
    "upper confidence bound": UpperConfidenceBound(),
    "max-value entropy search": MaxValueEntropySearch(),
    "Thompson sampling": ThompsonSampling(),
    "Monte Carlo, nothing pending": MonteCarloLogExpectedImprovement(jnp.zeros((0, 2))),
    "Monte Carlo, two pending": MonteCarloLogExpectedImprovement(PENDING),
}
BEST = jnp.array(0.5)
NOTHING = jnp.array(-jnp.inf)


@pytest.fixture(params=ACQUISITIONS.values(), ids=ACQUISITIONS.keys())
def acquisition(request: pytest.FixtureRequest) -> Acquisition:
    """One acquisition after the other."""
    return request.param


@eqx.filter_jit
def _bind(acquisition: Acquisition, posterior: object, points: jax.Array, best: jax.Array) -> Score:
    """The score under one fixed key."""
    return acquisition.bind(jr.key(5), posterior, points, best)


@eqx.filter_jit
def _scores(score: Score, points: jax.Array) -> jax.Array:
    """Scores, compiled."""
    return score(points)


@eqx.filter_jit
def _slopes(score: Score, points: jax.Array) -> jax.Array:
    """The gradient of every point's score by that point."""
    return jax.grad(lambda inputs: jnp.sum(score(inputs)))(points)


def test_score_passes_through_jit(
    acquisition: Acquisition, mixture: object, points: jax.Array
) -> None:
    """A score is a pytree of arrays: `jax.jit` takes it, and its values stay as they are."""
    score = _bind(acquisition, mixture, points, BEST)

    leaves = jax.tree.leaves(score)
    compiled = jax.jit(lambda score, inputs: score(inputs))(score, points)

    assert all(isinstance(leaf, (jax.Array, float)) for leaf in leaves)
    np.testing.assert_allclose(compiled, _scores(score, points), rtol=1e-8, atol=1e-10)


def test_order_of_points_does_not_matter(
    acquisition: Acquisition, mixture: object, points: jax.Array
) -> None:
    """Points given in another order get the same scores in that order."""
    score = _bind(acquisition, mixture, points, BEST)
    order = jr.permutation(jr.key(3), points.shape[0])

    np.testing.assert_allclose(
        _scores(score, points[order]), _scores(score, points)[order], rtol=1e-8, atol=1e-10
    )


def test_other_points_do_not_matter(
    acquisition: Acquisition, mixture: object, points: jax.Array
) -> None:
    """A point alone has the score that it has among others."""
    score = _bind(acquisition, mixture, points, BEST)

    np.testing.assert_allclose(
        _scores(score, points[4:5]), _scores(score, points)[4:5], rtol=1e-8, atol=1e-10
    )


def test_gradient_equals_finite_differences(
    acquisition: Acquisition, mixture: object, points: jax.Array
) -> None:
    """Each point's score is differentiable in that point."""
    score = _bind(acquisition, mixture, points, BEST)
    inside = jnp.clip(points, 0.02, 0.98) + 0.003
    step = 1e-6

    slopes = _slopes(score, inside)

    for axis in range(2):
        shift = step * jnp.eye(2)[axis]
        difference = (_scores(score, inside + shift) - _scores(score, inside - shift)) / (2 * step)
        np.testing.assert_allclose(slopes[:, axis], difference, rtol=1e-4, atol=1e-5)


def test_without_observation_it_is_finite(
    acquisition: Acquisition, mixture: object, points: jax.Array
) -> None:
    """With a best value of minus infinity, scores and gradients are finite."""
    score = _bind(acquisition, mixture, points, NOTHING)

    assert jnp.isfinite(_scores(score, points)).all()
    assert jnp.isfinite(_slopes(score, points)).all()


def test_without_observation_the_mean_decides(
    acquisition: Acquisition, mixture: object, points: jax.Array
) -> None:
    """With neither observation nor pending point, the score is the mixture's mean."""
    if isinstance(acquisition, MonteCarloLogExpectedImprovement) and acquisition.pending.size:
        return
    score = _bind(acquisition, mixture, points, NOTHING)

    expected, _ = mixture.marginals(points).moments()

    np.testing.assert_allclose(_scores(score, points), expected, rtol=1e-9)


@pytest.mark.parametrize("best", [-1e9, -30.0, 30.0, 1e3])
def test_hopeless_and_certain_improvement_are_finite(
    acquisition: Acquisition, mixture: object, points: jax.Array, best: float
) -> None:
    """However far the best value is from anything believed, scores and slopes are finite."""
    score = _bind(acquisition, mixture, points, jnp.array(best))

    assert jnp.isfinite(_scores(score, points)).all()
    assert jnp.isfinite(_slopes(score, points)).all()


def test_equal_components_equal_one(
    acquisition: Acquisition,
    make_posterior: Callable[..., object],
    trials: tuple[jax.Array, jax.Array],
    points: jax.Array,
) -> None:
    """A mixture of two equal components scores as one component does."""
    one = make_posterior(*trials)
    two = make_posterior(
        *trials,
        lengthscale=(0.3,) * 2,
        amplitude=(1.0,) * 2,
        offset=(0.0,) * 2,
        noise=(0.05,) * 2,
        weight=(0.4, 0.6),
    )

    scores = [_scores(_bind(acquisition, each, points, BEST), points) for each in (one, two)]

    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-8, atol=1e-10)


def test_more_is_better(
    acquisition: Acquisition,
    make_posterior: Callable[..., object],
    trials: tuple[jax.Array, jax.Array],
    points: jax.Array,
) -> None:
    """Where all values are believed higher, by the same, no score falls.

    The entropy search scores what a point tells, not how good it is; beside pending points only
    the difference to them counts once these surpass the best value.
    """
    if isinstance(acquisition, MaxValueEntropySearch):
        return
    inputs, values = trials
    low = make_posterior(inputs, values)
    high = make_posterior(inputs, values + 0.3, offset=(0.3,))

    scores = [_scores(_bind(acquisition, each, points, BEST), points) for each in (low, high)]

    assert (scores[1] >= scores[0] - 1e-12).all()


def test_a_score_of_the_same_kind_compiles_once(
    acquisition: Acquisition, make_posterior: Callable[..., object], points: jax.Array
) -> None:
    """Another posterior, key and best value of the same shapes run the same program."""
    traces = []

    @eqx.filter_jit
    def scores(key: jax.Array, posterior: object, best: jax.Array) -> jax.Array:
        traces.append(None)
        return acquisition.bind(key, posterior, points, best)(points)

    for seed in range(3):
        inputs = jr.uniform(jr.key(seed), (6, 2))
        scores(jr.key(seed), make_posterior(inputs, inputs[:, 0]), jnp.array(0.1 * seed))

    assert len(traces) == 1
