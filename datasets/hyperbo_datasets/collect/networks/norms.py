"""Root-mean-square normalisation, with the scale written as one plus a parameter."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperbo_datasets.collect.networks.inverse_root import inverse_root

_EPSILON = 1e-6


class RMSNorm(eqx.Module):
    """Divides by the root mean square, then multiplies by one plus `scale`.

    Equinox's own norm starts its weight at one; here the parameter starts at zero, so that weight
    decay pulls towards the plain norm, as in Gemma.

    Attributes:
        scale: What is added to one; zero at the start.

    References:
        Zhang and Sennrich (2019), arXiv:1910.07467.
    """

    scale: Float[Array, " D"]

    def __init__(self, width: int) -> None:
        self.scale = jnp.zeros((width,), jnp.float32)

    def __call__(self, x: Float[Array, "*shape D"]) -> Float[Array, "*shape D"]:
        """The normalised features."""
        mean_square = jnp.mean(jnp.square(x), axis=-1, keepdims=True)
        return x * inverse_root(mean_square, _EPSILON) * jnp.broadcast_to(1.0 + self.scale, x.shape)
