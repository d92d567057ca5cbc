"""Which keys a query may look at."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from hyperbo_datasets.errors import CollectError


@runtime_checkable
class Visibility(Protocol):
    """A rule that says, from positions alone, which keys a query sees."""

    def allows(self, queries: Int[Array, " T"], keys: Int[Array, " S"]) -> Bool[Array, "T S"]:
        """Whether each query sees each key."""

    def memory(self, length: int) -> int:
        """How many past keys, the query's own included, must be kept to decode `length` tokens."""


@dataclass(frozen=True)
class Past:
    """A query sees its own key and all before it."""

    def allows(self, queries: Int[Array, " T"], keys: Int[Array, " S"]) -> Bool[Array, "T S"]:
        """Whether the key is not in the query's future."""
        return queries[:, None] >= keys[None, :]

    def memory(self, length: int) -> int:
        """All of them."""
        return length


@dataclass(frozen=True)
class RecentPast:
    """A query sees its own key and those shortly before it.

    Attributes:
        keys: How many keys it sees, its own included: the distance is below this. Gemma 2 calls
            that its window; RecurrentGemma's window W lets the distance be W, so W + 1 keys.
    """

    keys: int

    def allows(self, queries: Int[Array, " T"], keys: Int[Array, " S"]) -> Bool[Array, "T S"]:
        """Whether the key is less than `keys` positions behind the query, and not ahead."""
        distance = queries[:, None] - keys[None, :]
        return (distance >= 0) & (distance < self.keys)

    def memory(self, length: int) -> int:
        """No more than a query sees."""
        return min(self.keys, length)


@dataclass(frozen=True)
class Everything:
    """A query sees all keys, those after it too."""

    def allows(self, queries: Int[Array, " T"], keys: Int[Array, " S"]) -> Bool[Array, "T S"]:
        """Always."""
        return jnp.ones((queries.shape[0], keys.shape[0]), jnp.bool_)

    def memory(self, length: int) -> int:
        """None is enough.

        Raises:
            CollectError: Always: such a network cannot be decoded token by token.
        """
        raise CollectError(
            f"A network whose tokens see later tokens cannot decode {length} tokens one by one: "
            "wanted attention to the Past or the RecentPast."
        )
