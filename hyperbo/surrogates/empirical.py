"""The empirical prior: its mean and covariance are those of the training tasks' own functions."""

import equinox as eqx
import jax.numpy as jnp
from gpjax.kernels.stationary.base import StationaryKernel
from gpjax.parameters import NonNegativeReal, PositiveReal, val
from jaxtyping import Float

from hyperbo.arrays import Array
from hyperbo.surrogates.base import Prior
from hyperbo.surrogates.kernels import cross_covariance, variances


class EmpiricalPrior(Prior):
    r"""A Gaussian process whose moments are the sample moments of the training tasks.

    Each of `M` training tasks is a function $f_i(x) = c_i + k(x, Z) w_i$, its own posterior mean
    through `P` shared inducing points $Z$. The prior is then
    $\mathcal{GP}(\bar f, \alpha \hat C + r)$ with $\bar f$ the tasks' average, $\hat C$ their
    sample covariance and $r$ a residual kernel for what no training task shows. On matched tasks
    without noise, $\alpha = 1$ and $r = 0$ this is the minimiser of HyperBO's EKL over all means
    and covariances (Wang et al. 2024); the inducing points carry it to points never evaluated and
    to tasks that are not matched.

    Attributes:
        kernel: Kernel that smoothed the tasks.
        inducing: Shared inducing points in the unit cube.
        mean_weights: Weights of the average function on `k(x, Z)`.
        mean_constant: Its constant.
        deviation_weights: Weights of each task's deviation from the average, divided by
            $\sqrt{M - 1}$.
        deviation_constants: The deviations' constants, likewise divided.
        strength: The factor $\alpha$ on the sample covariance.
        residual: The residual kernel $r$, on inputs in units of the smoothing kernel's
            lengthscales, so that it has one lengthscale of its own to learn and not `D`.
        noise: Variance of an observation about the objective.
    """

    kernel: StationaryKernel
    inducing: Float[Array, "P D"]
    mean_weights: Float[Array, " P"]
    mean_constant: Float[Array, ""]
    deviation_weights: Float[Array, "P M"]
    deviation_constants: Float[Array, " M"]
    strength: PositiveReal
    residual: StationaryKernel
    noise: PositiveReal

    def embed(self, inputs: Float[Array, "N D"]) -> Float[Array, "N F"]:
        """The inputs in lengthscales, the tasks' scaled deviations, and their average."""
        basis = cross_covariance(self.kernel, inputs, self.inducing)
        deviations = basis @ self.deviation_weights + self.deviation_constants[None, :]
        average = basis @ self.mean_weights + self.mean_constant
        scaled = jnp.sqrt(val(self.strength)) * deviations
        lengths = inputs / val(self.kernel.lengthscale)[None, :]
        return jnp.concatenate([lengths, scaled, average[:, None]], axis=1)

    def mean(self, embedded: Float[Array, "N F"]) -> Float[Array, " N"]:
        """The tasks' average at embedded points."""
        return embedded[:, -1]

    def covariance(
        self, left: Float[Array, "A F"], right: Float[Array, "B F"]
    ) -> Float[Array, "A B"]:
        """Sample covariance of the tasks plus the residual kernel."""
        shared = self._deviations(left) @ self._deviations(right).T
        return shared + cross_covariance(self.residual, self._lengths(left), self._lengths(right))

    def variance(self, embedded: Float[Array, "N F"]) -> Float[Array, " N"]:
        """Sample variance of the tasks plus the residual kernel's."""
        shared = jnp.sum(jnp.square(self._deviations(embedded)), axis=1)
        return shared + variances(self.residual, self._lengths(embedded))

    @property
    def noise_variance(self) -> Float[Array, ""]:
        """Variance of an observation about the objective."""
        return val(self.noise)

    @property
    def log_factor_count(self) -> int:
        """The strength, the residual's variance and lengthscale per dimension, then the noise."""
        return 3 + self.inducing.shape[1]

    def adapted(self, log_factors: Float[Array, " P"]) -> "EmpiricalPrior":
        """Multiply the strength, the residual kernel's parameters and the noise."""
        factors = jnp.exp(log_factors)
        return eqx.tree_at(
            lambda p: (p.strength, p.residual.variance, p.residual.lengthscale, p.noise),
            self,
            (
                PositiveReal(val(self.strength) * factors[0]),
                NonNegativeReal(val(self.residual.variance) * factors[1]),
                PositiveReal(val(self.residual.lengthscale) * factors[2:-1]),
                PositiveReal(val(self.noise) * factors[-1]),
            ),
        )

    def _lengths(self, embedded: Float[Array, "N F"]) -> Float[Array, "N D"]:
        return embedded[:, : self.inducing.shape[1]]

    def _deviations(self, embedded: Float[Array, "N F"]) -> Float[Array, "N M"]:
        return embedded[:, self.inducing.shape[1] : -1]
