"""Convolution and max pooling that stay fast when mapped over many models at once.

XLA turns a convolution with one kernel for each model into a grouped convolution, which its CPU
backend runs many times slower than the one matrix product over patches that is written out here;
the gradient of its window reduction (select-and-scatter) is slow as well.

Images lie with their examples last, so that whatever is shifted, pooled or normalised moves in
long runs, and one product serves all of them.
"""

from collections.abc import Callable
from functools import partial, reduce
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

Images = Float[Array, "C H W N"]
"""Channels, height, width, and as many examples as there are."""

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


def count_windows(length: int, window: int, stride: int, padding: Padding) -> int:
    """How many windows an axis holds."""
    return (length + sum(padding(length, window, stride)) - window) // stride + 1


def examples_last(images: Float[Array, "N H W C"]) -> Images:
    """Images as they come, laid out as the layers here want them."""
    return images.transpose(3, 1, 2, 0)


class Convolution(eqx.Module):
    """A convolution with a square window."""

    kernel: Float[Array, "K K I O"]
    bias: Float[Array, " O"]
    stride: int = eqx.field(static=True)
    padding: Padding = eqx.field(static=True)

    @classmethod
    def blank(
        cls, inputs: int, outputs: int, window: int, stride: int = 1, padding: Padding = same
    ) -> Self:
        """A layer of zeros, whose kernel is yet to be drawn."""
        kernel = jnp.zeros((window, window, inputs, outputs), jnp.float32)
        return cls(kernel, jnp.zeros(outputs, jnp.float32), stride, padding)

    def __call__(self, images: Float[Array, "I H1 W1 N"]) -> Float[Array, "O H2 W2 N"]:
        """The channels of each image."""
        padded = _padded(images, self.kernel.shape[0], self.stride, self.padding, 0.0)
        return _correlate(padded, self.kernel, self.stride) + self.bias[:, None, None, None]

    def side(self, length: int) -> int:
        """Length of an axis after the layer, from that before it."""
        return count_windows(length, self.kernel.shape[0], self.stride, self.padding)


def max_pool(
    images: Float[Array, "C H1 W1 N"], window: int, stride: int, padding: Padding
) -> Float[Array, "C H2 W2 N"]:
    """Largest entry of each window; equal ones share the gradient."""
    padded = _padded(images, window, stride, padding, -jnp.inf)
    return reduce(jnp.maximum, _shifted(padded, window, stride))


def _padded(images: Images, window: int, stride: int, padding: Padding, fill: float) -> Images:
    _, height, width, _ = images.shape
    around = ((0, 0), padding(height, window, stride), padding(width, window, stride), (0, 0))
    return jnp.pad(images, around, constant_values=jnp.asarray(fill, images.dtype))


def _shifted(images: Images, window: int, stride: int) -> list[Images]:
    # One array for each place in a window, row by row: that place's entry in every window.
    channels, height, width, count = images.shape
    rows = (height - window) // stride * stride + 1
    columns = (width - window) // stride * stride + 1
    return [
        lax.slice(
            images, (0, i, j, 0), (channels, i + rows, j + columns, count), (1, stride, stride, 1)
        )
        for i in range(window)
        for j in range(window)
    ]


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def _correlate(images: Images, kernel: Float[Array, "K K I O"], stride: int) -> Images:
    patches = jnp.concatenate(_shifted(images, kernel.shape[0], stride), axis=0)
    return _mixed(patches, kernel.reshape(-1, kernel.shape[-1]))


def _correlate_forward(
    images: Images, kernel: Float[Array, "K K I O"], stride: int
) -> tuple[Images, tuple[Images, Float[Array, "K K I O"]]]:
    return _correlate(images, kernel, stride), (images, kernel)


def _correlate_backward(
    stride: int, kept: tuple[Images, Float[Array, "K K I O"]], gradient: Images
) -> tuple[Images, Float[Array, "K K I O"]]:
    # The patches are gathered again: they are a window's size larger than what they come from.
    images, kernel = kept
    patches = jnp.concatenate(_shifted(images, kernel.shape[0], stride), axis=0)
    of_kernel = jnp.tensordot(patches, gradient, axes=((1, 2, 3), (1, 2, 3)))
    return _spread(gradient, kernel, stride, images.shape), of_kernel.reshape(kernel.shape)


_correlate.defvjp(_correlate_forward, _correlate_backward)


def _spread(
    gradient: Images, kernel: Float[Array, "K K I O"], stride: int, shape: tuple[int, ...]
) -> Images:
    """Gradient of the images: again a product over patches, where autodiff would add up slices.

    Pixels are taken by their place modulo the stride; those of one place see the same part of
    the kernel, at windows that are next to each other.
    """
    inputs, height, width, count = shape
    window, reach = kernel.shape[0], (kernel.shape[0] - 1) // stride
    rows, columns = -(-height // stride), -(-width // stride)
    missing = (rows - gradient.shape[1], columns - gradient.shape[2])
    around = ((0, 0), *((reach, max(each, 0)) for each in missing), (0, 0))
    padded = jnp.pad(gradient, around)

    def at(top: int, left: int) -> Images:
        taps = [(i, j) for i in range(top, window, stride) for j in range(left, window, stride)]
        if not taps:
            return jnp.zeros((inputs, rows, columns, count), gradient.dtype)
        begins = [(reach - i // stride, reach - j // stride) for i, j in taps]
        seen = [padded[:, i : i + rows, j : j + columns] for i, j in begins]
        weights = [kernel[i, j].T for i, j in taps]
        return _mixed(jnp.concatenate(seen, axis=0), jnp.concatenate(weights, axis=0))

    by_place = [jnp.stack([at(i, j) for j in range(stride)], axis=3) for i in range(stride)]
    whole = jnp.stack(by_place, axis=2).reshape(inputs, rows * stride, columns * stride, count)
    return whole[:, :height, :width]


def _mixed(images: Images, weights: Float[Array, "C O"]) -> Images:
    return jnp.tensordot(weights, images, axes=((0,), (0,)))
