"""The cost curve: what is gained for what is spent, treating the most effective first."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int


def area_under_cost_curve(
    scores: Float[Array, " N"], gains: Float[Array, " N"], costs: Float[Array, " N"]
) -> Float[Array, ""]:
    """Area under incremental gain against incremental cost, both brought to a total of one.

    Units are treated from the largest score down; those of equal score all at once, so the curve
    is straight between the ends of a tie. A ranking by chance has an area of one half on average,
    and a reversed ranking one less the area.

    Args:
        scores: The ranking; larger is treated sooner.
        gains: What treating a unit gains; single units may be negative.
        costs: What treating a unit costs; single units may be negative.

    Returns:
        The area within [0, 1]; zero where it has no meaning: a score is NaN, or the total gain or
        cost is not positive.

    Example:
        >>> scores, costs = jnp.array([3.0, 2.0, 1.0]), jnp.ones(3)
        >>> round(float(area_under_cost_curve(scores, jnp.array([1.0, 0.0, 0.0]), costs)), 4)
        0.8333
    """
    order = jnp.argsort(-scores)
    ranked = scores[order]
    is_last = jnp.append(ranked[1:] != ranked[:-1], jnp.ones(1, bool))
    gain, gain_before = _ends(gains[order], is_last)
    cost, cost_before = _ends(costs[order], is_last)
    pieces = (cost - cost_before) * (gain + gain_before) / 2
    total_gain, total_cost = gains.sum(), costs.sum()
    has_meaning = jnp.isfinite(scores).all() & (total_gain > 0) & (total_cost > 0)
    scale = jnp.where(has_meaning, total_gain * total_cost, 1.0)
    area = jnp.where(is_last, pieces, 0.0).sum() / scale
    return jnp.where(has_meaning, jnp.clip(area, 0.0, 1.0), 0.0)


def _ends(
    ranked: Float[Array, " N"], is_last: Bool[Array, " N"]
) -> tuple[Float[Array, " N"], Float[Array, " N"]]:
    # The sum until each unit, and that until the tie it belongs to.
    until = jnp.cumsum(ranked)
    places: Int[Array, " N"] = jnp.arange(1, len(ranked) + 1, dtype=jnp.int32)
    # Where each tie begins: after the last end so far, counting none as place zero.
    ends = lax.cummax(jnp.where(is_last, places, 0))
    begins = jnp.append(jnp.zeros(1, jnp.int32), ends[:-1])
    before = jnp.append(jnp.zeros(1, until.dtype), until)[begins]
    return until, before
