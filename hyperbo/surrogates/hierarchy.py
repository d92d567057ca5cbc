"""Beliefs about a new task's location, scale and noise."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from hyperbo.arrays import Array


class Hierarchy(eqx.Module):
    """Beliefs about a new task's location, scale and noise, relative to the prior's own.

    Attributes:
        location_mean: Mean of the location `a`, in the objective's unit.
        location_stddev: Its standard deviation; zero fixes the location.
        scales: Grid of scales `b`, positive.
        log_scale_weight: Log probability of each scale.
        noise_factors: Grid of factors on the prior's noise variance.
        log_noise_weight: Log probability of each factor.
    """

    location_mean: Float[Array, ""]
    location_stddev: Float[Array, ""]
    scales: Float[Array, " B"]
    log_scale_weight: Float[Array, " B"]
    noise_factors: Float[Array, " Z"]
    log_noise_weight: Float[Array, " Z"]

    @classmethod
    def fixed(cls) -> "Hierarchy":
        """Take the prior as it is: no shift, scale one, noise as learned."""
        one, zero = jnp.ones(1), jnp.zeros(1)
        return cls(jnp.zeros(()), jnp.zeros(()), one, zero, one, zero)

    @classmethod
    def normal(
        cls,
        location: tuple[float, float],
        log_scale: tuple[float, float],
        noise_factors: tuple[float, ...] = (0.1, 0.3, 1.0, 3.0, 10.0),
        nodes: int = 9,
    ) -> "Hierarchy":
        """Normal location and log scale, given as (mean, stddev); uniform over noise factors."""
        quantiles = np.linspace(-2.4, 2.4, nodes)
        weight = -0.5 * quantiles**2
        weight -= np.log(np.sum(np.exp(weight)))
        return cls(
            jnp.asarray(location[0], dtype=float),
            jnp.asarray(location[1], dtype=float),
            jnp.asarray(np.exp(log_scale[0] + log_scale[1] * quantiles)),
            jnp.asarray(weight),
            jnp.asarray(noise_factors, dtype=float),
            jnp.full(len(noise_factors), -np.log(len(noise_factors))),
        )
