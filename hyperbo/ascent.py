"""Bounded quasi-Newton ascent from many starts at once, of acquisitions and of likelihoods."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Int

from hyperbo.arrays import Array

_FIRST_STEP = 0.05  # how far the first step goes along the steepest coordinate
_LONGEST_STEP = 0.25  # no coordinate moves further than this in one step
_SHORTEST_STEP = 1e-8  # a start whose next step is shorter has arrived
_SUFFICIENT = 1e-4  # share of the promised rise that a step must bring


Height = Callable[[Float[Array, "K D"]], Float[Array, " K"]]
"""What is climbed: a pytree that scores each of `K` points of the unit cube by itself."""


class Optimum(eqx.Module):
    """Points and their scores.

    Attributes:
        points: Points of the unit cube.
        scores: The score of each.
    """

    points: Float[Array, "K D"]
    scores: Float[Array, " K"]


class _Ascent(eqx.Module):
    """State of `K` ascents; gradients are divided by each start's first slope, scores are not."""

    points: Float[Array, "K D"]
    scores: Float[Array, " K"]
    gradients: Float[Array, "K D"]
    scale: Float[Array, " K"]
    inverse: Float[Array, "K D D"]  # inverse of the negated Hessian, as known so far
    stride: Float[Array, " K"]  # share of the quasi-Newton step to try next
    is_fresh: Bool[Array, " K"]  # no curvature seen yet
    is_done: Bool[Array, " K"]
    count: Int[Array, ""]


@eqx.filter_jit
def ascend(
    score: Height,
    starts: Float[Array, "K D"],
    is_continuous: Bool[Array, " D"],
    *,
    steps: int | Int[Array, ""],
    flat: float = 0.0,
) -> Optimum:
    """Climb from each start inside the unit cube, along continuous coordinates only.

    Projected BFGS, one evaluation of score and gradient a step for all starts together: a step
    that does not rise enough is shortened at the next. Each start's score is divided by its first
    slope, so neither tiny nor huge gradients matter. No point scores less than its start; a start
    with a score or gradient that is not finite stays where it is.

    Args:
        score: What to climb.
        starts: `K` points of the unit cube.
        is_continuous: The coordinates that may move.
        steps: Evaluations at most, that of the starts not counted.
        flat: A start has arrived where no coordinate rises by more than this per unit.

    Returns:
        The points reached and their scores, in the order of the starts.

    References:
        Bertsekas (1982), "Projected Newton methods for optimization problems with simple
        constraints".
    """
    size, dimension = starts.shape
    state = _Ascent(
        points=starts,
        scores=jnp.zeros(size),
        gradients=jnp.zeros_like(starts),
        scale=jnp.ones(size),
        inverse=jnp.broadcast_to(_FIRST_STEP * jnp.eye(dimension), (size, dimension, dimension)),
        stride=jnp.ones(size),
        is_fresh=jnp.ones(size, dtype=bool),
        is_done=jnp.zeros(size, dtype=bool),
        count=jnp.zeros((), dtype=jnp.int32),
    )

    def goes_on(state: _Ascent) -> Bool[Array, ""]:
        return (state.count <= steps) & ~jnp.all(state.is_done)

    def step(state: _Ascent) -> _Ascent:
        # Without a gradient yet, the first proposal is the start itself; evaluating it here and
        # not before the loop halves what must be compiled.
        proposal = _propose(state, is_continuous)
        trial, slopes = _evaluate(score, proposal)
        slopes = jnp.where(is_continuous, slopes, 0.0)
        begun = _begin(state, trial, slopes, flat)
        advanced = _advance(state, Optimum(proposal, trial), slopes / state.scale[:, None], flat)
        return jax.tree.map(lambda a, b: jnp.where(state.count == 0, a, b), begun, advanced)

    state = jax.lax.while_loop(goes_on, step, state)
    return Optimum(state.points, state.scores)


def _evaluate(
    score: Height, points: Float[Array, "K D"]
) -> tuple[Float[Array, " K"], Float[Array, "K D"]]:
    """Scores and their gradients; points are scored one by one, so one sum serves for all."""

    def total(points: Float[Array, "K D"]) -> tuple[Float[Array, ""], Float[Array, " K"]]:
        scores = score(points)
        return jnp.sum(scores), scores

    gradients, scores = jax.grad(total, has_aux=True)(points)
    return scores, gradients


def _propose(state: _Ascent, is_continuous: Bool[Array, " D"]) -> Float[Array, "K D"]:
    """The next point to try from each start, inside the cube."""
    # 1. A coordinate at a bound that it is pushed against is held for this step.
    is_held = _is_held(state.points, state.gradients)
    is_free = is_continuous & ~is_held & ~state.is_done[:, None]
    free = is_free.astype(state.points.dtype)
    # 2. Quasi-Newton in the free coordinates: rises, as any principal block stays positive.
    step = free * jnp.einsum("kij,kj->ki", state.inverse, free * state.gradients)
    step = step * state.stride[:, None]
    # 3. No further than the model can be trusted.
    length = jnp.max(jnp.abs(step), axis=1, keepdims=True)
    step = step * jnp.minimum(1.0, _LONGEST_STEP / jnp.maximum(length, _LONGEST_STEP))
    return jnp.clip(state.points + step, 0.0, 1.0)


