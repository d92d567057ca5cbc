"""The gated feed-forward layer."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, PRNGKeyArray

from hyperbo_datasets.collect.networks.linear import Affine, Linear, Projection


class GeGLU(eqx.Module):
    """One branch, through a GELU, gates the other.

    Attributes:
        expansion: Of the gate and of what it gates, side by side: one matrix product, not two.
        contraction: Back to the stream.

    References:
        Shazeer (2020), arXiv:2002.05202.
    """

    expansion: Linear | Affine
    contraction: Linear | Affine

    def __init__(
        self,
        key: PRNGKeyArray,
        width: int,
        hidden: int,
        projection: Projection = Linear,
        output_variance: float = 1.0,
    ) -> None:
        key_expansion, key_contraction = jr.split(key)
        self.expansion = projection(key_expansion, width, 2 * hidden)
        self.contraction = projection(key_contraction, hidden, width, output_variance)

    def __call__(self, x: Float[Array, "*shape D"]) -> Float[Array, "*shape D"]:
        """What is added to the stream."""
        gate, value = jnp.split(self.expansion(x), 2, axis=-1)
        return self.contraction(jax.nn.gelu(gate, approximate=True) * value)
