"""Builders of the priors that the literature pre-trains, and of their parts.

A mean is a function from the width of what it sees to a GPJax mean function, a kernel likewise;
`on_inputs` and `on_features` say what they see.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import jax.numpy as jnp
from gpjax.kernels import RBF, AbstractKernel, Matern32, Matern52, Polynomial
from gpjax.mean_functions import AbstractMeanFunction, Constant, Zero
from gpjax.parameters import PositiveReal, Real

from hyperbo.arrays import Key
from hyperbo.errors import PriorError
from hyperbo.surrogates.features import FeatureNetwork, KumaraswamyWarp
from hyperbo.surrogates.gaussian_process import GaussianProcessPrior
from hyperbo.surrogates.kernels import MatrixDistances
from hyperbo.surrogates.means import LinearMean

INITIAL_SCALE = math.log(2.0)
"""Lengthscales and variances before training, as in HyperBO's release: softplus(0), about 0.69."""

INITIAL_NOISE = math.log1p(math.exp(-6.0))
"""Noise variance before training, as in HyperBO's release: softplus(-6), about 0.0025."""

Part = TypeVar("Part", bound=AbstractMeanFunction | AbstractKernel)


@dataclass(frozen=True)
class Placed(Generic[Part]):
    """A builder of a mean or kernel, and whether it sees features in place of inputs."""

    build: Callable[[int], Part]
    on_features: bool


def on_inputs(build: Callable[[int], Part]) -> Placed[Part]:
    """Let a mean or kernel see the inputs, after the warp where there is one."""
    return Placed(build, on_features=False)


def on_features(build: Callable[[int], Part]) -> Placed[Part]:
    """Let a mean or kernel see the features that the network makes of the inputs."""
    return Placed(build, on_features=True)


def zero_mean(width: int) -> Zero:  # noqa: ARG001
    """A mean that is zero everywhere, and stays so."""
    return Zero()


def constant_mean(width: int) -> Constant:  # noqa: ARG001
    """A learned constant, at first zero."""
    return Constant(Real(jnp.zeros(())))


def linear_mean(width: int) -> LinearMean:
    """A learned constant plus learned weights, all at first zero."""
    return LinearMean(width)


def squared_exponential(width: int) -> RBF:
    """Squared-exponential kernel with a lengthscale for each of `width` coordinates."""
    return RBF(**_stationary(width))


def matern32(width: int) -> Matern32:
    """Matern-3/2 kernel with a lengthscale for each of `width` coordinates."""
    return Matern32(**_stationary(width))


def matern52(width: int) -> Matern52:
    """Matern-5/2 kernel with a lengthscale for each of `width` coordinates."""
    return Matern52(**_stationary(width))


def dot_product(width: int) -> Polynomial:
    r"""Bayesian linear regression on `width` coordinates: $k(x, x') = b + v\, x^\top x'$.

    At first $v$ is one over the width, so that features between -1 and 1 give a variance of at
    most one, and $b$ is `INITIAL_SCALE`.
    """
    return Polynomial(
        degree=1,
        shift=PositiveReal(jnp.asarray(INITIAL_SCALE)),
        variance=PositiveReal(jnp.asarray(1.0 / width)),
    )


def gaussian_process_prior(
    dimension: int,
    mean: Placed[AbstractMeanFunction],
    kernel: Placed[AbstractKernel],
    *,
    network: FeatureNetwork | None = None,
    warp: KumaraswamyWarp | None = None,
    noise: float = INITIAL_NOISE,
) -> GaussianProcessPrior:
    """Assemble a Gaussian-process prior from its parts.

    Args:
        dimension: Coordinates of the unit cube.
        mean: Mean function, `on_inputs` or `on_features`.
        kernel: Kernel, likewise.
        network: Features of the (warped) inputs; needed where a part is `on_features`.
        warp: Warping of the inputs, e.g. `KumaraswamyWarp(dimension)`.
        noise: Initial variance of an observation about the objective.

    Raises:
        PriorError: If a part is to see features and there is no network.

    Example:
        >>> prior = gaussian_process_prior(2, on_inputs(constant_mean), on_inputs(matern32))
        >>> [round(float(length), 2) for length in prior.kernel.lengthscale.unwrap()]
        [0.69, 0.69]
    """
    if network is None and (mean.on_features or kernel.on_features):
        raise PriorError("A mean or kernel is to see features, but no feature network was given.")
    features = dimension if network is None else network.width
    return GaussianProcessPrior(
        mean.build(features if mean.on_features else dimension),
        kernel.build(features if kernel.on_features else dimension),
        PositiveReal(jnp.asarray(noise)),
        warp=warp,
        network=network,
        mean_on_features=mean.on_features,
        kernel_on_features=kernel.on_features,
    )


@dataclass(frozen=True)
class FeaturePrior:
    """A builder of priors whose parts share one tanh network's features.

    Attributes:
        mean: Mean function, `on_inputs` or `on_features`.
        kernel: Kernel, likewise.
    """

    mean: Placed[AbstractMeanFunction]
    kernel: Placed[AbstractKernel]

    def __call__(
        self,
        key: Key,
        dimension: int,
        widths: Sequence[int] = (32, 32),
        *,
        warp: KumaraswamyWarp | None = None,
        noise: float = INITIAL_NOISE,
    ) -> GaussianProcessPrior:
        """Build the prior.

        Args:
            key: Randomness of the initial network.
            dimension: Coordinates of the unit cube.
            widths: Units of each layer; the last are the features.
            warp: Warping of the inputs, or None.
            noise: Initial noise variance.
        """
        network = FeatureNetwork(key, dimension, widths)
        return gaussian_process_prior(
            dimension, self.mean, self.kernel, network=network, warp=warp, noise=noise
        )


hyperbo_prior = FeaturePrior(on_features(linear_mean), on_features(matern52))
"""HyperBO's prior: linear mean and Matern-5/2 kernel, both on one network's features.

Wang et al. (2024), JMLR 25(212).
"""

ablr = FeaturePrior(on_inputs(zero_mean), on_features(dot_product))
"""Adaptive Bayesian linear regression: zero mean, dot-product kernel on features.

Perrone et al. (2018), NeurIPS 31; the kernel's constant follows HyperBO's release.
"""

fsbo = FeaturePrior(on_inputs(zero_mean), on_features(matern52))
"""Few-shot Bayesian optimisation: zero mean, Matern-5/2 kernel on features.

Wistuba and Grabocka (2021), ICLR; tanh features as in HyperBO.
"""


def matern_prior(
    dimension: int,
    *,
    warp: KumaraswamyWarp | None = None,
    noise: float = INITIAL_NOISE,
) -> GaussianProcessPrior:
    """Constant mean and Matern-5/2 kernel on the inputs, a lengthscale for each coordinate.

    Args:
        dimension: Coordinates of the unit cube.
        warp: Warping of the inputs, or None.
        noise: Initial noise variance.
    """
    mean, kernel = on_inputs(constant_mean), on_inputs(matern52)
    return gaussian_process_prior(dimension, mean, kernel, warp=warp, noise=noise)


def _stationary(width: int) -> dict[str, object]:
    """Fields of a stationary kernel before training."""
    return {
        "lengthscale": jnp.full(width, INITIAL_SCALE),
        "variance": INITIAL_SCALE,
        "compute_engine": MatrixDistances(),
    }
