"""Maximisers find known maxima, respect what may move and what is taken, and compile once."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from jaxtyping import Array, Float

from hyperbo.acquisition import (
    LogExpectedImprovement,
    Score,
    maximise_continuous,
    maximise_pool,
)
from hyperbo.acquisition.maximise import _spread
from hyperbo.errors import ExhaustedError

BOTH = jnp.array([True, True])
TRACES: list[str] = []


class Branin(Score):
    """The negated Branin function on the unit square; three maxima of -0.397887."""

    def __call__(self, inputs: Float[Array, "Q D"]) -> Float[Array, " Q"]:
        """The score; notes that it was traced."""
        TRACES.append("Branin")
        x, y = 15.0 * inputs[:, 0] - 5.0, 15.0 * inputs[:, 1]
        valley = y - 5.1 / (4.0 * jnp.pi**2) * x**2 + 5.0 / jnp.pi * x - 6.0
        return -(valley**2 + 10.0 * (1.0 - 1.0 / (8.0 * jnp.pi)) * jnp.cos(x) + 10.0)


class Height(Score):
    """The first coordinate, times a factor."""

    factor: Float[Array, ""]

    def __call__(self, inputs: Float[Array, "Q D"]) -> Float[Array, " Q"]:
        """The score; notes that it was traced."""
        TRACES.append("Height")
        return self.factor * inputs[:, 0]


@pytest.fixture
def candidates(key: jax.Array) -> jax.Array:
    """256 points of the unit square."""
    return jr.uniform(key, (256, 2))


def test_finds_all_three_maxima(candidates: jax.Array) -> None:
    """Starts that lie apart climb all hills, and the published maximum comes out first."""
    optimum = maximise_continuous(Branin(), candidates, BOTH, starts=8, steps=24)

    np.testing.assert_allclose(optimum.scores[0], -0.39788735772973816, rtol=1e-5)
    tops = jnp.array([[-jnp.pi, 12.275], [jnp.pi, 2.275], [9.42478, 2.475]]) + jnp.array([5.0, 0])
    gaps = jnp.abs(optimum.points[:, None, :] - tops[None] / 15.0).max(axis=2)
    assert (gaps.min(axis=0) < 2e-3).all()


def test_best_comes_first(candidates: jax.Array) -> None:
    """Points are sorted by their scores, and these are the scores of the points."""
    optimum = maximise_continuous(Branin(), candidates, BOTH)

    assert (jnp.diff(optimum.scores) <= 0.0).all()
    np.testing.assert_allclose(optimum.scores, Branin()(optimum.points), rtol=1e-9)


def test_reaches_the_maximum_of_log_improvement(
    key: jax.Array, posterior: object, candidates: jax.Array
) -> None:
    """On a Gaussian process it reaches at least what a fine grid does."""
    axis = jnp.linspace(0.0, 1.0, 101)
    grid = jnp.stack(jnp.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    score = LogExpectedImprovement().bind(key, posterior, candidates, jnp.array(0.8))

    optimum = maximise_continuous(score, candidates[:64], BOTH, starts=4)

    assert optimum.scores[0] >= eqx.filter_jit(score)(grid).max() - 1e-9


def test_categories_stay_and_the_best_one_wins(key: jax.Array) -> None:
    """With a category in the last coordinate, the best category's own maximum is found."""

    class Mixed(Score):
        def __call__(self, inputs: Float[Array, "Q D"]) -> Float[Array, " Q"]:
            top = jnp.where(inputs[:, 1] > 0.5, 0.9, 0.2)
            return inputs[:, 1] - jnp.square(inputs[:, 0] - top)

    points = jr.uniform(key, (40, 2)).at[:, 1].set(jnp.arange(40) % 2)

    optimum = maximise_continuous(Mixed(), points, jnp.array([True, False]), starts=4)

    np.testing.assert_allclose(optimum.points[0], jnp.array([0.9, 1.0]), atol=1e-6)
    assert set(np.unique(optimum.points[:, 1])) <= {0.0, 1.0}


def test_same_shapes_compile_once(candidates: jax.Array) -> None:
    """A second call with other numbers of the same shapes traces nothing."""
    maximise_continuous(Height(jnp.array(1.0)), candidates, BOTH)
    before = len(TRACES)

    optimum = maximise_continuous(Height(jnp.array(-2.0)), 0.5 * candidates, ~BOTH)

    assert len(TRACES) == before
    np.testing.assert_allclose(optimum.scores[0], -candidates[:, 0].min())


def test_starts_lie_apart_while_there_are_such(key: jax.Array) -> None:
    """A crowd at the top gives one start; others come from elsewhere, then from the crowd."""
    crowd = 0.9 + 0.001 * jr.uniform(key, (20, 2))
    points = jnp.concatenate([crowd, jnp.array([[0.1, 0.1], [0.5, 0.5]])])

    chosen = _spread(points, points[:, 0], 4)

    assert chosen[0] < 20
    assert chosen[1:3].tolist() == [21, 20]
    assert chosen[3] < 20
    assert len(set(chosen.tolist())) == 4


def test_fewer_candidates_than_starts() -> None:
    """Each candidate is climbed from once."""
    points = jnp.array([[0.2, 0.2], [0.8, 0.8]])

    optimum = maximise_continuous(Height(jnp.array(1.0)), points, BOTH, starts=8)

    np.testing.assert_allclose(optimum.points, jnp.array([[1.0, 0.8], [1.0, 0.2]]), atol=1e-9)


def test_pool_never_gives_an_unavailable_point(candidates: jax.Array) -> None:
    """Taking one point after the other visits the pool once, from best to worst."""
    pool = candidates[:30]
    available = np.ones(30, dtype=bool)
    order = []
    for _ in range(30):
        index = int(maximise_pool(Height(jnp.array(1.0)), pool, available))
        assert available[index]
        available[index] = False
        order.append(index)

    np.testing.assert_array_equal(order, jnp.argsort(-pool[:, 0]))


def test_pool_without_an_available_point_says_so(candidates: jax.Array) -> None:
    """An exhausted pool is an error that names its size."""
    with pytest.raises(ExhaustedError, match="All 256 points"):
        maximise_pool(Height(jnp.array(1.0)), candidates, np.zeros(256, dtype=bool))


@pytest.mark.parametrize("bad", [jnp.nan, -jnp.inf])
def test_pool_of_bad_scores_still_gives_an_available_point(bad: float) -> None:
    """Even if no score is a number, what comes back is available."""
    pool, available = jnp.ones((4, 2)), np.array([False, False, True, False])

    assert int(maximise_pool(Height(jnp.array(bad)), pool, available)) == 2
