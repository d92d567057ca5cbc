"""The bounded ascent reaches known maxima, inside and on the bounds, whatever the scale."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from jaxtyping import Array, Float

from hyperbo.acquisition import Score
from hyperbo.acquisition.gaussian_tail import log_mean_excess
from hyperbo.ascent import ascend

ALL = jnp.array([True, True, True])


class Bowl(Score):
    """A quadratic with its top at `top`, curved differently along each axis, and turned."""

    top: Float[Array, " D"]
    scale: float = 1.0

    def __call__(self, inputs: Float[Array, "Q D"]) -> Float[Array, " Q"]:
        """The score, zero at the top."""
        gap = inputs - self.top
        turned = gap[:, 0] - 0.8 * gap[:, 1]
        return -self.scale * (100.0 * turned**2 + jnp.sum(gap**2 * jnp.array([1, 2, 30]), axis=1))


class Rosenbrock(Score):
    """The curved valley, in its first two coordinates, with its top at 0.75 and 0.75."""

    def __call__(self, inputs: Float[Array, "Q D"]) -> Float[Array, " Q"]:
        """The negated valley on [-2, 2]."""
        x, y = 4.0 * inputs[:, 0] - 2.0, 4.0 * inputs[:, 1] - 2.0
        return -(100.0 * (y - x**2) ** 2 + (1.0 - x) ** 2)


class Hopeless(Score):
    """Log expected improvement hundreds of standard deviations under the best value."""

    def __call__(self, inputs: Float[Array, "Q D"]) -> Float[Array, " Q"]:
        """Improvement of a smooth hill under a far higher best value."""
        hill = jnp.sum(jnp.cos(3.0 * (inputs - 0.6)), axis=1)
        return log_mean_excess((hill - 50.0) / 0.1)


class Broken(Score):
    """NaN in one half of the cube, a slope up to the border in the other."""

    def __call__(self, inputs: Float[Array, "Q D"]) -> Float[Array, " Q"]:
        """The first coordinate, below one half."""
        return jnp.where(inputs[:, 0] < 0.5, inputs[:, 0], jnp.nan)


@pytest.fixture
def starts(key: jax.Array) -> jax.Array:
    """Six points of the unit cube in three dimensions."""
    return jr.uniform(key, (6, 3))


@pytest.mark.parametrize("scale", [1e-250, 1e-20, 1.0, 1e20, 1e250])
def test_reaches_the_top_at_any_scale(starts: jax.Array, scale: float) -> None:
    """Two dozen evaluations reach the top, whether slopes are tiny or huge."""
    top = jnp.array([0.3, 0.6, 0.45])

    optimum = ascend(Bowl(top, scale), starts, ALL, steps=24)

    np.testing.assert_allclose(optimum.points, jnp.broadcast_to(top, (6, 3)), atol=2e-3)
    np.testing.assert_allclose(optimum.scores, Bowl(top, scale)(optimum.points), rtol=1e-6)


def test_stops_at_the_bounds(starts: jax.Array) -> None:
    """With the top outside the cube, the point reached is the best one on its surface."""
    score = Bowl(jnp.array([1.3, 0.5, -0.2]))
    grid = jnp.stack(
        jnp.meshgrid(jnp.linspace(0, 1, 201), jnp.linspace(0, 1, 201), indexing="ij"), axis=-1
    )
    face = jnp.concatenate([grid.reshape(-1, 2), jnp.zeros((201 * 201, 1))], axis=1)

    optimum = ascend(score, starts, ALL, steps=40)

    assert (optimum.points >= 0.0).all()
    assert (optimum.points <= 1.0).all()
    np.testing.assert_allclose(optimum.scores, score(face).max(), rtol=1e-3)


def test_other_coordinates_stay(starts: jax.Array) -> None:
    """A coordinate that is not continuous keeps its value bit for bit; the rest climbs on."""
    score = Bowl(jnp.array([0.3, 0.6, 0.45]))

    optimum = ascend(score, starts, jnp.array([True, False, True]), steps=24)

    np.testing.assert_array_equal(optimum.points[:, 1], starts[:, 1])
    # Given the second coordinate, the first one's top is where its slope is zero.
    first = 0.3 + 100.0 * 0.8 * (starts[:, 1] - 0.6) / 101.0
    np.testing.assert_allclose(optimum.points[:, 0], jnp.clip(first, 0.0, 1.0), atol=1e-3)
    np.testing.assert_allclose(optimum.points[:, 2], 0.45, atol=1e-3)


def test_follows_a_curved_valley() -> None:
    """Rosenbrock's valley is climbed to its end from the far side."""
    optimum = ascend(
        Rosenbrock(), jnp.array([[0.2, 0.75], [0.9, 0.1]]), jnp.array([True, True]), steps=120
    )

    np.testing.assert_allclose(optimum.points, 0.75, atol=1e-3)


def test_climbs_where_improvement_is_hopeless(starts: jax.Array) -> None:
    """Slopes of a hundred thousand lead to the top of the hill as small ones do."""
    optimum = ascend(Hopeless(), starts, ALL, steps=24)

    np.testing.assert_allclose(optimum.points, 0.6, atol=1e-3)


def test_never_ends_below_its_start(starts: jax.Array) -> None:
    """However few the steps, no point scores less than where it started."""
    score = Rosenbrock()

    for steps in (0, 1, 2, 5):
        assert (ascend(score, starts, ALL, steps=steps).scores >= score(starts)).all()


def test_stays_where_the_score_is_a_number() -> None:
    """A start without a score stays; one with a score never leaves for where there is none."""
    starts = jnp.array([[0.2, 0.5, 0.5], [0.7, 0.5, 0.5]])

    optimum = ascend(Broken(), starts, ALL, steps=40)

    np.testing.assert_array_equal(optimum.points[1], starts[1])
    assert 0.45 < optimum.points[0, 0] < 0.5
    assert jnp.isfinite(optimum.scores[0])


def test_flat_score_moves_nothing(starts: jax.Array) -> None:
    """Where there is no slope, there is no step, and no NaN."""
    optimum = ascend(Bowl(jnp.zeros(3), 0.0), starts, ALL, steps=10)

    np.testing.assert_array_equal(optimum.points, starts)


def test_stops_where_it_is_flat_enough(starts: jax.Array) -> None:
    """With a tolerance, starts end where no slope is steeper, and no sooner."""
    score = Bowl(jnp.array([0.3, 0.5, 0.7]))

    found = ascend(score, starts, ALL, steps=100, flat=0.5)
    at_once = ascend(score, found.points, ALL, steps=100, flat=0.5)

    slopes = jax.grad(lambda points: score(points).sum())(found.points)
    assert (jnp.abs(slopes).max(axis=1) <= 0.5).all()
    assert (jnp.abs(slopes).max(axis=1) > 1e-6).any()
    np.testing.assert_array_equal(at_once.points, found.points)
