"""Thompson sampling chooses points as often as they are believed to be best."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from scipy import stats

from hyperbo.acquisition import ThompsonSampling


def test_chooses_with_the_exact_probability(key: jax.Array, posterior: object) -> None:
    """Of two correlated points, the first is chosen as often as it is the larger."""
    pair = jnp.array([[0.9, 0.95], [0.8, 0.99]])
    mean, covariance = (np.asarray(part[0, 0]) for part in posterior.joint(pair[None]))
    spread = np.sqrt(covariance[0, 0] + covariance[1, 1] - 2.0 * covariance[0, 1])
    probability = stats.norm.cdf((mean[0] - mean[1]) / spread)
    n = 4_000

    @jax.jit
    @jax.vmap
    def is_first(key_draw: jax.Array) -> jax.Array:
        scores = ThompsonSampling().bind(key_draw, posterior, pair, jnp.array(0.0))(pair)
        return scores[0] > scores[1]

    share = is_first(jr.split(key, n)).mean()

    assert 0.05 < probability < 0.95
    assert jnp.abs(share - probability) < 4.0 * (probability * (1.0 - probability) / n) ** 0.5


def test_average_draw_is_the_mean(key: jax.Array, mixture: object, points: jax.Array) -> None:
    """The average over draws lies within four standard errors of the mixture's mean."""
    n = 4_000
    mean, stddev = mixture.marginals(points).moments()

    @jax.jit
    @jax.vmap
    def draw(key_draw: jax.Array) -> jax.Array:
        return ThompsonSampling().bind(key_draw, mixture, points, jnp.array(0.0))(points)

    draws = draw(jr.split(key, n))

    assert (jnp.abs(draws.mean(axis=0) - mean) < 4.0 * stddev / n**0.5).all()


def test_between_candidates_the_nearest_one_counts(
    key: jax.Array, posterior: object, points: jax.Array
) -> None:
    """A point that is almost a candidate has that candidate's drawn value."""
    score = eqx.filter_jit(ThompsonSampling().bind)(key, posterior, points, jnp.array(0.0))

    np.testing.assert_array_equal(eqx.filter_jit(score)(points + 1e-6), score.values)
