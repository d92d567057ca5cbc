"""A plain convolutional network: a stack of convolutions, then dense layers; no pooling."""

from dataclasses import dataclass
from typing import Self

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from hyperbo_datasets.collect.networks.classifier import Activation
from hyperbo_datasets.collect.networks.convolution import Convolution, examples_last
from hyperbo_datasets.collect.networks.dense import DenseStack
from hyperbo_datasets.collect.networks.drawing import draw_kernels


class SimpleCNN(eqx.Module):
    """Convolutions, each with an activation, then dense layers over all that is left."""

    convolutions: tuple[Convolution, ...]
    dense: DenseStack
    activation: Activation = eqx.field(static=True)

    def __call__(self, images: Float[Array, "N H W C"]) -> Float[Array, "N classes"]:
        """The logits."""
        found = examples_last(images)
        for convolution in self.convolutions:
            found = self.activation(convolution(found))
        return self.dense(found.reshape(-1, len(images)).T)


@dataclass(frozen=True)
class SimpleCNNConfig:
    """Sizes of a plain convolutional network.

    Attributes:
        image_shape: Height, width and channels of an image.
        classes: Number of logits.
        channels: Of each convolution.
        strides: Of each convolution.
        window: Side of every kernel.
        hidden: Widths of the dense layers before the last.
        activation: After every layer but the last.
    """

    image_shape: tuple[int, int, int]
    classes: int
    channels: tuple[int, ...]
    strides: tuple[int, ...]
    window: int = 3
    hidden: tuple[int, ...] = ()
    activation: Activation = jax.nn.relu

    def init(self, key: PRNGKeyArray) -> SimpleCNN:
        """A network with fresh parameters."""
        height, width, inputs = self.image_shape
        convolutions = []
        for outputs, stride in zip(self.channels, self.strides, strict=True):
            layer = Convolution.blank(inputs, outputs, self.window, stride)
            height, width, inputs = layer.side(height), layer.side(width), outputs
            convolutions.append(layer)
        widths = (height * width * inputs, *self.hidden, self.classes)
        dense = DenseStack.blank(widths, self.activation)
        return draw_kernels(key, SimpleCNN(tuple(convolutions), dense, self.activation))

    @classmethod
    def small(cls, image_shape: tuple[int, int, int], classes: int) -> Self:
        """Two strided convolutions, for images of about 14 x 14."""
        return cls(image_shape, classes, channels=(8, 16), strides=(1, 2))

    @classmethod
    def published(cls, image_shape: tuple[int, int, int], classes: int) -> Self:
        """20 and 10 channels without stride: the defaults of the code that PD1 was made with."""
        return cls(image_shape, classes, channels=(20, 10), strides=(1, 1))
