"""An exact Gaussian process, written for the tests of acquisitions, and points to try them at."""

from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import pytest
from jax.scipy.linalg import cho_solve, cholesky, solve_triangular

from hyperbo.surrogates import Marginals, Posterior

CAPACITY = 24


class ExactPosterior(Posterior):
    """Mixture of exact Gaussian processes with squared-exponential kernels, at most 24 trials."""

    inputs: jax.Array
    values: jax.Array
    count: jax.Array
    lengthscale: jax.Array
    amplitude: jax.Array
    offset: jax.Array
    noise: jax.Array
    log_weight: jax.Array

    def marginals(self, inputs: jax.Array) -> Marginals:
        """Mean and standard deviation of each component."""
        mean, covariance = self.joint(inputs[:, None, :])
        stddev = jnp.sqrt(jnp.maximum(covariance[..., 0, 0], 1e-18))
        return Marginals(mean[..., 0].T, stddev.T, self.log_weight)

    def sample(self, key: jax.Array, inputs: jax.Array, count: int) -> jax.Array:
        """Joint draws, each from one component."""
        key_component, key_draw = jr.split(key)
        mean, covariance = self.joint(inputs[None])
        size = inputs.shape[0]
        factor = cholesky(covariance[0] + 1e-10 * jnp.eye(size), lower=True)
        draws = jr.normal(key_draw, (count, size))
        values = mean[0][:, None, :] + jnp.einsum("jab,sb->jsa", factor, draws)
        component = jr.categorical(key_component, self.log_weight, shape=(count,))
        return values[component, jnp.arange(count)]

    def fantasise(self, inputs: jax.Array, values: jax.Array) -> Self:
        """Add observations."""
        row = (self.count, jnp.zeros_like(self.count))
        where = lambda each: (each.inputs, each.values, each.count)  # noqa: E731
        more = (
            jax.lax.dynamic_update_slice(self.inputs, inputs, row),
            jax.lax.dynamic_update_slice(self.values, values, row[:1]),
            self.count + inputs.shape[0],
        )
        return eqx.tree_at(where, self, more)

    def joint(self, groups: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Mean (G, J, P) and covariance (G, J, P, P) of `G` groups of `P` points."""

        def component(
            lengthscale: jax.Array, amplitude: jax.Array, offset: jax.Array, noise: jax.Array
        ) -> tuple[jax.Array, jax.Array]:
            def kernel(a: jax.Array, b: jax.Array) -> jax.Array:
                gaps = jnp.sum(jnp.square(a[..., :, None, :] - b[..., None, :, :]), axis=-1)
                return amplitude**2 * jnp.exp(-0.5 * gaps / lengthscale**2)

            size = self.inputs.shape[0]
            is_real = jnp.arange(size) < self.count
            gram = kernel(self.inputs, self.inputs) + noise**2 * jnp.eye(size)
            gram = jnp.where(is_real[:, None] & is_real, gram, jnp.eye(size))
            factor = cholesky(gram, lower=True)
            weights = cho_solve((factor, True), jnp.where(is_real, self.values - offset, 0.0))
            cross = kernel(self.inputs, groups.reshape(-1, groups.shape[-1])) * is_real[:, None]
            half = solve_triangular(factor, cross, lower=True).reshape(size, *groups.shape[:2])
            mean = offset + jnp.einsum("n,ngp->gp", weights, cross.reshape(half.shape))
            return mean, kernel(groups, groups) - jnp.einsum("nga,ngb->gab", half, half)

        mean, covariance = jax.vmap(component)(
            self.lengthscale, self.amplitude, self.offset, self.noise
        )
        return jnp.moveaxis(mean, 0, 1), jnp.moveaxis(covariance, 0, 1)


def exact_posterior(
    inputs: jax.Array,
    values: jax.Array,
    *,
    lengthscale: tuple[float, ...] = (0.3,),
    amplitude: tuple[float, ...] = (1.0,),
    offset: tuple[float, ...] = (0.0,),
    noise: tuple[float, ...] = (0.05,),
    weight: tuple[float, ...] = (1.0,),
) -> ExactPosterior:
    """A posterior with the given hyperparameters, one of each for every component."""
    parameters = [jnp.array(value) for value in (lengthscale, amplitude, offset, noise, weight)]
    *parameters, weights = parameters
    spare = CAPACITY - inputs.shape[0]
    return ExactPosterior(
        jnp.pad(inputs, ((0, spare), (0, 0))),
        jnp.pad(values, (0, spare)),
        jnp.array(inputs.shape[0]),
        *parameters,
        jnp.log(weights),
    )


@pytest.fixture
def make_posterior() -> object:
    """The function that builds posteriors."""
    return exact_posterior


@pytest.fixture
def trials() -> tuple[jax.Array, jax.Array]:
    """Twelve points of the unit square with smooth values between -1 and 1."""
    inputs = jr.uniform(jr.key(11), (12, 2))
    return inputs, jnp.sin(5.0 * inputs[:, 0]) * jnp.cos(4.0 * inputs[:, 1])


@pytest.fixture
def posterior(trials: tuple[jax.Array, jax.Array]) -> ExactPosterior:
    """One Gaussian process after twelve trials."""
    return exact_posterior(*trials)


@pytest.fixture
def mixture(trials: tuple[jax.Array, jax.Array]) -> ExactPosterior:
    """Two quite different Gaussian processes after twelve trials, in unequal parts."""
    return exact_posterior(
        *trials,
        lengthscale=(0.2, 0.6),
        amplitude=(0.7, 1.5),
        offset=(-0.3, 0.4),
        noise=(0.02, 0.1),
        weight=(0.3, 0.7),
    )


@pytest.fixture
def points() -> jax.Array:
    """Nine points of the unit square."""
    return jr.uniform(jr.key(12), (9, 2))
