"""The joint improvement beside pending points, against brute force and closed forms."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from hyperbo.acquisition import LogExpectedImprovement, MonteCarloLogExpectedImprovement

BEST = jnp.array(0.5)
PENDING = jnp.array([[0.2, 0.3], [0.7, 0.6]])


def test_without_pending_it_is_log_expected_improvement(
    key: jax.Array, mixture: object, points: jax.Array
) -> None:
    """With nothing pending the closed form serves."""
    none = MonteCarloLogExpectedImprovement(jnp.zeros((0, 2)))

    score = eqx.filter_jit(none.bind(key, mixture, points, BEST))(points)

    plain = LogExpectedImprovement().bind(key, mixture, points, BEST)
    expected = eqx.filter_jit(plain)(points)
    np.testing.assert_allclose(score, expected)


def test_equals_what_the_point_adds_to_the_joint_improvement(
    key: jax.Array, mixture: object, points: jax.Array
) -> None:
    """It is E max(batch and point) less E max(batch), within four standard errors."""
    key_score, key_brute = jr.split(key)
    n = 40_000
    brute = eqx.filter_jit(mixture.sample)(key_brute, jnp.concatenate([PENDING, points]), n)
    batch = jnp.maximum(brute[:, :2].max(axis=1), BEST)
    added = jnp.maximum(brute[:, 2:], batch[:, None]) - batch[:, None]

    rule = MonteCarloLogExpectedImprovement(PENDING, samples=n)
    gain = jnp.exp(
        eqx.filter_jit(eqx.filter_jit(rule.bind)(key_score, mixture, points, BEST))(points)
    )

    # Both are sample averages, hence the root of two; rounding adds under 1e-4.
    error = 2.0**0.5 * added.std(axis=0) / n**0.5
    assert (jnp.abs(gain - added.mean(axis=0)) < 4.0 * error + 1e-4).all()


def test_adds_next_to_nothing_at_a_pending_point(key: jax.Array, posterior: object) -> None:
    """The same point a second time improves on nothing; without the first it would."""
    rule = MonteCarloLogExpectedImprovement(PENDING)
    score = eqx.filter_jit(eqx.filter_jit(rule.bind)(key, posterior, PENDING, jnp.array(-1.0)))

    alone = eqx.filter_jit(LogExpectedImprovement().bind(key, posterior, PENDING, jnp.array(-1.0)))

    assert (score(PENDING) < alone(PENDING) - 4.0).all()


def test_slope_survives_where_no_sample_improves(key: jax.Array, posterior: object) -> None:
    """Far below a hopeless best value the slope still points where the value rises."""
    rule = MonteCarloLogExpectedImprovement(PENDING)
    score = eqx.filter_jit(eqx.filter_jit(rule.bind)(key, posterior, PENDING, jnp.array(30.0)))
    point = jnp.array([0.45, 0.9])

    slope = jax.jit(jax.grad(lambda x: score(x[None])[0]))(point)

    assert jnp.isfinite(slope).all()
    assert score((point + 1e-3 * slope / jnp.linalg.norm(slope))[None])[0] > score(point[None])[0]
