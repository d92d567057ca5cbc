"""The one door to suggestions: offline studies and the service both come through here."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from hyperbo.acquisition import SAME_POINT, polish
from hyperbo.errors import ExhaustedError
from hyperbo.history import History, Memory
from hyperbo.lapack import one_lapack_thread
from hyperbo.prediction import Prediction, Weights, predict, weigh
from hyperbo.session import Session
from hyperbo.space import SearchSpace, sample_sobol, sample_uniform
from hyperbo.strategy import Strategy, from_prior, from_scratch

__all__ = [
    "History",
    "Memory",
    "Prediction",
    "Strategy",
    "Suggestion",
    "Weights",
    "from_prior",
    "from_scratch",
    "predict",
    "suggest",
    "suggest_from_pool",
    "weigh",
]


@dataclass(frozen=True)
class Suggestion:
    """Points to evaluate next.

    Attributes:
        points: Points of the unit cube that the space admits, shape (B, D).
        rows: Their rows in the pool; -1 where there was none.
        trust: Weight of each expert after the trials seen; they sum to one.
        memory: To be handed to the next call.
    """

    points: Float[np.ndarray, "B D"]
    rows: Int[np.ndarray, " B"]
    trust: Float[np.ndarray, " E"]
    memory: Memory


@one_lapack_thread()
def suggest(
    rng: np.random.Generator,
    strategy: Strategy,
    space: SearchSpace,
    history: History,
    *,
    count: int = 1,
    memory: Memory | None = None,
    allow_repeats: bool = False,
) -> Suggestion:
    """Suggest `count` points of a search space, different from each other and from all before.

    Args:
        rng: Feeds candidates and acquisitions; equal states give equal suggestions.
        strategy: How suggestions are made.
        space: The search space.
        history: Finished and pending trials.
        count: How many points.
        memory: What the last call for this study returned, if at hand.
        allow_repeats: Whether a point may be suggested twice, as noise may ask for.

    Raises:
        ExhaustedError: If the space has too few points left.
    """
    session = Session(rng, strategy, history, count, memory)
    excluded = np.concatenate([history.inputs, history.pending])
    chosen: list[Float[np.ndarray, " D"]] = []
    for place in range(history.given_out, history.given_out + count):
        point = _design_point(space, strategy.design, excluded) if place < strategy.design else None
        if point is None:
            candidates = _candidates(rng, strategy, space, history)
            optimum, score = session.climb(candidates, space.is_continuous)
            try:
                point = polish(
                    score,
                    optimum,
                    snap=space.snap,
                    neighbours=space.neighbours,
                    excluded=excluded[:0] if allow_repeats else excluded,
                    spare=candidates,
                )
            except ExhaustedError as error:
                raise _exhausted(count, len(chosen)) from error
        session.add(point)
        chosen.append(point)
        excluded = np.concatenate([excluded, point[None, :]])
    return Suggestion(np.stack(chosen), np.full(count, -1), session.trust, session.memory)


@one_lapack_thread()
def suggest_from_pool(
    rng: np.random.Generator,
    strategy: Strategy,
    pool: Float[np.ndarray, "Q D"],
    available: Bool[np.ndarray, " Q"],
    history: History,
    *,
    count: int = 1,
    memory: Memory | None = None,
) -> Suggestion:
    """Suggest `count` points of a finite pool, each at most once.

    Args:
        rng: Feeds the design and acquisitions; equal states give equal suggestions.
        strategy: How suggestions are made.
        pool: The points there are, in the unit cube.
        available: False where a row must not be suggested, e.g. because it was evaluated.
        history: Finished and pending trials.
        count: How many points.
        memory: What the last call for this study returned, if at hand.

    Raises:
        ExhaustedError: If fewer than `count` rows are available.
    """
    if np.sum(available) < count:
        raise ExhaustedError(
            f"{count} points were asked for, but only {np.sum(available)} of the pool's "
            f"{pool.shape[0]} are left. Ask for fewer, or stop the study."
        )
    session = Session(rng, strategy, history, count, memory)
    available = available.copy()
    rows: list[int] = []
    for place in range(history.given_out, history.given_out + count):
        if place < strategy.design:
            row = int(rng.choice(np.flatnonzero(available)))
        else:
            row = session.choose(pool, available)
        session.add(pool[row])
        rows.append(row)
        available[row] = False
    return Suggestion(pool[rows], np.asarray(rows), session.trust, session.memory)


def _exhausted(count: int, left: int) -> ExhaustedError:
    if left == 0:
        return ExhaustedError(
            "Every configuration that was found has been tried or is pending: the space is used "
            "up. Widen it, or stop the study."
        )
    return ExhaustedError(
        f"{count} points were asked for, but only {left} could be found that were not tried or "
        f"pending. Ask for {left}."
    )


def _design_point(
    space: SearchSpace, count: int, excluded: Float[np.ndarray, "N D"]
) -> Float[np.ndarray, " D"] | None:
    """The first of `count` design points that is not excluded; None if all of them are.

    The design is the same in every study. Which of its points come next cannot be told by counting
    trials: one of them may have failed and left the history.
    """
    for point in sample_sobol(space, count, np.random.default_rng(0)):
        if not (np.abs(excluded - point) <= SAME_POINT).all(axis=1).any():
            return point
    return None


def _candidates(
    rng: np.random.Generator, strategy: Strategy, space: SearchSpace, history: History
) -> Float[np.ndarray, "Q D"]:
    """Points all over the space, a fifth of them close to the best trials."""
    near = strategy.candidates // 5
    everywhere = sample_uniform(space, strategy.candidates - near, rng)
    if history.values.size == 0:
        return np.concatenate([everywhere, sample_uniform(space, near, rng)])
    best = history.inputs[np.argsort(-history.values)[:5]]
    centres = best[rng.integers(best.shape[0], size=near)]
    reach = np.exp(rng.uniform(np.log(0.005), np.log(0.2), size=(near, 1)))
    moved = centres + reach * rng.standard_normal(centres.shape)
    return np.concatenate([everywhere, space.snap(np.clip(moved, 0.0, 1.0))])
