"""Leave-one-task-out likelihood: how well the other tasks' moments predict each training task."""

import equinox as eqx
import jax
import jax.numpy as jnp
from gpjax.parameters import val
from jaxtyping import Bool, Float

from hyperbo.arrays import Array, Key
from hyperbo.linalg import log_determinant, masked_cholesky, solve_lower
from hyperbo.surrogates import EmpiricalPrior
from hyperbo.surrogates.kernels import cross_covariance


class LeaveOneTaskOutObjective(eqx.Module):
    r"""Negative log likelihood of each task under the empirical prior of all the others.

    An empirical prior holds the very functions it was made from, so its plain likelihood says
    nothing; here task $i$ meets $\bar f_{-i}$ and $\alpha \hat C_{-i} + r$, found from the full
    moments by rank-one downdates. It sets the strength, the residual kernel and the noise.

    Attributes:
        inputs: Points of every task, padded.
        values: Standardised objectives, padded.
        mask: True where an entry is real.
        location_variance: Variance of a task's unknown location, in standardised units.
    """

    inputs: Float[Array, "M N D"]
    values: Float[Array, "M N"]
    mask: Bool[Array, "M N"]
    location_variance: float = eqx.field(static=True, default=0.3)

    def __call__(self, prior: EmpiricalPrior, key: Key) -> Float[Array, ""]:  # noqa: ARG002
        """Mean over tasks of the nats per point; `key` is not needed, every point is used."""
        tasks = jnp.arange(self.values.shape[0])
        losses = jax.vmap(self._task_loss, in_axes=(None, 0, 0, 0, 0))(
            prior, tasks, self.inputs, self.values, self.mask
        )
        return jnp.mean(losses / jnp.maximum(jnp.sum(self.mask, axis=1), 1))

    def _task_loss(
        self,
        prior: EmpiricalPrior,
        task: Array,
        inputs: Float[Array, "N D"],
        values: Float[Array, " N"],
        mask: Bool[Array, " N"],
    ) -> Float[Array, ""]:
        count = prior.deviation_constants.shape[0]
        basis = cross_covariance(prior.kernel, inputs, prior.inducing)
        deviations = basis @ prior.deviation_weights + prior.deviation_constants[None, :]
        average = basis @ prior.mean_weights + prior.mean_constant
        # 1. The average without task i: its own deviation, unscaled, is subtracted.
        own = deviations[:, task] * jnp.sqrt(count - 1.0)
        mean = average - own / (count - 1.0)
        # 2. The sample covariance without task i.
        scatter = (count - 1.0) * deviations @ deviations.T
        scatter = scatter - (count / (count - 1.0)) * jnp.outer(own, own)
        lengths = inputs / val(prior.kernel.lengthscale)[None, :]
        covariance = (
            val(prior.strength) * scatter / (count - 2.0)
            + cross_covariance(prior.residual, lengths, lengths)
            + self.location_variance
        )
        # 3. The likelihood.
        factor = masked_cholesky(covariance, prior.noise_variance, mask)
        whitened = solve_lower(factor, jnp.where(mask, values - mean, 0.0))
        return 0.5 * (jnp.dot(whitened, whitened) + log_determinant(factor))
