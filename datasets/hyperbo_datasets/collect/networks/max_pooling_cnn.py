"""A convolutional network with max pooling: convolutions, each pooled, then dense layers."""

from dataclasses import dataclass
from typing import Self

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from hyperbo_datasets.collect.networks.classifier import Activation
from hyperbo_datasets.collect.networks.convolution import (
    Convolution,
    Padding,
    count_windows,
    examples_last,
    max_pool,
    same,
    valid,
)
from hyperbo_datasets.collect.networks.dense import DenseStack
from hyperbo_datasets.collect.networks.drawing import draw_kernels
from hyperbo_datasets.errors import CollectError


class MaxPoolingCNN(eqx.Module):
    """Convolution, activation and pooling, some times over; then dense layers."""

    convolutions: tuple[Convolution, ...]
    dense: DenseStack
    activation: Activation = eqx.field(static=True)
    pool_window: int = eqx.field(static=True)
    pool_stride: int = eqx.field(static=True)

    def __call__(self, images: Float[Array, "N H W C"]) -> Float[Array, "N classes"]:
        """The logits."""
        found = examples_last(images)
        for convolution in self.convolutions:
            found = self.activation(convolution(found))
            found = max_pool(found, self.pool_window, self.pool_stride, same)
        return self.dense(found.reshape(-1, len(images)).T)


@dataclass(frozen=True)
class MaxPoolingCNNConfig:
    """Sizes of a convolutional network with max pooling.

    Attributes:
        image_shape: Height, width and channels of an image.
        classes: Number of logits.
        channels: Of each convolution.
        windows: Side of each convolution's kernel.
        paddings: Of each convolution; pooling is always padded to cover the whole image.
        hidden: Widths of the dense layers before the last.
        pool_window: Side of a pooling window.
        pool_stride: Between two pooling windows.
        activation: After every layer but the last, before pooling.
    """

    image_shape: tuple[int, int, int]
    classes: int
    channels: tuple[int, ...]
    windows: tuple[int, ...]
    paddings: tuple[Padding, ...]
    hidden: tuple[int, ...]
    pool_window: int = 2
    pool_stride: int = 2
    activation: Activation = jax.nn.relu

    def init(self, key: PRNGKeyArray) -> MaxPoolingCNN:
        """A network with fresh parameters."""
        height, width, inputs = self.image_shape
        convolutions = []
        sizes = zip(self.channels, self.windows, self.paddings, strict=True)
        for outputs, window, padding in sizes:
            layer = Convolution.blank(inputs, outputs, window, padding=padding)
            height, width = (self._pooled(layer.side(length)) for length in (height, width))
            inputs = outputs
            convolutions.append(layer)
            if min(height, width) < 1:
                raise CollectError(
                    f"Images of {self.image_shape[0]} x {self.image_shape[1]} pixels are too small "
                    "for this network's windows. Take a smaller size of it, or larger images."
                )
        blank = MaxPoolingCNN(
            tuple(convolutions),
            DenseStack.blank(
                (height * width * inputs, *self.hidden, self.classes), self.activation
            ),
            self.activation,
            self.pool_window,
            self.pool_stride,
        )
        return draw_kernels(key, blank)

    def _pooled(self, length: int) -> int:
        return count_windows(length, self.pool_window, self.pool_stride, same)

    @classmethod
    def small(
        cls,
        image_shape: tuple[int, int, int],
        classes: int,
        activation: Activation = jax.nn.relu,
    ) -> Self:
        """Two pooled convolutions and a small dense layer, for images of about 14 x 14."""
        return cls(
            image_shape,
            classes,
            channels=(8, 16),
            windows=(3, 3),
            paddings=(same, same),
            hidden=(32,),
            activation=activation,
        )

    @classmethod
    def published(
        cls,
        image_shape: tuple[int, int, int],
        classes: int,
        activation: Activation = jax.nn.relu,
    ) -> Self:
        """Three convolutions, three dense layers: the defaults of the code that PD1 was made with.

        The architecture is DeepOBS's 3c3d.
        """
        return cls(
            image_shape,
            classes,
            channels=(64, 96, 128),
            windows=(5, 3, 3),
            paddings=(valid, valid, same),
            hidden=(512, 256),
            pool_window=3,
            pool_stride=2,
            activation=activation,
        )
