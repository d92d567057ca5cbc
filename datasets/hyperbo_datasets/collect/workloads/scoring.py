"""Large sets of examples are scored some at a time, so that they need little memory."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from hyperbo_datasets.collect.workloads.base import Examples

EXAMPLES_AT_ONCE = 128
"""Images or rows."""

TOKENS_AT_ONCE = 10_000
"""Of all windows together that are read at once."""


def windows_at_once(length: int) -> int:
    """How many windows of so many tokens are read at once."""
    return max(1, TOKENS_AT_ONCE // length)


def in_parts(
    function: Callable[[Any], Float[Array, "B *shape"]],
    examples: Examples,
    at_once: int = EXAMPLES_AT_ONCE,
) -> Float[Array, "N *shape"]:
    """What a function says of every example.

    Args:
        function: Says something of each example of a batch, whatever the others are.
        examples: All of them.
        at_once: How many it is given at a time.
    """
    count = jax.tree.leaves(examples)[0].shape[0]
    if count <= at_once:
        return function(examples)
    missing = -count % at_once

    def parts(leaf: Array) -> Array:
        padded = jnp.pad(leaf, ((0, missing), *((0, 0) for _ in leaf.shape[1:])))
        return padded.reshape(-1, at_once, *leaf.shape[1:])

    found = lax.map(function, jax.tree.map(parts, examples))
    kept: Float[Array, "N *shape"] = found.reshape(-1, *found.shape[2:])[:count]
    return kept