def _begin(
    state: _Ascent, scores: Float[Array, " K"], slopes: Float[Array, "K D"], flat: float
) -> _Ascent:
    """Learn the starts' scores and slopes; those that are not finite, or flat, are done."""
    steepest = jnp.max(jnp.abs(slopes), axis=1)
    is_usable = jnp.isfinite(scores) & jnp.isfinite(steepest) & (steepest > flat)
    scale = jnp.where(is_usable, steepest, 1.0)
    return _Ascent(
        points=state.points,
        scores=scores,
        gradients=jnp.where(is_usable[:, None], slopes / scale[:, None], 0.0),
        scale=scale,
        inverse=state.inverse,
        stride=state.stride,
        is_fresh=state.is_fresh,
        is_done=~is_usable,
        count=state.count + 1,
    )


def _advance(
    state: _Ascent, proposal: Optimum, gradients: Float[Array, "K D"], flat: float
) -> _Ascent:
    """Take the proposals that rise enough, learn their curvature, and set the next stride."""
    step = proposal.points - state.points
    promise = jnp.sum(state.gradients * step, axis=1)
    # A difference of scores first, so that no offset swallows a small rise.
    rise = (proposal.scores - state.scores) / state.scale
    is_finite = jnp.isfinite(rise) & jnp.all(jnp.isfinite(gradients), axis=1)
    is_taken = is_finite & (rise >= _SUFFICIENT * promise) & (promise > 0.0)

    drop = jnp.where(is_taken[:, None], state.gradients - gradients, 0.0)
    inverse, has_curvature = _update(state.inverse, step, drop, state.is_fresh)
    has_curvature = has_curvature & is_taken

    # Too long a step: go to the top of the parabola through what was seen.
    bend = jnp.where(is_finite & (promise > rise), promise - rise, jnp.inf)
    shorter = jnp.clip(0.5 * promise / bend, 0.1, 0.5) * state.stride
    longer = jnp.where(has_curvature, 1.0, 2.0 * state.stride)
    is_short = jnp.max(jnp.abs(step), axis=1) < _SHORTEST_STEP
    is_level = is_taken & (_steepest(proposal.points, gradients) * state.scale <= flat)

    taken = is_taken[:, None]
    return _Ascent(
        points=jnp.where(taken, proposal.points, state.points),
        scores=jnp.where(is_taken, proposal.scores, state.scores),
        gradients=jnp.where(taken, gradients, state.gradients),
        scale=state.scale,
        inverse=jnp.where(has_curvature[:, None, None], inverse, state.inverse),
        stride=jnp.where(is_taken, longer, shorter),
        is_fresh=state.is_fresh & ~has_curvature,
        is_done=state.is_done | is_short | is_level,
        count=state.count + 1,
    )


def _is_held(points: Float[Array, "K D"], gradients: Float[Array, "K D"]) -> Bool[Array, "K D"]:
    """Coordinates at a bound that they are pushed against."""
    return ((points <= 0.0) & (gradients < 0.0)) | ((points >= 1.0) & (gradients > 0.0))


def _steepest(points: Float[Array, "K D"], gradients: Float[Array, "K D"]) -> Float[Array, " K"]:
    """The largest slope along a coordinate that may still move."""
    return jnp.max(jnp.where(_is_held(points, gradients), 0.0, jnp.abs(gradients)), axis=1)


def _update(
    inverse: Float[Array, "K D D"],
    step: Float[Array, "K D"],
    drop: Float[Array, "K D"],
    is_fresh: Bool[Array, " K"],
) -> tuple[Float[Array, "K D D"], Bool[Array, " K"]]:
    """BFGS update by the gradient's `drop` along `step`, and where the score curves down there."""
    along = jnp.sum(step * drop, axis=1)
    norm = jnp.sqrt(jnp.sum(jnp.square(step), axis=1) * jnp.sum(jnp.square(drop), axis=1))
    has_curvature = (along > 1e-8 * norm) & (norm > 0.0)
    safe = jnp.where(has_curvature, along, 1.0)
    # The first curvature seen sets the scale of all directions.
    size = safe / jnp.where(has_curvature, jnp.sum(jnp.square(drop), axis=1), 1.0)
    identity = jnp.eye(step.shape[1])
    start = jnp.where(is_fresh[:, None, None], size[:, None, None] * identity, inverse)
    weighted = step / safe[:, None]
    shift = identity - jnp.einsum("ki,kj->kij", weighted, drop)
    updated = jnp.einsum("kij,kjl,kml->kim", shift, start, shift)
    return updated + jnp.einsum("ki,kj->kij", weighted, step), has_curvature
