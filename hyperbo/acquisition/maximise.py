"""Maximise a bound score: over a pool of points, or over the unit cube."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from hyperbo.acquisition.base import Score
from hyperbo.arrays import Array
from hyperbo.ascent import Optimum, ascend
from hyperbo.errors import ExhaustedError

# Starts are kept this far apart, so that not all of them climb the same hill.
_APART = 0.05


def maximise_pool(
    score: Score,
    pool: Float[Array, "Q D"],
    available: Bool[Array, " Q"] | Bool[np.ndarray, " Q"],
) -> Int[Array, ""]:
    """Index of the available point that scores highest; the first of several.

    A score that is not a number counts as the lowest there is.

    Args:
        score: What to maximise.
        pool: The points there are.
        available: False where a point must not be suggested.

    Raises:
        ExhaustedError: If no point is available. Inside `jax.jit` this cannot be seen: check
            before.
    """
    if not isinstance(available, jax.core.Tracer) and not np.any(available):
        raise ExhaustedError(
            f"All {pool.shape[0]} points of the pool have been taken; wanted one that is "
            "available. Enlarge the pool, or stop the study."
        )
    return _best_available(score, pool, available)


@eqx.filter_jit
def _best_available(
    score: Score,
    pool: Float[Array, "Q D"],
    available: Bool[Array, " Q"] | Bool[np.ndarray, " Q"],
) -> Int[Array, ""]:
    """Index of the available point that scores highest."""
    return jnp.argmax(jnp.where(available, _finite(score(pool)), -jnp.inf))


@eqx.filter_jit
def maximise_continuous(
    score: Score,
    candidates: Float[Array, "Q D"],
    is_continuous: Bool[Array, " D"] | Bool[np.ndarray, " D"],
    *,
    starts: int = 8,
    steps: int = 24,
) -> Optimum:
    """Score all candidates, then climb from the best of them inside the unit cube.

    Compiled once for each shape of its arguments. Coordinates that are not continuous keep their
    candidate's value; refine them by `polish`.

    Args:
        score: What to maximise.
        candidates: Points of the unit cube, e.g. a Sobol sequence and some points close to the
            incumbent. A thousand serve up to half a dozen dimensions.
        is_continuous: The coordinates that may move.
        starts: How many candidates to climb from; they are the best ones that lie apart. At most
            `Q`.
        steps: Evaluations of score and gradient at most, each of all starts together.

    Returns:
        The points reached, best first, with their scores; none below its candidate's.
    """
    scores = _finite(score(candidates))
    chosen = _spread(candidates, scores, min(starts, candidates.shape[0]))
    optimum = ascend(score, candidates[chosen], jnp.asarray(is_continuous), steps=steps)
    order = jnp.argsort(-_finite(optimum.scores))
    return Optimum(optimum.points[order], optimum.scores[order])


def _finite(scores: Float[Array, " Q"]) -> Float[Array, " Q"]:
    """The scores, with the largest and smallest numbers for infinities, the smallest for NaN."""
    return jnp.nan_to_num(scores, nan=float(np.finfo(np.float64).min))


def _spread(
    candidates: Float[Array, "Q D"], scores: Float[Array, " Q"], count: int
) -> Int[Array, "{count}"]:
    """Indices of the best candidates that lie apart; of the best remaining ones if too few do."""

    def choose(
        state: tuple[Bool[Array, " Q"], Bool[Array, " Q"]], _: None
    ) -> tuple[tuple[Bool[Array, " Q"], Bool[Array, " Q"]], Int[Array, ""]]:
        is_left, is_apart = state
        pick_from = jnp.where(jnp.any(is_apart), is_apart, is_left)
        index = jnp.argmax(jnp.where(pick_from, scores, -jnp.inf))
        gaps = jnp.max(jnp.abs(candidates - candidates[index]), axis=1)
        is_left = is_left.at[index].set(False)
        return (is_left, is_apart & is_left & (gaps > _APART)), index

    everything = jnp.ones(scores.shape, dtype=bool)
    _, chosen = jax.lax.scan(choose, (everything, everything), None, length=count)
    return chosen
