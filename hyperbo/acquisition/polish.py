"""Refine the best points over what cannot be climbed: integers, listed values, categories."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from hyperbo.acquisition.base import Score
from hyperbo.arrays import Array
from hyperbo.ascent import Optimum
from hyperbo.errors import ExhaustedError

# Rows are scored in blocks of this many, so that one compiled program serves any number.
_BLOCK = 128
SAME_POINT = 1e-9
"""Points that agree to this in every coordinate are the same point."""

Snap = Callable[[Float[np.ndarray, "K D"]], Float[np.ndarray, "K D"]]
Neighbours = Callable[[Float[np.ndarray, " D"]], Float[np.ndarray, "K D"]]


def polish(
    score: Score,
    optimum: Optimum,
    *,
    snap: Snap,
    neighbours: Neighbours,
    excluded: Float[np.ndarray, "N D"],
    spare: Float[np.ndarray, "Q D"],
    sweeps: int = 3,
) -> Float[np.ndarray, " D"]:
    """The best point that the space admits, close to those that the ascent has found.

    Points are snapped and scored again; the best one that is not excluded is then moved to its
    best neighbour, for as long as that rises. If all are excluded, as when every climb ends on the
    best trial, the search goes on from the neighbours of the best of them, and then among the spare
    points.

    Args:
        score: What to maximise.
        optimum: What `maximise_continuous` returned.
        snap: Brings points to ones the space admits, e.g. `SearchSpace.snap`.
        neighbours: Points one step away from a point, e.g. `SearchSpace.neighbours`; none in a
            space of floats alone, which then costs nothing here.
        excluded: Points not to suggest: those evaluated and pending. Pass none, shape (0, D),
            where noise asks for repeats.
        spare: Points that the space admits, e.g. the candidates that were climbed from.
        sweeps: Moves to a neighbour at most.

    Raises:
        ExhaustedError: If every point that was looked at is excluded.
    """
    points = np.asarray(optimum.points)
    rows = snap(points)
    is_moved = not np.array_equal(rows, points)
    scores = _score_rows(score, rows) if is_moved else np.asarray(optimum.scores)
    is_seen = _rows_of(excluded)

    best, height = _best_allowed(rows, scores, is_seen)
    here = rows[int(np.argmax(_lowest_if_nan(scores)))] if best is None else best
    for _ in range(sweeps):
        around = neighbours(here)
        if around.shape[0] == 0:
            break
        found, found_height = _best_allowed(around, _score_rows(score, around), is_seen)
        if found is None or (best is not None and found_height <= height):
            break
        best, height, here = found, found_height, found
    if best is None:
        best, _ = _best_allowed(spare, _score_rows(score, spare), is_seen)
    if best is None:
        raise ExhaustedError(
            f"No point is left: the {rows.shape[0]} best found, their neighbours and "
            f"{spare.shape[0]} others are all among the {excluded.shape[0]} excluded ones, tried "
            "or pending. The space is used up: widen it, or allow repeats."
        )
    return best


def _score_rows(score: Score, rows: Float[np.ndarray, "K D"]) -> Float[np.ndarray, " K"]:
    """Scores of any number of rows, by a program of one shape."""
    if rows.shape[0] == 0:
        return np.zeros(0)
    blocks = -(-rows.shape[0] // _BLOCK)
    padded = np.resize(rows, (blocks * _BLOCK, rows.shape[1]))
    scores = [
        np.asarray(_score_block(score, jnp.asarray(block))) for block in np.split(padded, blocks)
    ]
    return np.concatenate(scores)[: rows.shape[0]]


@eqx.filter_jit
def _score_block(score: Score, inputs: Float[Array, "Q D"]) -> Float[Array, " Q"]:
    """The scores of one block."""
    return score(inputs)


def _best_allowed(
    rows: Float[np.ndarray, "K D"], scores: Float[np.ndarray, " K"], is_seen: frozenset[bytes]
) -> tuple[Float[np.ndarray, " D"] | None, float]:
    """The best row that is not among those seen, and its score; None if there is no such row."""
    is_allowed = np.array([row not in is_seen for row in _row_names(rows)], dtype=bool)
    if not is_allowed.any():
        return None, -np.inf
    heights = np.where(is_allowed, _lowest_if_nan(scores), -np.inf)
    index = int(np.argmax(heights))
    return rows[index], float(heights[index])


def _lowest_if_nan(scores: Float[np.ndarray, " K"]) -> Float[np.ndarray, " K"]:
    """The scores, finite throughout; one that is not a number is the lowest there is."""
    return np.nan_to_num(scores, nan=np.finfo(np.float64).min)


def _row_names(rows: Float[np.ndarray, "K D"]) -> list[bytes]:
    """A name for each row, the same for rows that agree to the resolution."""
    return [row.tobytes() for row in np.round(rows / SAME_POINT).astype(np.int64)]


def _rows_of(points: Float[np.ndarray, "N D"]) -> frozenset[bytes]:
    """The names of points, for looking them up."""
    return frozenset(_row_names(points))
