"""One call for suggestions at work: beliefs made once, then grown by each point given out."""

import abc
from typing import Generic, TypeVar

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Bool, Float

from hyperbo.acquisition import (
    Outlook,
    PendingRule,
    Score,
    maximise_continuous,
    maximise_pool,
)
from hyperbo.arrays import Array
from hyperbo.ascent import Optimum
from hyperbo.belief import BUCKETS, Belief, Question, answer, believe, initial_memory, pose
from hyperbo.errors import TaskError
from hyperbo.history import History, Memory
from hyperbo.strategy import Strategy

Found = TypeVar("Found")


class Session:
    """The beliefs of one call: made when first needed, and grown by each point given out."""

    def __init__(
        self,
        rng: np.random.Generator,
        strategy: Strategy,
        history: History,
        count: int,
        memory: Memory | None,
    ) -> None:
        self._rng = rng
        self._strategy = strategy
        self._history = history
        self._room = history.pending.shape[0] + count
        if self._room >= BUCKETS[-1]:
            raise TaskError(
                f"{history.pending.shape[0]} points are pending and {count} more were asked for; "
                f"together they must be fewer than {BUCKETS[-1]}. Report or abandon pending trials "
                "first, or ask for fewer."
            )
        self._outlook: Outlook | None = None
        self._waiting = list(history.pending)
        self._memory = memory
        self.memory = initial_memory(strategy) if memory is None else memory
        self.trust = np.exp(np.asarray(strategy.log_trust))

    def climb(
        self, candidates: Float[np.ndarray, "Q D"], is_continuous: Bool[np.ndarray, " D"]
    ) -> tuple[Optimum, Score]:
        """The best points of the cube as things stand, and the score they were found by."""
        goal = _Climb(candidates, is_continuous)
        return self._solve(goal)

    def choose(self, pool: Float[np.ndarray, "Q D"], available: Bool[np.ndarray, " Q"]) -> int:
        """The best available row of the pool as things stand."""
        row, _ = self._solve(_Choice(pool, available))
        return int(row)

    def add(self, point: Float[np.ndarray, " D"]) -> None:
        """Count a point as pending from here on."""
        self._waiting.append(point)

    def _solve(self, goal: "_Goal[Found]") -> tuple[Found, Score]:
        seed = np.uint32(self._rng.integers(2**32))
        if self._outlook is None:
            question = pose(self._strategy, self._history, self._memory, self._room)
            if not self._waiting:
                # The common case, one suggestion and nothing pending, is one compiled program.
                belief, found, score = _believe_and_solve(self._strategy, question, goal, seed)
                self._keep(belief, question)
                return found, score
            belief = believe(self._strategy, question)
            self._keep(belief, question)
            outlook = belief.outlook
        else:
            outlook = self._outlook
        while self._waiting:
            outlook = _add(self._strategy.rule, outlook, self._waiting.pop(0)[None, :])
        self._outlook = outlook
        return _solve(self._strategy, outlook, goal, seed)

    def _keep(self, belief: Belief, question: Question) -> None:
        self._outlook = belief.outlook
        self.trust = np.exp(np.asarray(belief.log_trust))
        fitted = self._history.values.shape[0] if question.refit_steps else self.memory.fitted_at
        self.memory = Memory(tuple(np.asarray(leaf) for leaf in belief.log_factors), fitted)


class _Goal(eqx.Module, Generic[Found]):
    """What is looked for under a score."""

    @abc.abstractmethod
    def solve(self, strategy: Strategy, score: Score) -> Found:
        """Find it; traced by JAX."""

    @property
    @abc.abstractmethod
    def points(self) -> Float[Array, "Q D"]:
        """Points that stand for all there are."""


class _Climb(_Goal[Optimum]):
    """Find the best points of the cube."""

    candidates: Float[Array, "Q D"] | Float[np.ndarray, "Q D"]
    is_continuous: Bool[Array, " D"] | Bool[np.ndarray, " D"]

    def solve(self, strategy: Strategy, score: Score) -> Optimum:
        """Climb from the best candidates."""
        return maximise_continuous(
            score,
            jnp.asarray(self.candidates),
            jnp.asarray(self.is_continuous),
            starts=strategy.starts,
            steps=strategy.steps,
        )

    @property
    def points(self) -> Float[Array, "Q D"]:
        """Points that stand for all there are."""
        return jnp.asarray(self.candidates)


class _Choice(_Goal[Array]):
    """Find the best row of a pool."""

    pool: Float[Array, "Q D"] | Float[np.ndarray, "Q D"]
    available: Bool[Array, " Q"] | Bool[np.ndarray, " Q"]

    def solve(self, strategy: Strategy, score: Score) -> Array:  # noqa: ARG002
        """The best available row."""
        return maximise_pool(score, jnp.asarray(self.pool), jnp.asarray(self.available))

    @property
    def points(self) -> Float[Array, "Q D"]:
        """Points that stand for all there are."""
        return jnp.asarray(self.pool)


@eqx.filter_jit
def _believe_and_solve(
    strategy: Strategy, question: Question, goal: _Goal[Found], seed: Array | np.uint32
) -> tuple[Belief, Found, Score]:
    belief = answer(strategy, question)
    found, score = _bind_and_solve(strategy, belief.outlook, goal, seed)
    return belief, found, score


@eqx.filter_jit
def _add(
    rule: PendingRule, outlook: Outlook, points: Float[Array, "B D"] | Float[np.ndarray, "B D"]
) -> Outlook:
    return rule.add(outlook, jnp.asarray(points))


@eqx.filter_jit
def _solve(
    strategy: Strategy, outlook: Outlook, goal: _Goal[Found], seed: Array | np.uint32
) -> tuple[Found, Score]:
    return _bind_and_solve(strategy, outlook, goal, seed)


def _bind_and_solve(
    strategy: Strategy, outlook: Outlook, goal: _Goal[Found], seed: Array | np.uint32
) -> tuple[Found, Score]:
    score = strategy.rule.bind(jr.key(seed), outlook, goal.points)
    return goal.solve(strategy, score), score
