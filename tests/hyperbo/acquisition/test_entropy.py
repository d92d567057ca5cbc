"""Max-value entropy search against brute force, and its draws of the maximum."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from scipy import stats

from hyperbo.acquisition import MaxValueEntropySearch, log_max_value_entropy, sample_maxima
from hyperbo.acquisition.entropy import _quantiles_of_maximum


def test_equals_entropy_before_less_entropy_after() -> None:
    """The information is the entropy of the value less that of it cut off at each maximum."""
    mean, stddev, maxima = 0.4, 0.8, np.array([0.2, 1.0, 2.5])
    before = stats.norm(mean, stddev).entropy()
    after = [
        stats.truncnorm(-40.0, (top - mean) / stddev, mean, stddev).entropy() for top in maxima
    ]

    score = log_max_value_entropy(jnp.array([mean]), jnp.array([stddev]), jnp.array(maxima))

    np.testing.assert_allclose(jnp.exp(score[0]), before - np.mean(after), rtol=1e-6)


def test_equals_entropy_lost_by_rejection(key: jax.Array, make_posterior: object) -> None:
    """In one dimension: sample values, reject those above each drawn maximum, compare entropies."""
    trials = jnp.array([[0.1], [0.5], [0.8]])
    posterior = make_posterior(trials, jnp.array([0.0, 0.6, -0.2]), lengthscale=(0.15,))
    grid, point = jnp.linspace(0.0, 1.0, 64)[:, None], jnp.array([[0.62]])
    key_bind, key_draw = jr.split(key)

    bind = eqx.filter_jit(MaxValueEntropySearch(samples=8).bind)
    score = bind(key_bind, posterior, grid, jnp.array(0.6))
    gain = jnp.exp(eqx.filter_jit(score)(point)[0])

    mean, stddev = (float(moment[0]) for moment in posterior.marginals(point).moments())
    values = np.asarray(mean + stddev * jr.normal(key_draw, (50_000,)))
    kept = [stats.differential_entropy(values[values <= top]) for top in score.maxima[0]]
    lost = stats.differential_entropy(values) - np.mean(kept)
    assert gain > 0.05
    np.testing.assert_allclose(gain, lost, atol=0.01)


def test_quantiles_of_the_maximum_are_exact() -> None:
    """At the quartiles found, the product of the distribution functions is the quartile."""
    mean, stddev = jnp.linspace(-1.0, 1.0, 40), jnp.linspace(0.05, 2.0, 40)
    levels = jnp.array([0.25, 0.5, 0.75])

    quartiles = _quantiles_of_maximum(mean, stddev, levels)

    reached = stats.norm(mean, stddev).cdf(np.asarray(quartiles)[:, None]).prod(axis=1)
    np.testing.assert_allclose(reached, levels, atol=1e-6)


def test_drawn_maxima_follow_the_largest_of_many(key: jax.Array) -> None:
    """Quartiles of the draws are those of the largest of 500 independent values."""
    key_maxima, key_brute = jr.split(key)
    brute = jr.normal(key_brute, (20_000, 500)).max(axis=1)

    drawn = sample_maxima(key_maxima, jnp.zeros(500), jnp.ones(500), 4096)

    levels = jnp.array([0.25, 0.5, 0.75])
    np.testing.assert_allclose(jnp.quantile(drawn, levels), jnp.quantile(brute, levels), atol=0.03)


def test_one_candidate_has_its_own_quartiles(key: jax.Array) -> None:
    """The median of the draws for a single candidate is its mean."""
    drawn = sample_maxima(key, jnp.array([2.0]), jnp.array([0.5]), 4096)

    np.testing.assert_allclose(jnp.median(drawn), 2.0, atol=2e-3)


def test_no_maximum_lies_below_the_best(
    key: jax.Array, posterior: object, points: jax.Array
) -> None:
    """What was observed was reached, so the maximum is at least that."""
    bind = eqx.filter_jit(MaxValueEntropySearch(samples=8).bind)
    score = bind(key, posterior, points, jnp.array(5.0))

    assert (score.maxima == 5.0).all()
