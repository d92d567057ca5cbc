"""Wide residual networks (Zagoruyko and Komodakis, 2016) with pre-activation blocks."""

from dataclasses import dataclass
from typing import Self

import equinox as eqx
import jax
import jax.random as jr
from jaxtyping import Array, Float, PRNGKeyArray

from hyperbo_datasets.collect.networks.classifier import Activation
from hyperbo_datasets.collect.networks.convolution import Convolution
from hyperbo_datasets.collect.networks.dense import Dense
from hyperbo_datasets.collect.networks.normalization import GroupNorm
from hyperbo_datasets.errors import CollectError


class ResidualBlock(eqx.Module):
    """Twice normalisation, activation, convolution; the input is added to what comes out.

    Where the shape changes, what is added is a 1 x 1 convolution of the first activation.
    """

    norms: tuple[GroupNorm, GroupNorm]
    convolutions: tuple[Convolution, Convolution]
    shortcut: Convolution | None
    activation: Activation = eqx.field(static=True)

    def __call__(self, image: Float[Array, "H1 W1 I"]) -> Float[Array, "H2 W2 O"]:
        """The channels after the block."""
        active = self.activation(self.norms[0](image))
        around = image if self.shortcut is None else self.shortcut(active)
        inner = self.activation(self.norms[1](self.convolutions[0](active)))
        return around + self.convolutions[1](inner)


class WideResNet(eqx.Module):
    """A convolution, stages of residual blocks, then a dense layer over the mean of the image."""

    stem: Convolution
    blocks: tuple[ResidualBlock, ...]
    norm: GroupNorm
    head: Dense
    activation: Activation = eqx.field(static=True)

    def __call__(self, image: Float[Array, "H W C"]) -> Float[Array, " classes"]:
        """The logits of one image."""
        image = self.stem(image)
        for block in self.blocks:
            image = block(image)
        return self.head(self.activation(self.norm(image)).mean(axis=(0, 1)))


@dataclass(frozen=True)
class WideResNetConfig:
    """Sizes of a wide residual network, WRN-depth-width.

    Normalisation is by groups, not by batches as in the paper: see `GroupNorm` for why. The
    number of parameters is the same.

    Attributes:
        image_shape: Height, width and channels of an image.
        classes: Number of logits.
        depth: Layers in the paper's way of counting: 4 + 2 x stages x blocks of a stage. With
            three stages 10, 16, 22, 28.
        width: How many times `channels` the first stage has; each further stage doubles them.
        channels: Of the first convolution.
        stages: Groups of blocks between which the image's sides are halved.
        norm_groups: Groups of channels that are normalised together.
        activation: After each normalisation.
    """

    image_shape: tuple[int, int, int]
    classes: int
    depth: int
    width: int
    channels: int = 16
    stages: int = 3
    norm_groups: int = 8
    activation: Activation = jax.nn.relu

    def __post_init__(self) -> None:
        layers = self.depth - 4
        if layers <= 0 or layers % (2 * self.stages):
            raise CollectError(
                f"A wide residual network of {self.stages} stages cannot have depth {self.depth}: "
                f"wanted 4 plus a positive multiple of {2 * self.stages}."
            )
        if self.channels % self.norm_groups:
            raise CollectError(
                f"{self.channels} channels do not divide into {self.norm_groups} groups of "
                "normalisation: wanted a divisor."
            )

    def init(self, key: PRNGKeyArray) -> WideResNet:
        """A network with fresh parameters."""
        key_stem, key_head, *keys = jr.split(key, self.stages * self._blocks + 2)
        inputs = self.channels
        blocks = []
        for index, key_block in enumerate(keys):
            stage, place = divmod(index, self._blocks)
            outputs = self.channels * self.width * 2**stage
            stride = 2 if stage > 0 and place == 0 else 1
            blocks.append(self._init_block(key_block, inputs, outputs, stride))
            inputs = outputs
        return WideResNet(
            Convolution.init(key_stem, self.image_shape[-1], self.channels, window=3),
            tuple(blocks),
            GroupNorm.init(inputs, self.norm_groups),
            Dense.init(key_head, inputs, self.classes),
            self.activation,
        )

    @property
    def _blocks(self) -> int:
        return (self.depth - 4) // (2 * self.stages)

    def _init_block(
        self, key: PRNGKeyArray, inputs: int, outputs: int, stride: int
    ) -> ResidualBlock:
        key_first, key_second, key_shortcut = jr.split(key, 3)
        is_same = inputs == outputs and stride == 1
        norms = (
            GroupNorm.init(inputs, self.norm_groups),
            GroupNorm.init(outputs, self.norm_groups),
        )
        convolutions = (
            Convolution.init(key_first, inputs, outputs, 3, stride),
            Convolution.init(key_second, outputs, outputs, 3),
        )
        shortcut = None if is_same else Convolution.init(key_shortcut, inputs, outputs, 1, stride)
        return ResidualBlock(norms, convolutions, shortcut, self.activation)

    @classmethod
    def small(cls, image_shape: tuple[int, int, int], classes: int) -> Self:
        """WRN-10-1 with 8 channels at first, for images of about 14 x 14."""
        return cls(image_shape, classes, depth=10, width=1, channels=8, norm_groups=4)

    @classmethod
    def published(cls, image_shape: tuple[int, int, int], classes: int) -> Self:
        """WRN-28-10, of 36.5 million parameters."""
        return cls(image_shape, classes, depth=28, width=10)
