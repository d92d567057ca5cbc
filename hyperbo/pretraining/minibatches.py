"""Drawing a task's points for one training step: without replacement, real points first."""

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Bool, Float, Int

from hyperbo.arrays import Array, Key


def draw_points(key: Key, mask: Bool[Array, " N"], count: int) -> Int[Array, " {count}"]:
    """Indices of `count` different entries of one padded task, real ones before padded ones.

    Every set of real entries is equally likely. Padded entries come only once the real ones are
    used up; the caller keeps their mask. More padding does not change which real ones are drawn.

    Args:
        key: Which draw.
        mask: True where an entry is real.
        count: How many, at most `N`.
    """
    # 24 random bits are exact in float32, for which top-k is ten times faster than for integers.
    bits = jr.bits(key, mask.shape, jnp.uint32) >> 8
    priority = jnp.where(mask, bits.astype(jnp.float32) + 1.0, 0.0)
    return jax.lax.top_k(priority, count)[1]


def draw_minibatch(
    key: Key,
    inputs: Float[Array, "M N D"],
    values: Float[Array, "M N"],
    mask: Bool[Array, "M N"],
    count: int,
) -> tuple[Float[Array, "M B D"], Float[Array, "M B"], Bool[Array, "M B"]]:
    """Fresh points of every task: inputs, values and mask, `count` entries a task.

    Each task draws by its own position and the key, so further tasks change nothing for it.
    """

    def draw(
        position: Int[Array, ""],
        inputs: Float[Array, "N D"],
        values: Float[Array, " N"],
        mask: Bool[Array, " N"],
    ) -> tuple[Float[Array, "B D"], Float[Array, " B"], Bool[Array, " B"]]:
        chosen = draw_points(jr.fold_in(key, position), mask, count)
        return inputs[chosen], values[chosen], mask[chosen]

    return jax.vmap(draw)(jnp.arange(mask.shape[0]), inputs, values, mask)
