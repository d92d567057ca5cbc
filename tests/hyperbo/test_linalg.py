"""Factors one by one, and the Gaussian cross entropy with its derivatives, against scipy."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from hyperbo.linalg import (
    JITTER,
    each_in_turn,
    gaussian_cross_entropy,
    log_determinant,
    masked_cholesky,
    solve_lower,
)

NOISE = jnp.asarray(0.1)


@pytest.fixture
def problem() -> tuple[jax.Array, jax.Array, jax.Array]:
    """A covariance of seven entries, three columns of residuals, and a mask with two holes."""
    random = np.random.default_rng(0)
    root = random.normal(size=(7, 7))
    mask = np.array([True, True, False, True, True, False, True])
    residuals = np.where(mask[:, None], random.normal(size=(7, 3)), 0.0)
    return jnp.asarray(root @ root.T), jnp.asarray(residuals), jnp.asarray(mask)


def through_the_factor(
    covariance: jax.Array, noise: jax.Array, residuals: jax.Array, mask: jax.Array
) -> jax.Array:
    """The same number, to be differentiated automatically."""
    factor = masked_cholesky(covariance, noise, mask)
    whitened = solve_lower(factor, residuals)
    count = jnp.sum(mask) * jnp.log(2.0 * jnp.pi)
    return 0.5 * (jnp.sum(whitened**2) / 3 + log_determinant(factor) + count)


def test_is_the_average_of_scipys_densities(problem: tuple[jax.Array, ...]) -> None:
    """It is minus the mean log density of the columns, over the real entries only."""
    covariance, residuals, mask = problem
    real = np.asarray(mask)
    dense = np.asarray(covariance)[np.ix_(real, real)] + (0.1 + JITTER) * np.eye(real.sum())
    wanted = -multivariate_normal(np.zeros(5), dense).logpdf(np.asarray(residuals)[real].T).mean()
    got = jax.jit(gaussian_cross_entropy)(covariance, NOISE, residuals, mask)
    np.testing.assert_allclose(got, wanted, rtol=1e-12)


def test_gradient_equals_automatic(problem: tuple[jax.Array, ...]) -> None:
    """The closed-form slopes equal those found by differentiating through the factor."""
    covariance, residuals, mask = problem
    arguments = (covariance, NOISE, residuals, mask)
    got = jax.jit(jax.grad(gaussian_cross_entropy, argnums=(0, 1, 2)))(*arguments)
    wanted = jax.jit(jax.grad(through_the_factor, argnums=(0, 1, 2)))(*arguments)
    np.testing.assert_allclose(got[0], wanted[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(got[1], wanted[1], rtol=1e-9)
    real = np.asarray(mask)
    np.testing.assert_allclose(got[2][real], wanted[2][real], rtol=1e-9, atol=1e-12)


def test_can_be_differentiated_twice(problem: tuple[jax.Array, ...]) -> None:
    """Curvature along the noise, forward over reverse, equals the automatic one."""
    covariance, residuals, mask = problem

    def curvature(function: Callable[..., jax.Array]) -> jax.Array:
        along = jax.hessian(lambda noise: function(covariance, noise, residuals, mask))
        return jax.jit(along)(NOISE)

    got, wanted = curvature(gaussian_cross_entropy), curvature(through_the_factor)
    np.testing.assert_allclose(got, wanted, rtol=1e-8)


def test_what_is_padded_has_no_slope(problem: tuple[jax.Array, ...]) -> None:
    """Covariances with padded entries can be anything: their slope is exactly zero."""
    covariance, residuals, mask = problem
    slope = jax.jit(jax.grad(gaussian_cross_entropy))(covariance, NOISE, residuals, mask)
    padded = ~np.asarray(mask)
    assert not np.asarray(slope)[padded].any()
    assert not np.asarray(slope)[:, padded].any()


def test_is_nan_where_not_positive_definite() -> None:
    """A matrix that is no covariance gives NaN, for the training loop to stop at."""
    broken = jnp.asarray([[1.0, 2.0], [2.0, 1.0]])
    loss = gaussian_cross_entropy(broken, NOISE, jnp.ones((2, 1)), jnp.ones(2, dtype=bool))
    assert jnp.isnan(loss)


def test_noise_may_differ_from_entry_to_entry(problem: tuple[jax.Array, ...]) -> None:
    """The factor is that of the covariance with each entry's own noise; padding is the identity."""
    covariance, _, mask = problem
    noise = jnp.arange(7.0)
    factor = masked_cholesky(covariance, noise, mask)
    both = mask[:, None] & mask[None, :]
    wanted = jnp.where(both, covariance, 0.0) + jnp.diag(jnp.where(mask, noise + JITTER, 1.0))
    np.testing.assert_allclose(factor @ factor.T, wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("count", [1, 3])
def test_each_in_turn_is_what_vmap_gives(
    problem: tuple[jax.Array, ...], key: jax.Array, count: int
) -> None:
    """Entry by entry, trees included, the results are those of one batch."""
    covariance, residuals, mask = problem
    noises = jnp.exp(jr.normal(key, (count,)))
    stacks = (noises, {"scale": jnp.arange(1.0, count + 1.0)})

    def solve(noise: jax.Array, extra: dict[str, jax.Array]) -> tuple[jax.Array, jax.Array]:
        factor = masked_cholesky(covariance, noise, mask)
        return factor, extra["scale"] * solve_lower(factor, residuals)

    for ours, theirs in zip(each_in_turn(solve, *stacks), jax.vmap(solve)(*stacks), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


def test_many_factors_at_once_do_not_wait_for_each_other() -> None:
    """No batch reaches LAPACK, whose batches may wait for each other's threads for ever."""
    covariance = jnp.eye(8)

    def factors(noises: jax.Array) -> jax.Array:
        every = jnp.ones(8, dtype=bool)
        return each_in_turn(lambda noise: masked_cholesky(covariance, noise, every), noises)

    compiled = jax.jit(factors).lower(jnp.ones(5)).compile().as_text()
    assert compiled is not None
    calls = [line for line in compiled.splitlines() if "lapack_dpotrf" in line]
    assert calls
    assert not any("f64[5,8,8]" in line for line in calls)
