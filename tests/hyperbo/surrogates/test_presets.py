"""Presets against the formulas of the papers they come from."""

import itertools

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from gpjax.parameters import PositiveReal

from hyperbo.errors import PriorError
from hyperbo.surrogates import FeatureNetwork, GaussianProcessPrior, KumaraswamyWarp
from hyperbo.surrogates.presets import (
    ablr,
    constant_mean,
    dot_product,
    fsbo,
    gaussian_process_prior,
    hyperbo_prior,
    linear_mean,
    matern32,
    matern52,
    matern_prior,
    on_features,
    on_inputs,
    squared_exponential,
    zero_mean,
)

POINTS = jnp.asarray(np.random.default_rng(0).uniform(size=(6, 3)))
SCALE = np.log(2.0)


def covariance(prior: GaussianProcessPrior) -> np.ndarray:
    """The prior's covariance of the points with each other."""
    embedded = prior.embed(POINTS)
    return np.asarray(prior.covariance(embedded, embedded))


def features(key: jax.Array, widths: tuple[int, ...]) -> np.ndarray:
    """Tanh features by numpy, from the same initial weights."""
    network = FeatureNetwork(key, 3, widths)
    hidden = np.asarray(POINTS)
    for weight, bias in zip(network.weights, network.biases, strict=True):
        hidden = np.tanh(hidden @ np.asarray(weight).T + np.asarray(bias))
    return hidden


def distances(points: np.ndarray) -> np.ndarray:
    """Pairwise distances in units of the initial lengthscale."""
    return np.linalg.norm(points[:, None] - points[None, :], axis=2) / SCALE


def matern52_of(distance: np.ndarray) -> np.ndarray:
    """Rasmussen and Williams (2006), equation 4.17, at the initial variance."""
    scaled = np.sqrt(5.0) * distance
    return SCALE * (1.0 + scaled + scaled**2 / 3.0) * np.exp(-scaled)


def test_kernels_are_the_textbooks() -> None:
    """Squared exponential, Matern-3/2, Matern-5/2 and dot product, on inputs."""
    points, distance = np.asarray(POINTS), distances(np.asarray(POINTS))
    scaled = np.sqrt(3.0) * distance
    wanted = {
        squared_exponential: SCALE * np.exp(-0.5 * distance**2),
        matern32: SCALE * (1.0 + scaled) * np.exp(-scaled),
        matern52: matern52_of(distance),
        dot_product: SCALE + points @ points.T / 3.0,
    }
    for build, dense in wanted.items():
        prior = gaussian_process_prior(3, on_inputs(zero_mean), on_inputs(build))
        np.testing.assert_allclose(covariance(prior), dense, rtol=1e-7, atol=1e-12)
        embedded = prior.embed(POINTS)
        np.testing.assert_allclose(prior.variance(embedded), np.diag(dense), rtol=1e-7)


def test_hyperbo_sees_features(key: jax.Array) -> None:
    """Its covariance is Matern-5/2 between tanh features; its mean is linear in them."""
    prior = hyperbo_prior(key, 3, (5, 4))
    hidden = features(key, (5, 4))
    np.testing.assert_allclose(covariance(prior), matern52_of(distances(hidden)), rtol=1e-7)
    weights = jnp.asarray([1.0, -2.0, 0.5, 3.0])
    mean = linear_mean(4)
    np.testing.assert_allclose(mean(jnp.asarray(hidden)), 0.0, atol=0.0)
    assert prior.mean_function.weights.unwrap().shape == weights.shape


def test_ablr_is_bayesian_linear_regression(key: jax.Array) -> None:
    """Its covariance is that of a random plane through the features, its mean zero."""
    prior = ablr(key, 3, (5, 4))
    hidden = features(key, (5, 4))
    np.testing.assert_allclose(covariance(prior), SCALE + hidden @ hidden.T / 4.0, rtol=1e-9)
    np.testing.assert_array_equal(prior.mean(prior.embed(POINTS)), np.zeros(6))


def test_fsbo_is_hyperbo_without_mean(key: jax.Array) -> None:
    """The same covariance as HyperBO's, and a mean of zero."""
    few, full = fsbo(key, 3, (4,)), hyperbo_prior(key, 3, (4,))
    np.testing.assert_array_equal(covariance(few), covariance(full))
    np.testing.assert_array_equal(few.mean(few.embed(POINTS)), np.zeros(6))


def test_matern_prior_sees_inputs() -> None:
    """Its covariance is Matern-5/2 between inputs."""
    wanted = matern52_of(distances(np.asarray(POINTS)))
    np.testing.assert_allclose(covariance(matern_prior(3)), wanted, rtol=1e-7)


def test_noise_starts_where_it_is_put(key: jax.Array) -> None:
    """Softplus of minus six by default, as in HyperBO's release; else what is given."""
    np.testing.assert_allclose(matern_prior(2).noise_variance, np.log1p(np.exp(-6.0)), rtol=1e-9)
    np.testing.assert_allclose(ablr(key, 2, noise=0.3).noise_variance, 0.3, rtol=1e-9)


def test_warp_bends_what_mean_and_kernel_see() -> None:
    """With exponents two and one, the kernel sees the squares of the inputs."""
    warp = KumaraswamyWarp(3)
    bent = jax.tree.map(lambda leaf: leaf, warp)
    object.__setattr__(bent, "a", PositiveReal(jnp.full(3, 2.0)))
    prior = matern_prior(3, warp=bent)
    wanted = matern52_of(distances(np.asarray(POINTS) ** 2))
    np.testing.assert_allclose(covariance(prior), wanted, rtol=1e-6)
    np.testing.assert_allclose(
        covariance(matern_prior(3, warp=warp)), covariance(matern_prior(3)), rtol=1e-6
    )


def test_every_pair_of_parts_gives_a_covariance(key: jax.Array) -> None:
    """Any mean with any kernel, each on inputs or features: symmetric, no negative eigenvalue."""
    network = FeatureNetwork(key, 3, (4,))
    means = [place(mean) for place in (on_inputs, on_features) for mean in _MEANS]
    kernels = [place(kernel) for place in (on_inputs, on_features) for kernel in _KERNELS]
    for mean, kernel in itertools.product(means, kernels):
        prior = gaussian_process_prior(3, mean, kernel, network=network)
        dense = covariance(prior)
        np.testing.assert_allclose(dense, dense.T, rtol=1e-12)
        assert np.linalg.eigvalsh(dense).min() > -1e-12
        np.testing.assert_array_equal(prior.mean(prior.embed(POINTS)), np.zeros(6))


_MEANS = (zero_mean, constant_mean, linear_mean)
_KERNELS = (squared_exponential, matern32, matern52, dot_product)


def test_network_is_stored_once(key: jax.Array) -> None:
    """Mean and kernel read one network: its weights come once among the arrays."""
    prior = hyperbo_prior(key, 3, (5, 4))
    matrices = [leaf.shape for leaf in jax.tree.leaves(prior) if leaf.ndim == 2]
    assert matrices == [(5, 3), (4, 5)]


def test_other_keys_other_features(key: jax.Array) -> None:
    """The network's randomness is the key's, and only that."""
    same = covariance(hyperbo_prior(key, 3, (4,)))
    np.testing.assert_array_equal(same, covariance(hyperbo_prior(key, 3, (4,))))
    assert not np.allclose(same, covariance(hyperbo_prior(jr.key(5), 3, (4,))))


def test_features_need_a_network() -> None:
    """A part on features without a network is refused."""
    with pytest.raises(PriorError, match="no feature network"):
        gaussian_process_prior(2, on_features(linear_mean), on_inputs(matern52))
