"""Cholesky factors of padded covariances: the only place that factorises or adds jitter."""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float

from hyperbo.arrays import Array

Result = TypeVar("Result")

JITTER = 1e-6
"""Added to every noise variance, relative to an objective of unit scale (as in HyperBO)."""

_MAX_ATTEMPTS = 6


def masked_cholesky(
    covariance: Float[Array, "N N"],
    noise: Float[Array, ""] | Float[Array, " N"],
    mask: Bool[Array, " N"],
) -> Float[Array, "N N"]:
    """Lower Cholesky factor of the covariance plus noise; padded rows become the identity.

    Args:
        covariance: Noise-free covariance of all entries, the padded ones included.
        noise: Noise variance of the real entries: of all, or of each.
        mask: True where an entry is real.

    Returns:
        The factor; NaN throughout if the matrix is not positive definite. Differentiable.
    """
    both = mask[:, None] & mask[None, :]
    diagonal = jnp.where(mask, noise + JITTER, 1.0)
    return jnp.linalg.cholesky(jnp.where(both, covariance, 0.0) + jnp.diag(diagonal))


def robust_cholesky(
    covariance: Float[Array, "N N"],
    noise: Float[Array, ""] | Float[Array, " N"],
    mask: Bool[Array, " N"],
) -> Float[Array, "N N"]:
    """`masked_cholesky`, with the jitter raised tenfold until the factor is finite.

    For conditioning only: it cannot be differentiated, and a likelihood must not change its
    model from one step to the next.
    """
    scale = jnp.max(jnp.where(mask, jnp.diagonal(covariance), 0.0))

    def is_broken(state: tuple[Array, Array]) -> Array:
        attempt, factor = state
        return (attempt < _MAX_ATTEMPTS) & ~jnp.all(jnp.isfinite(factor))

    def raise_jitter(state: tuple[Array, Array]) -> tuple[Array, Array]:
        attempt, _ = state
        extra = JITTER * scale * 10.0 ** attempt.astype(covariance.dtype)
        return attempt + 1, masked_cholesky(covariance, noise + extra, mask)

    first = jnp.zeros((), jnp.int32), masked_cholesky(covariance, noise, mask)
    return jax.lax.while_loop(is_broken, raise_jitter, first)[1]


def each_in_turn(function: Callable[..., Result], *stacks: Any) -> Result:
    """Apply a function to each leading entry of arrays or trees, and stack the results.

    For functions that factorise or solve. It is what `jax.vmap` gives, without LAPACK's batches:
    in jaxlib 0.10 these wait on the CPU for threads that other batches hold, which may be waiting
    too, and then for ever.

    Args:
        function: Takes one entry of each stack.
        stacks: Their leading axes are of one length.
    """
    if jax.tree.leaves(stacks)[0].shape[0] == 1:
        # One entry is no batch, and without the loop it is faster.
        return jax.vmap(function)(*stacks)
    return jax.lax.map(lambda entries: function(*entries), stacks)


def append_row(
    factor: Float[Array, "N N"],
    column: Float[Array, " N"],
    variance: Float[Array, ""],
    position: Array,
) -> Float[Array, "N N"]:
    """Grow a padded Cholesky factor by one entry in O(N^2).

    Args:
        factor: Factor whose row `position` is still padding (identity).
        column: Covariance of the new entry with the real ones; zero where padded.
        variance: The new entry's variance, its noise included.
        position: Index of the padded row to fill; every real row lies before it.

    Returns:
        The factor of the grown matrix.
    """
    row = solve_lower(factor, column)
    pivot = jnp.sqrt(jnp.maximum(variance + JITTER - jnp.dot(row, row), JITTER))
    return factor.at[position].set(row.at[position].set(pivot))


def solve_lower(
    factor: Float[Array, "N N"], right: Float[Array, " N"] | Float[Array, "N Q"]
) -> Float[Array, " N"] | Float[Array, "N Q"]:
    """Solve `factor @ x = right` for lower-triangular `factor`."""
    return jax.scipy.linalg.solve_triangular(factor, right, lower=True)


