"""Matrix products along the last axis, with and without a bias, and how their weights start."""

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, PRNGKeyArray


def draw_weights(
    key: PRNGKeyArray, shape: tuple[int, ...], variance: float = 1.0
) -> Float[Array, "..."]:
    """A float32 matrix, or a stack of them, that maps unit variance to `variance`.

    Args:
        key: Where the normal draws come from.
        shape: Rows are inputs and columns outputs; leading axes are stacked matrices.
        variance: Of an output whose inputs are independent and of unit variance.
    """
    stddev = (variance / shape[-2]) ** 0.5
    return stddev * jr.normal(key, shape, jnp.float32)


class Linear(eqx.Module):
    """A matrix product.

    Equinox's own layer takes one vector; this one takes a whole sequence, so that one product
    serves all tokens, all examples and, in a stack, all models.

    Attributes:
        weight: Rows are inputs, columns outputs.
    """

    weight: Float[Array, "I O"]

    def __init__(self, key: PRNGKeyArray, inputs: int, outputs: int, variance: float = 1.0) -> None:
        self.weight = draw_weights(key, (inputs, outputs), variance)

    def __call__(self, x: Float[Array, "*shape I"]) -> Float[Array, "*shape O"]:
        """The outputs."""
        return x @ self.weight


class Affine(eqx.Module):
    """A matrix product and a bias that starts at zero.

    Attributes:
        weight: Rows are inputs, columns outputs.
        bias: Added to each output.
    """

    weight: Float[Array, "I O"]
    bias: Float[Array, " O"]

    def __init__(self, key: PRNGKeyArray, inputs: int, outputs: int, variance: float = 1.0) -> None:
        self.weight = draw_weights(key, (inputs, outputs), variance)
        self.bias = jnp.zeros((outputs,), jnp.float32)

    def __call__(self, x: Float[Array, "*shape I"]) -> Float[Array, "*shape O"]:
        """The outputs."""
        product = x @ self.weight
        return product + jnp.broadcast_to(self.bias, product.shape)


Projection = type[Linear] | type[Affine]
"""Which of the two a layer is made of."""
