"""Mean functions that GPJax does not have."""

import jax.numpy as jnp
from gpjax.mean_functions import AbstractMeanFunction
from gpjax.parameters import Real, val
from jaxtyping import Float

from hyperbo.arrays import Array


class LinearMean(AbstractMeanFunction):
    """A constant plus a weighted sum of the coordinates, or of the features, of a point.

    Both start at zero.
    """

    weights: Real
    constant: Real

    def __init__(self, dimension: int) -> None:
        self.weights = Real(jnp.zeros(dimension))
        self.constant = Real(jnp.zeros(()))

    def __call__(self, x: Float[Array, "N F"]) -> Float[Array, "N 1"]:
        """Mean at each point, as a column, which is GPJax's convention."""
        return (x @ val(self.weights) + val(self.constant))[:, None]
