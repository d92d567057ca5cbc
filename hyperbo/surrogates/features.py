"""Maps from the unit cube to what a mean or a kernel sees: input warping and the tanh network."""

import itertools
from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from gpjax.parameters import PositiveReal, val
from jaxtyping import Float

from hyperbo.arrays import Array, Key

_EDGE = 1e-9


class KumaraswamyWarp(eqx.Module):
    """Monotone warping of each coordinate by the Kumaraswamy distribution function.

    $w(u) = 1 - (1 - u^a)^b$, with $a$ and $b$ learned per coordinate; both one at the start, where
    the warp is the identity.

    References:
        Snoek et al. (2014), arXiv:1402.0929, with the Beta distribution in its place.
    """

    a: PositiveReal
    b: PositiveReal

    def __init__(self, dimension: int) -> None:
        self.a = PositiveReal(jnp.ones(dimension))
        self.b = PositiveReal(jnp.ones(dimension))

    def __call__(self, inputs: Float[Array, "N D"]) -> Float[Array, "N D"]:
        """Warp points of the unit cube; the result lies in the unit cube."""
        # The powers' gradients are infinite at the edges, hence the clip.
        inside = jnp.clip(inputs, _EDGE, 1.0 - _EDGE)
        lifted = jnp.power(inside, val(self.a)[None, :])
        return 1.0 - jnp.power(1.0 - lifted, val(self.b)[None, :])


class FeatureNetwork(eqx.Module):
    """A multi-layer perceptron with tanh after every layer: HyperBO's shared feature map.

    Args:
        key: Randomness of the initial weights (LeCun normal; biases zero).
        dimension: Number of inputs.
        widths: Number of units of each layer; the last is the number of features.
    """

    weights: tuple[Float[Array, "_ _"], ...]
    biases: tuple[Float[Array, " _"], ...]

    def __init__(self, key: Key, dimension: int, widths: Sequence[int]) -> None:
        sizes = (dimension, *widths)
        keys = jr.split(key, len(widths))
        self.weights = tuple(
            jr.normal(key_layer, (above, below)) / below**0.5
            for key_layer, (below, above) in zip(keys, itertools.pairwise(sizes), strict=True)
        )
        self.biases = tuple(jnp.zeros(width) for width in widths)

    @property
    def width(self) -> int:
        """Number of features."""
        return int(self.biases[-1].shape[0])

    def __call__(self, inputs: Float[Array, "N D"]) -> Float[Array, "N F"]:
        """Features of each point, each in (-1, 1)."""
        hidden = inputs
        for weight, bias in zip(self.weights, self.biases, strict=True):
            hidden = jnp.tanh(hidden @ weight.T + bias[None, :])
        return hidden
