"""Attention whose query heads share key and value heads in groups."""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from hyperbo_datasets.collect.networks.blocks import Layer
from hyperbo_datasets.collect.networks.linear import Affine, Linear, Projection
from hyperbo_datasets.collect.networks.rotary import Rotary
from hyperbo_datasets.collect.networks.soft_cap import soft_cap
from hyperbo_datasets.collect.networks.visibility import Visibility

_HIDDEN = -1e30
"""The score of a key that is not seen; finite, so that no gradient is NaN."""


@dataclass(frozen=True)
class AttentionShape:
    """The sizes and rules of an attention layer: all that is not a parameter.

    Attributes:
        heads: Query heads.
        key_value_heads: Key and value heads, a divisor of `heads`: as many makes multi-head
            attention, one makes multi-query attention, and between them it is grouped.
        head_width: Features of a head.
        scale: What scores are multiplied by, usually the root of the inverse `head_width`.
        rotary: How queries and keys are turned.
        visibility: Which keys a query sees.
        cap: Bound of the scores, applied before unseen keys are hidden.
    """

    heads: int
    key_value_heads: int
    head_width: int
    scale: float
    rotary: Rotary
    visibility: Visibility
    cap: float | None = None


class AttentionState(eqx.Module):
    """Past keys and values: slot `p % S` holds those of position p, the latest S of them."""

    keys: Float[Array, "S K F"]
    values: Float[Array, "S K F"]


class Attention(Layer):
    """Grouped-query attention.

    Attributes:
        projection: Of queries, keys and values, side by side: one matrix product, not three.
        output: From the heads' results back to the stream.
        shape: All that is not a parameter.

    References:
        Ainslie et al. (2023), arXiv:2305.13245.
    """

    projection: Linear
    output: Linear | Affine
    shape: AttentionShape = eqx.field(static=True)

    def __init__(
        self,
        key: PRNGKeyArray,
        width: int,
        shape: AttentionShape,
        output: Projection = Linear,
        output_variance: float = 1.0,
    ) -> None:
        key_projection, key_output = jr.split(key)
        columns = (shape.heads + 2 * shape.key_value_heads) * shape.head_width
        self.projection = Linear(key_projection, width, columns)
        self.output = output(key_output, shape.heads * shape.head_width, width, output_variance)
        self.shape = shape

    def __call__(
        self, x: Float[Array, "T D"], is_present: Bool[Array, " T"] | None = None
    ) -> Float[Array, "T D"]:
        """What each token gathers from those it sees.

        Args:
            x: The stream.
            is_present: False for padding, which nobody sees; None means that there is none.
        """
        positions = jnp.arange(x.shape[0], dtype=jnp.int32)
        queries, keys, values = self._project(x, positions)
        is_seen = self.shape.visibility.allows(positions, positions)
        if is_present is not None:
            is_seen = is_seen & is_present[None, :]
        return self._gather(queries, keys, values, is_seen)

    def init_state(self, length: int) -> AttentionState:
        """An empty memory for decoding `length` tokens."""
        slots = self.shape.visibility.memory(length)
        shape = (slots, self.shape.key_value_heads, self.shape.head_width)
        return AttentionState(jnp.zeros(shape, jnp.float32), jnp.zeros(shape, jnp.float32))

    def step(
        self, x: Float[Array, " D"], position: Int[Array, ""], state: AttentionState
    ) -> tuple[Float[Array, " D"], AttentionState]:
        """The same for one token, given the keys and values of those before it."""
        here = position[None]
        queries, key, value = self._project(x[None], here)
        slots = state.keys.shape[0]
        keys = state.keys.at[position % slots].set(key[0])
        values = state.values.at[position % slots].set(value[0])
        age = (position - jnp.arange(slots, dtype=jnp.int32)) % slots
        stored = position - age
        is_seen = self.shape.visibility.allows(here, stored) & (stored >= 0)[None, :]
        return self._gather(queries, keys, values, is_seen)[0], AttentionState(keys, values)

    def _project(
        self, x: Float[Array, "T D"], positions: Int[Array, " T"]
    ) -> tuple[Float[Array, "T H F"], Float[Array, "T K F"], Float[Array, "T K F"]]:
        shape = self.shape
        turned = shape.heads + shape.key_value_heads
        heads = self.projection(x).reshape(x.shape[0], -1, shape.head_width)
        rotated = shape.rotary(heads[:, :turned], positions)
        return rotated[:, : shape.heads], rotated[:, shape.heads :], heads[:, turned:]

    def _gather(
        self,
        queries: Float[Array, "T H F"],
        keys: Float[Array, "S K F"],
        values: Float[Array, "S K F"],
        is_seen: Bool[Array, "T S"],
    ) -> Float[Array, "T D"]:
        tokens, heads, width = queries.shape
        groups = self.shape.key_value_heads
        # The rows of a group's heads make one matrix: one product, not one for each head. Weights
        # are normalised after they have met the values, which are fewer than the weights.
        scaled = (queries * self.shape.scale).reshape(tokens, groups, -1, width)
        rows = scaled.transpose(1, 0, 2, 3).reshape(groups, -1, width)
        scores = soft_cap(jnp.einsum("krf,skf->krs", rows, keys), self.shape.cap)
        by_head = scores.reshape(groups, tokens, heads // groups, -1)
        hidden = jnp.where(is_seen[None, :, None], by_head, _HIDDEN).reshape(scores.shape)
        weights = jnp.exp(hidden - jax.lax.stop_gradient(hidden.max(axis=-1, keepdims=True)))
        sums = jnp.einsum("krs,skf->krf", weights, values)
        gathered = sums / weights.sum(axis=-1, keepdims=True)
        merged = gathered.reshape(groups, tokens, -1, width).transpose(1, 0, 2, 3)
        return self.output(merged.reshape(tokens, -1))
