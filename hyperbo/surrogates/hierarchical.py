"""The hierarchical prior of HyperBO+: beliefs about process parameters, for any search space."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from gpjax.kernels import Matern52
from gpjax.mean_functions import Zero
from gpjax.parameters import PositiveReal
from jaxtyping import Float

from hyperbo.arrays import Array
from hyperbo.errors import PriorError
from hyperbo.surrogates.expert import Expert
from hyperbo.surrogates.gaussian_process import GaussianProcessPrior
from hyperbo.surrogates.hierarchy import Hierarchy
from hyperbo.surrogates.kernels import MatrixDistances


class HierarchicalPrior(eqx.Module):
    """Log-normal beliefs about the parameters of a Matern-5/2 process of unit scale.

    Nothing in it depends on a search space or on its number of dimensions, so it serves spaces that
    no task was ever tuned in. While a study runs, the parameters are refitted to it by maximum a
    posteriori (`Expert.refit`); location and scale are integrated, relative to the trials' own.

    Attributes:
        log_lengthscale: Mean and standard deviation of every dimension's log lengthscale.
        log_noise: Mean and standard deviation of the log noise variance, relative to the signal's.
        log_scale_stddev: Standard deviation of the log scale about the trials' own.

    References:
        Fan et al. (2022), "HyperBO+: Pre-training a universal prior for Bayesian optimization
        with hierarchical Gaussian processes", arXiv:2212.10538.
    """

    log_lengthscale: Float[Array, " 2"]
    log_noise: Float[Array, " 2"]
    log_scale_stddev: Float[Array, ""]

    def check(self, dimension: int) -> None:
        """Refuse numbers that a search space of `dimension` could not be served with.

        Raises:
            PriorError: If a shape is wrong, or the prior it makes cannot be evaluated.
        """
        for leaf, shape in (
            (self.log_lengthscale, (2,)),
            (self.log_noise, (2,)),
            (self.log_scale_stddev, ()),
        ):
            if np.shape(leaf) != shape:
                raise PriorError(
                    f"A hierarchical prior holds an array of shape {np.shape(leaf)}; wanted "
                    f"{shape}. Pre-train it again."
                )
        self.expert(dimension).check(dimension)

    def expert(self, dimension: int) -> Expert:
        """The prior for a search space of `dimension` unit-cube coordinates."""
        lengthscale = jnp.full(dimension, jnp.exp(self.log_lengthscale[0]))
        kernel = Matern52(lengthscale=lengthscale, variance=1.0, compute_engine=MatrixDistances())
        noise = PositiveReal(jnp.exp(self.log_noise[0]))
        spread = jnp.append(jnp.full(dimension, self.log_lengthscale[1]), self.log_noise[1])
        hierarchy = Hierarchy.normal(
            (0.0, 1.0), (0.0, float(np.asarray(self.log_scale_stddev))), (1.0,), 5
        )
        prior = GaussianProcessPrior(Zero(), kernel, noise)
        return Expert(prior, hierarchy, spread, is_relative=True)
