"""A multilayer perceptron, which reads an example of any shape as one row of numbers."""

import math
from dataclasses import dataclass
from typing import Self

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from hyperbo_datasets.collect.networks.classifier import Activation
from hyperbo_datasets.collect.networks.dense import DenseStack
from hyperbo_datasets.collect.networks.drawing import draw_kernels


class MLP(eqx.Module):
    """Dense layers over all the numbers of an example."""

    dense: DenseStack

    def __call__(self, examples: Float[Array, "N *shape"]) -> Float[Array, "N C"]:
        """The logits."""
        return self.dense(examples.reshape(len(examples), -1))


@dataclass(frozen=True)
class MLPConfig:
    """Sizes of a multilayer perceptron.

    Attributes:
        input_shape: Shape of one example.
        classes: Number of logits.
        hidden: Widths of the hidden layers.
        activation: Between two layers.
    """

    input_shape: tuple[int, ...]
    classes: int
    hidden: tuple[int, ...]
    activation: Activation = jax.nn.relu

    def init(self, key: PRNGKeyArray) -> MLP:
        """A perceptron with fresh parameters."""
        widths = (math.prod(self.input_shape), *self.hidden, self.classes)
        return draw_kernels(key, MLP(DenseStack.blank(widths, self.activation)))

    @classmethod
    def small(cls, input_shape: tuple[int, ...], classes: int) -> Self:
        """Two hidden layers of 64: a few hundredths of a second of one core for 300 steps."""
        return cls(input_shape, classes, hidden=(64, 64))