def solve_upper(
    factor: Float[Array, "N N"], right: Float[Array, " N"] | Float[Array, "N Q"]
) -> Float[Array, " N"] | Float[Array, "N Q"]:
    """Solve `factor.T @ x = right` for lower-triangular `factor`."""
    return jax.scipy.linalg.solve_triangular(factor, right, lower=True, trans="T")


def log_determinant(factor: Float[Array, "N N"]) -> Float[Array, ""]:
    """Log determinant of the matrix a Cholesky factor stands for; padded rows add nothing."""
    return 2.0 * jnp.sum(jnp.log(jnp.diagonal(factor)))


@jax.custom_jvp
def gaussian_cross_entropy(
    covariance: Float[Array, "N N"],
    noise: Float[Array, ""],
    residuals: Float[Array, "N S"],
    mask: Bool[Array, " N"],
) -> Float[Array, ""]:
    r"""Average over columns of the negative log density of residuals under a padded Gaussian.

    $\frac{1}{2}\left[\mathrm{tr}(C^{-1} R R^\top) / S + \log|C| + n \log 2\pi\right]$, with
    $C$ the covariance plus noise and jitter and $n$ the number of real entries. One factor serves
    all columns. The derivative is exact: $\frac{1}{2}(C^{-1} - C^{-1} R R^\top C^{-1} / S)$ by one
    explicit inverse, in place of automatic differentiation through the factor, which takes longer
    than all the rest of a pre-training step.

    Args:
        covariance: Noise-free covariance of all entries, symmetric.
        noise: Noise variance of the real entries.
        residuals: One draw less its mean a column; zero where padded.
        mask: True where an entry is real.

    Returns:
        Nats; NaN if the matrix is not positive definite.

    References:
        Rasmussen and Williams (2006), equation 5.9.
    """
    factor = masked_cholesky(covariance, noise, mask)
    return _cross_entropy(factor, solve_lower(factor, residuals), mask)


@gaussian_cross_entropy.defjvp
def _gaussian_cross_entropy_jvp(
    primals: tuple[Array, ...], tangents: tuple[Any, ...]
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    covariance, noise, residuals, mask = primals
    # A mask of truth values has no tangent but a placeholder.
    covariance_tangent, noise_tangent, residuals_tangent, _ = tangents
    # 1. The value, by a triangular factor.
    factor = masked_cholesky(covariance, noise, mask)
    whitened = solve_lower(factor, residuals)
    value = _cross_entropy(factor, whitened, mask)
    # 2. The inverse, and its product with the residuals.
    # A second triangular solve would take several times as long as the product.
    identity = jnp.eye(mask.shape[0], dtype=covariance.dtype)
    half = solve_lower(factor, identity)
    inverse = half.T @ half
    weights = half.T @ whitened
    # 3. The slope along the covariance; the padded block does not depend on it.
    count = residuals.shape[1]
    both = mask[:, None] & mask[None, :]
    slope = jnp.where(both, 0.5 * (inverse - weights @ weights.T / count), 0.0)
    return value, (
        jnp.sum(slope * covariance_tangent)
        + jnp.trace(slope) * noise_tangent
        + jnp.sum(weights * residuals_tangent) / count
    )


def _cross_entropy(
    factor: Float[Array, "N N"], whitened: Float[Array, "N S"], mask: Bool[Array, " N"]
) -> Float[Array, ""]:
    quadratic = jnp.sum(jnp.square(whitened)) / whitened.shape[1]
    constant = jnp.sum(mask) * jnp.log(2.0 * jnp.pi)
    return 0.5 * (quadratic + log_determinant(factor) + constant)


def sample_gaussian(
    normals: Float[Array, "S Q"], mean: Float[Array, " Q"], covariance: Float[Array, "Q Q"]
) -> Float[Array, "S Q"]:
    """Turn standard normals into joint draws with the given mean and covariance; differentiable.

    The jitter alone keeps the factor finite: what conditioning loses to cancellation is far
    below it.
    """
    everything = jnp.ones(mean.shape, dtype=bool)
    factor = masked_cholesky(covariance, jnp.zeros(()), everything)
    return mean[None, :] + normals @ factor.T
