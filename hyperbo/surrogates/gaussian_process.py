"""The Gaussian-process prior of HyperBO: a GPJax mean and kernel, also on shared features."""

import equinox as eqx
import gpjax as gpx
import jax.numpy as jnp
from gpjax.kernels import AbstractKernel
from gpjax.kernels.stationary.base import StationaryKernel
from gpjax.mean_functions import AbstractMeanFunction
from gpjax.parameters import PositiveReal, val
from jaxtyping import Bool, Float

from hyperbo.arrays import Array
from hyperbo.linalg import gaussian_cross_entropy
from hyperbo.surrogates.base import Prior
from hyperbo.surrogates.features import FeatureNetwork, KumaraswamyWarp
from hyperbo.surrogates.kernels import cross_covariance, variances


class GaussianProcessPrior(Prior):
    """A Gaussian process whose mean and kernel see the inputs, or features learned from them.

    The feature network is stored once and shared by mean and kernel (Wang et al. 2024, section
    on parametrisation), so that it cannot be trained apart.

    Attributes:
        mean_function: GPJax mean function.
        kernel: GPJax kernel.
        noise: Variance of an observation about the objective.
        warp: Warping of the inputs, or None.
        network: Feature map applied to the warped inputs, or None.
        mean_on_features: Whether the mean sees the features instead of the inputs.
        kernel_on_features: Whether the kernel sees the features instead of the inputs.
    """

    mean_function: AbstractMeanFunction
    kernel: AbstractKernel
    noise: PositiveReal
    warp: KumaraswamyWarp | None = None
    network: FeatureNetwork | None = None
    mean_on_features: bool = eqx.field(static=True, default=False)
    kernel_on_features: bool = eqx.field(static=True, default=False)

    def embed(self, inputs: Float[Array, "N D"]) -> Float[Array, "N F"]:
        """Warped inputs, followed by their features where there is a network."""
        warped = inputs if self.warp is None else self.warp(inputs)
        if self.network is None:
            return warped
        return jnp.concatenate([warped, self.network(warped)], axis=1)

    def mean(self, embedded: Float[Array, "N F"]) -> Float[Array, " N"]:
        """Prior mean at embedded points."""
        return self.mean_function(self._view(embedded, on_features=self.mean_on_features))[:, 0]

    def covariance(
        self, left: Float[Array, "A F"], right: Float[Array, "B F"]
    ) -> Float[Array, "A B"]:
        """Prior covariance between embedded points."""
        return cross_covariance(
            self.kernel,
            self._view(left, on_features=self.kernel_on_features),
            self._view(right, on_features=self.kernel_on_features),
        )

    def variance(self, embedded: Float[Array, "N F"]) -> Float[Array, " N"]:
        """Prior variance at embedded points."""
        return variances(self.kernel, self._view(embedded, on_features=self.kernel_on_features))

    @property
    def noise_variance(self) -> Float[Array, ""]:
        """Variance of an observation about the objective."""
        return val(self.noise)

    @property
    def log_factor_count(self) -> int:
        """One lengthscale for each dimension the kernel sees, if it has any; then the noise."""
        if not isinstance(self.kernel, StationaryKernel):
            return 1
        return 1 + val(self.kernel.lengthscale).size

    def adapted(self, log_factors: Float[Array, " P"]) -> "GaussianProcessPrior":
        """Multiply the lengthscales and the noise; features, mean and variance stay."""
        noise = PositiveReal(val(self.noise) * jnp.exp(log_factors[-1]))
        adapted = eqx.tree_at(lambda prior: prior.noise, self, noise)
        if not isinstance(self.kernel, StationaryKernel):
            return adapted
        old = val(self.kernel.lengthscale)
        lengthscale = PositiveReal(old * jnp.exp(log_factors[:-1].reshape(old.shape)))
        return eqx.tree_at(lambda prior: prior.kernel.lengthscale, adapted, lengthscale)

    def to_gpjax(self) -> gpx.gps.ConjugateModel:
        """The same model in GPJax's own terms; it speaks of the view its kernel sees."""
        likelihood = gpx.likelihoods.Gaussian(obs_stddev=jnp.sqrt(self.noise_variance))
        return gpx.gps.Prior(kernel=self.kernel, mean_function=self.mean_function) * likelihood

    def _view(self, embedded: Float[Array, "N F"], *, on_features: bool) -> Float[Array, "N G"]:
        if self.network is None:
            return embedded
        split = embedded.shape[1] - self.network.width
        return embedded[:, split:] if on_features else embedded[:, :split]


def negative_log_likelihood(
    prior: Prior,
    inputs: Float[Array, "N D"],
    values: Float[Array, " N"],
    mask: Bool[Array, " N"],
) -> Float[Array, ""]:
    """Negative log marginal likelihood of one padded task; padded entries add nothing.

    Args:
        prior: The prior the task is taken to be drawn from.
        inputs: Points of the unit cube, padded.
        values: Objective at each, padded.
        mask: True where an entry is real.

    Returns:
        Nats, the constant included.
    """
    embedded = prior.embed(inputs)
    residual = jnp.where(mask, values - prior.mean(embedded), 0.0)
    covariance = prior.covariance(embedded, embedded)
    return gaussian_cross_entropy(covariance, prior.noise_variance, residual[:, None], mask)
