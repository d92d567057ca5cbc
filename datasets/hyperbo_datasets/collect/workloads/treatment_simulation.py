"""A randomised trial simulated on real units, so that every effect is known.

For a unit of standardised features x, with random directions u of expected squared length one
over the features' number, and a treatment of intensity t in [0, 1]:

    response  r(x) = exp(tanh(u_r . x))
    price     p(x) = exp(tanh(u_p . x))
    best      b(x) = sigmoid(2 u_b . x)
    effect on gain   r(x) (1 - (t - b(x))^2)
    effect on cost   p(x) (1 + t) / 2
    untreated gain   tanh(u_0 . x),  untreated cost  0

Each unit is treated with probability one half, at an intensity drawn uniformly; gain and cost are
seen with normal noise. Gain for cost is largest where r(x) / p(x) is, at an intensity below b(x).
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, PRNGKeyArray

from hyperbo_datasets.collect.workloads.treatment import Units


class Truth(eqx.Module):
    """What is true of each simulated unit, and no trial ever sees.

    Attributes:
        response: r(x).
        price: p(x).
        best_intensity: b(x).
    """

    response: Float[Array, " N"]
    price: Float[Array, " N"]
    best_intensity: Float[Array, " N"]

    def gain_effect(self, intensity: Float[Array, " N"]) -> Float[Array, " N"]:
        """What treating each unit so strongly gains, without noise."""
        return self.response * (1.0 - jnp.square(intensity - self.best_intensity))

    def cost_effect(self, intensity: Float[Array, " N"]) -> Float[Array, " N"]:
        """What treating each unit so strongly costs, without noise."""
        return self.price * (1.0 + intensity) / 2


def simulate(
    key: PRNGKeyArray, covariates: Float[Array, "N D"], noise: float = 0.3
) -> tuple[Units, Truth]:
    """A trial on units with these covariates; see the module's text for its equations.

    Args:
        key: Decides the directions, the treatments and the noise.
        covariates: Of real units, in any unit of measure; constant columns count as zero.
        noise: Standard deviation of what is added to each observed gain and cost.
    """
    key_directions, key_treated, key_intensity, key_noise = jr.split(key, 4)
    features = _standardised(covariates)
    count, width = features.shape
    directions = jr.normal(key_directions, (width, 4), jnp.float32) / width**0.5
    along = features @ directions
    is_treated = jr.bernoulli(key_treated, 0.5, (count,))
    intensity = jnp.where(is_treated, jr.uniform(key_intensity, (count,), jnp.float32), 0.0)
    noises = noise * jr.normal(key_noise, (2, count), jnp.float32)
    truth = Truth(
        response=jnp.exp(jnp.tanh(along[:, 0])),
        price=jnp.exp(jnp.tanh(along[:, 1])),
        best_intensity=jax.nn.sigmoid(2.0 * along[:, 2]),
    )
    gain = jnp.tanh(along[:, 3]) + jnp.where(is_treated, truth.gain_effect(intensity), 0.0)
    cost = jnp.where(is_treated, truth.cost_effect(intensity), 0.0)
    return Units(features, is_treated, intensity, gain + noises[0], cost + noises[1]), truth


def _standardised(covariates: Float[Array, "N D"]) -> Float[Array, "N D"]:
    numbers = covariates.astype(jnp.float32)
    centred = numbers - numbers.mean(axis=0, keepdims=True)
    stddev = jnp.sqrt(jnp.square(centred).mean(axis=0, keepdims=True))
    # The mean of a constant column may be off by rounding.
    is_constant = stddev <= 1e-6 * jnp.abs(numbers).max(axis=0, keepdims=True)
    return jnp.where(is_constant, 0.0, centred / jnp.where(is_constant, 1.0, stddev))
