"""A short convolution along the sequence that looks backwards only."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from hyperbo_datasets.collect.networks.linear import draw_weights


class CausalConvolution(eqx.Module):
    """Each feature by itself: a weighted sum of its last few values.

    Attributes:
        kernel: Weights, the oldest value's first and the present one's last.
        bias: What is added.
    """

    kernel: Float[Array, "L D"]
    bias: Float[Array, " D"]

    def __init__(self, key: PRNGKeyArray, width: int, length: int, variance: float = 0.01) -> None:
        self.kernel = draw_weights(key, (length, width), variance)
        self.bias = jnp.zeros((width,), jnp.float32)

    def __call__(self, x: Float[Array, "T D"]) -> Float[Array, "T D"]:
        """The sums at each place; before the first place stand zeros."""
        length = self.kernel.shape[0]
        padded = jnp.pad(x, ((length - 1, 0), (0, 0)))
        result = jnp.broadcast_to(self.bias, x.shape)
        for place in range(length):
            result = result + padded[place : place + x.shape[0]] * self.kernel[place][None, :]
        return result

    def init_state(self) -> Float[Array, "P D"]:
        """The values before the first place."""
        length, width = self.kernel.shape
        return jnp.zeros((length - 1, width), jnp.float32)

    def step(
        self, x: Float[Array, " D"], state: Float[Array, "P D"]
    ) -> tuple[Float[Array, " D"], Float[Array, "P D"]]:
        """The sum at one place, and the values that the next one needs."""
        window = jnp.concatenate([state, x[None]])
        return jnp.sum(window * self.kernel, axis=0) + self.bias, window[1:]
