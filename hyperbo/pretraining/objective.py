"""The contract of pre-training objectives, and their weighted sum."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Float

from hyperbo.arrays import Array, Key

Objective = Callable[[Any, Key], Float[Array, ""]]
"""A loss of a prior, in nats where it is one of ours; smaller is better.

An objective is a frozen `eqx.Module` that holds its data as arrays, so that a compiled step serves
other data of the same shape. The key says which minibatch it looks at; one key, one value.
"""


class WeightedSum(eqx.Module):
    """A weighted sum of objectives, e.g. a likelihood plus a divergence plus regularisers.

    Args:
        terms: Pairs of weight and objective. Each term gets a key of its own.

    Example:
        >>> half = WeightedSum((0.5, lambda prior, key: prior), (2.0, lambda prior, key: 1.0))
        >>> float(half(3.0, jr.key(0)))
        3.5
    """

    weights: Float[Array, " terms"]
    objectives: tuple[Objective, ...]

    def __init__(self, *terms: tuple[float, Objective]) -> None:
        self.weights = jnp.asarray([weight for weight, _ in terms], dtype=float)
        self.objectives = tuple(objective for _, objective in terms)

    def __call__(self, prior: Any, key: Key) -> Float[Array, ""]:
        """The sum of weight times loss."""
        keys = jr.split(key, len(self.objectives))
        total = jnp.zeros(())
        for weight, objective, key_term in zip(self.weights, self.objectives, keys, strict=True):
            total = total + weight * objective(prior, key_term)
        return total
