"""Dense layers in a row, which all the small networks end in."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Self

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperbo_datasets.collect.networks.classifier import Activation


class Dense(eqx.Module):
    """A matrix product and a bias."""

    kernel: Float[Array, "I O"]
    bias: Float[Array, " O"]

    @classmethod
    def blank(cls, inputs: int, outputs: int) -> Self:
        """A layer of zeros, whose kernel is yet to be drawn."""
        return cls(jnp.zeros((inputs, outputs), jnp.float32), jnp.zeros(outputs, jnp.float32))

    def __call__(self, features: Float[Array, "N I"]) -> Float[Array, "N O"]:
        """The outputs."""
        return features @ self.kernel + self.bias[None]


class DenseStack(eqx.Module):
    """Dense layers with an activation between two, none after the last."""

    layers: tuple[Dense, ...]
    activation: Activation = eqx.field(static=True)

    @classmethod
    def blank(cls, widths: Sequence[int], activation: Activation) -> Self:
        """A stack from `widths[0]` inputs to `widths[-1]` outputs, yet to be drawn."""
        return cls(tuple(Dense.blank(*pair) for pair in pairwise(widths)), activation)

    def __call__(self, features: Float[Array, "N I"]) -> Float[Array, "N O"]:
        """The outputs."""
        for layer in self.layers[:-1]:
            features = self.activation(layer(features))
        return self.layers[-1](features)
