"""Convolution and max pooling that stay fast when mapped over many models at once.

XLA turns a convolution with one kernel for each model into a grouped convolution, which its CPU
backend runs five to ten times slower than the matrix products written out here; the gradient of
its window reduction (select-and-scatter) is as slow. So windows are gathered as shifted slices.
"""

from collections.abc import Callable
from functools import reduce
from typing import Self

import equinox as eqx
import jax.nn.initializers as init
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, PRNGKeyArray

Padding = Callable[[int, int, int], tuple[int, int]]
"""How many entries to add before and after an axis, from its length, window and stride."""


def same(length: int, window: int, stride: int) -> tuple[int, int]:
    """Padding that leaves ceil(length / stride) windows; the odd entry goes after the axis."""
    windows = -(-length // stride)
    total = max((windows - 1) * stride + window - length, 0)
    return total // 2, total - total // 2


def valid(length: int, window: int, stride: int) -> tuple[int, int]:  # noqa: ARG001 - a Padding
    """No padding: only windows that lie inside."""
    return 0, 0


class Convolution(eqx.Module):
    """A convolution of one image with its channels last.

    Initialised as in the networks that PD1 trained: weights from a truncated normal of variance
    1 / (window * window * inputs), biases at zero.
    """

    kernel: Float[Array, "W W I O"]
    bias: Float[Array, " O"]
    stride: int = eqx.field(static=True)
    padding: Padding = eqx.field(static=True)

    @classmethod
    def init(
        cls,
        key: PRNGKeyArray,
        inputs: int,
        outputs: int,
        window: int,
        stride: int = 1,
        padding: Padding = same,
    ) -> Self:
        """A layer with fresh parameters."""
        kernel = init.lecun_normal()(key, (window, window, inputs, outputs), jnp.float32)
        return cls(kernel, jnp.zeros(outputs, jnp.float32), stride, padding)

    def __call__(self, image: Float[Array, "H1 W1 I"]) -> Float[Array, "H2 W2 O"]:
        """The channels of one image."""
        return convolve(image, self.kernel, self.stride, self.padding) + self.bias[None, None]

    def side(self, length: int) -> int:
        """Length of an axis after the layer, from that before it."""
        return count_windows(length, self.kernel.shape[0], self.stride, self.padding)


def count_windows(length: int, window: int, stride: int, padding: Padding) -> int:
    """How many windows an axis holds."""
    return (length + sum(padding(length, window, stride)) - window) // stride + 1


def convolve(
    image: Float[Array, "H1 W1 I"], kernel: Float[Array, "W W I O"], stride: int, padding: Padding
) -> Float[Array, "H2 W2 O"]:
    """Cross-correlation of an image with a square kernel, as one matrix product over patches."""
    window = kernel.shape[0]
    patches = jnp.concatenate(_shifted(image, window, stride, padding, 0.0), axis=-1)
    return patches @ kernel.reshape(-1, kernel.shape[-1])


def max_pool(
    image: Float[Array, "H1 W1 C"], window: int, stride: int, padding: Padding
) -> Float[Array, "H2 W2 C"]:
    """Largest entry of each window; equal ones share the gradient."""
    return reduce(jnp.maximum, _shifted(image, window, stride, padding, -jnp.inf))


def _shifted(
    image: Float[Array, "H1 W1 C"], window: int, stride: int, padding: Padding, fill: float
) -> list[Float[Array, "H2 W2 C"]]:
    # One array for each place in a window, row by row: that place's entry in every window.
    height, width, channels = image.shape
    rows = (count_windows(height, window, stride, padding) - 1) * stride + 1
    columns = (count_windows(width, window, stride, padding) - 1) * stride + 1
    around = (padding(height, window, stride), padding(width, window, stride), (0, 0))
    padded = jnp.pad(image, around, constant_values=jnp.asarray(fill, image.dtype))
    return [
        lax.slice(padded, (i, j, 0), (i + rows, j + columns, channels), (stride, stride, 1))
        for i in range(window)
        for j in range(window)
    ]
