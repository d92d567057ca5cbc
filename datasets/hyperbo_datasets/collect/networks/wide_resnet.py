"""Wide residual networks (Zagoruyko and Komodakis, 2016) with pre-activation blocks."""

from dataclasses import dataclass
from typing import Self

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from hyperbo_datasets.collect.networks.classifier import Activation
from hyperbo_datasets.collect.networks.convolution import Convolution, examples_last
from hyperbo_datasets.collect.networks.dense import Dense
from hyperbo_datasets.collect.networks.drawing import draw_kernels
from hyperbo_datasets.collect.networks.group_norm import GroupNorm
from hyperbo_datasets.errors import CollectError


class ResidualBlock(eqx.Module):
    """Twice normalisation, activation, convolution; the input is added to what comes out.

    Where the shape changes, what is added is a 1 x 1 convolution of the first activation.
    """

    norms: tuple[GroupNorm, GroupNorm]
    convolutions: tuple[Convolution, Convolution]
    shortcut: Convolution | None
    activation: Activation = eqx.field(static=True)

    def __call__(self, images: Float[Array, "I H1 W1 N"]) -> Float[Array, "O H2 W2 N"]:
        """The channels after the block, examples last."""
        active = self.activation(self.norms[0](images))
        around = images if self.shortcut is None else self.shortcut(active)
        inner = self.activation(self.norms[1](self.convolutions[0](active)))
        return around + self.convolutions[1](inner)


class WideResNet(eqx.Module):
    """A convolution, stages of residual blocks, then a dense layer over the mean of the image."""

    stem: Convolution
    blocks: tuple[ResidualBlock, ...]
    norm: GroupNorm
    head: Dense
    activation: Activation = eqx.field(static=True)

    def __call__(self, images: Float[Array, "N H W C"]) -> Float[Array, "N classes"]:
        """The logits."""
        found = self.stem(examples_last(images))
        for block in self.blocks:
            found = block(found)
        return self.head(self.activation(self.norm(found)).mean(axis=(1, 2)).T)


@dataclass(frozen=True)
class WideResNetConfig:
    """Sizes of a wide residual network, WRN-depth-width.

    Normalisation is by groups, not by batches as in the paper: see `GroupNorm` for why. That takes
    as many parameters; the biases of the convolutions, which the paper's have not, are a few more.

    Attributes:
        image_shape: Height, width and channels of an image.
        classes: Number of logits.
        depth: Layers in the paper's way of counting: 4 + 2 x stages x blocks of a stage. With
            three stages 10, 16, 22, 28.
        width: How many times `channels` the first stage has; each further stage doubles them.
        channels: Of the first convolution.
        stages: Groups of blocks between which the image's sides are halved.
        stem_stride: Of the first convolution; one in the paper.
        norm_groups: Groups of channels that are normalised together.
        activation: After each normalisation.
    """

    image_shape: tuple[int, int, int]
    classes: int
    depth: int
    width: int
    channels: int = 16
    stages: int = 3
    stem_stride: int = 1
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
        inputs = self.channels
        blocks = []
        for index in range(self.stages * self._blocks):
            stage, place = divmod(index, self._blocks)
            outputs = self.channels * self.width * 2**stage
            stride = 2 if stage > 0 and place == 0 else 1
            blocks.append(self._blank_block(inputs, outputs, stride))
            inputs = outputs
        blank = WideResNet(
            Convolution.blank(self.image_shape[-1], self.channels, 3, self.stem_stride),
            tuple(blocks),
            GroupNorm.init(inputs, self.norm_groups),
            Dense.blank(inputs, self.classes),
            self.activation,
        )
        return draw_kernels(key, blank)

    @property
    def _blocks(self) -> int:
        return (self.depth - 4) // (2 * self.stages)

    def _blank_block(self, inputs: int, outputs: int, stride: int) -> ResidualBlock:
        is_same = inputs == outputs and stride == 1
        return ResidualBlock(
            norms=(
                GroupNorm.init(inputs, self.norm_groups),
                GroupNorm.init(outputs, self.norm_groups),
            ),
            convolutions=(
                Convolution.blank(inputs, outputs, 3, stride),
                Convolution.blank(outputs, outputs, 3),
            ),
            shortcut=None if is_same else Convolution.blank(inputs, outputs, 1, stride),
            activation=self.activation,
        )

    @classmethod
    def small(cls, image_shape: tuple[int, int, int], classes: int) -> Self:
        """WRN-10-1 with 8 channels and a stride at first, for images of about 14 x 14."""
        return cls(
            image_shape, classes, depth=10, width=1, channels=8, stem_stride=2, norm_groups=4
        )

    @classmethod
    def published(cls, image_shape: tuple[int, int, int], classes: int) -> Self:
        """WRN-28-10, of 36.5 million parameters."""
        return cls(image_shape, classes, depth=28, width=10)
