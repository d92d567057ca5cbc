"""A dense layer, which all the small networks end in."""

from collections.abc import Sequence
from typing import Self

import equinox as eqx
import jax
import jax.nn.initializers as init
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, PRNGKeyArray

from hyperbo_datasets.collect.networks.classifier import Activation


class Dense(eqx.Module):
    """An affine map of one vector.

    Initialised as in the networks that PD1 trained: weights from a truncated normal of variance
    1 / inputs, biases at zero. `equinox.nn.Linear` draws both from a uniform instead.
    """

    kernel: Float[Array, "I O"]
    bias: Float[Array, " O"]

    @classmethod
    def init(cls, key: PRNGKeyArray, inputs: int, outputs: int) -> Self:
        """A layer with fresh parameters."""
        kernel = init.lecun_normal()(key, (inputs, outputs), jnp.float32)
        return cls(kernel, jnp.zeros(outputs, jnp.float32))

    def __call__(self, features: Float[Array, " I"]) -> Float[Array, " O"]:
        """The outputs of one example."""
        return features @ self.kernel + self.bias


class DenseStack(eqx.Module):
    """Dense layers with an activation between two, none after the last."""

    layers: tuple[Dense, ...]
    activation: Activation = eqx.field(static=True)

    @classmethod
    def init(cls, key: PRNGKeyArray, widths: Sequence[int], activation: Activation) -> Self:
        """A stack from `widths[0]` inputs to `widths[-1]` outputs."""
        keys = jr.split(key, len(widths) - 1)
        pairs = zip(keys, widths[:-1], widths[1:], strict=True)
        return cls(tuple(Dense.init(*pair) for pair in pairs), activation)

    def __call__(self, features: Float[Array, " I"]) -> Float[Array, " O"]:
        """The outputs of one example."""
        for layer in self.layers[:-1]:
            features = self.activation(layer(features))
        return self.layers[-1](features)


def parameter_count(model: eqx.Module) -> int:
    """How many numbers a model learns; its arrays may be shapes only."""
    return sum(leaf.size for leaf in jax.tree.leaves(model))
