"""One call for suggestions at work: beliefs made once, then grown by each point given out.

All that runs on JAX is here, as a few compiled programs whose shapes are bucketed.
"""

import abc
from dataclasses import dataclass
from typing import Generic, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Bool, Float, Int

from hyperbo.acquisition import (
    Outlook,
    PendingRule,
    Score,
    maximise_continuous,
    maximise_pool,
)
from hyperbo.arrays import Array
from hyperbo.ascent import Optimum
from hyperbo.errors import TaskError
from hyperbo.strategy import Strategy
from hyperbo.surrogates import MixturePosterior, Trials
from hyperbo.tasks import LARGEST_VALUE

Found = TypeVar("Found")

BUCKETS = (32, 128, 512, 1024, 2048, 4096, 8192)
"""Numbers of places for trials; a study compiles once for each that it grows through."""

REFIT_PLACES = 256
"""A refit looks at no more trials than this, so that its cost stays bounded."""


@dataclass(frozen=True)
class History:
    """What is known of a study.

    Attributes:
        inputs: Points of the unit cube that were evaluated, shape (N, D).
        values: Objective at each, shape (N,), maximised.
        pending: Points given out and not yet reported, shape (P, D).
    """

    inputs: Float[np.ndarray, "N D"]
    values: Float[np.ndarray, " V"]
    pending: Float[np.ndarray, "P D"]

    def __post_init__(self) -> None:
        if self.inputs.shape[0] != self.values.shape[0]:
            raise TaskError(
                f"{self.inputs.shape[0]} points but {self.values.shape[0]} values were given; "
                "wanted one value a point."
            )
        if not (np.isfinite(self.inputs).all() and np.isfinite(self.values).all()):
            raise TaskError(
                "A reported value is NaN or infinite. Report a diverged trial as failed, or give "
                "it the worst finite value seen."
            )

        if self.values.size and np.abs(self.values).max() > LARGEST_VALUE:
            raise TaskError(
                f"A reported value is {self.values[np.argmax(np.abs(self.values))]:g}; no more "
                f"than {LARGEST_VALUE:g} in size can be computed with. Report another unit, its "
                "logarithm, or the trial as failed."
            )

    @property
    def given_out(self) -> int:
        """Number of points given out so far, finished or not."""
        return self.values.shape[0] + self.pending.shape[0]


@dataclass(frozen=True)
class Memory:
    """What a growing study may carry from one call to the next; it only saves time.

    Attributes:
        log_factors: Each expert's last refit.
        fitted_at: Number of trials at that refit.
    """

    log_factors: tuple[Float[np.ndarray, " _"], ...]
    fitted_at: int


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
        self.memory = _initial_memory(strategy) if memory is None else memory
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
            question = self._question()
            if not self._waiting:
                # The common case, one suggestion and nothing pending, is one compiled program.
                belief, found, score = _believe_and_solve(self._strategy, question, goal, seed)
                self._keep(belief, question)
                return found, score
            belief = _believe(self._strategy, question)
            self._keep(belief, question)
            outlook = belief.outlook
        else:
            outlook = self._outlook
        while self._waiting:
            outlook = _add(self._strategy.rule, outlook, self._waiting.pop(0)[None, :])
        self._outlook = outlook
        return _solve(self._strategy, outlook, goal, seed)

    def _question(self) -> "_Question":
        history, memory = self._history, self._memory
        count = history.values.shape[0]
        is_due = memory is None or count <= 64 or count >= 1.05 * memory.fitted_at
        refit_steps = self._strategy.refit_steps if is_due and count > 1 else 0
        if memory is None:
            refit_steps *= 2  # a cold start is further from its goal
        kept = _representative(history.values, BUCKETS[-1] - self._room)
        places = _bucket(kept.size + self._room)
        fitted = _representative(history.values, REFIT_PLACES)
        return _Question(
            self.memory.log_factors,
            _pad(history, fitted, min(places, REFIT_PLACES)) if count > 1 else None,
            _pad(history, kept, places),
            np.int32(refit_steps),
        )

    def _keep(self, belief: "_Belief", question: "_Question") -> None:
        self._outlook = belief.outlook
        self.trust = np.exp(np.asarray(belief.log_trust))
        fitted = self._history.values.shape[0] if question.refit_steps else self.memory.fitted_at
        self.memory = Memory(tuple(np.asarray(leaf) for leaf in belief.log_factors), fitted)


class _Question(eqx.Module):
    """What the experts are asked: where their refits start, and the trials.

    There are no trials to refit to before the second: a study's first suggestions then come from a
    program without the refit, which a fresh process traces in half the time.
    """

    log_factors: tuple[Float[Array, " _"] | Float[np.ndarray, " _"], ...]
    refit_trials: Trials | None
    trials: Trials
    refit_steps: Array | np.int32


class _Belief(eqx.Module):
    """What the experts answer."""

    outlook: Outlook
    log_factors: tuple[Float[Array, " _"], ...]
    log_trust: Float[Array, " E"]


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
    strategy: Strategy, question: _Question, goal: _Goal[Found], seed: Array | np.uint32
) -> tuple[_Belief, Found, Score]:
    belief = _ask(strategy, question)
    found, score = _bind_and_solve(strategy, belief.outlook, goal, seed)
    return belief, found, score


@eqx.filter_jit
def _believe(strategy: Strategy, question: _Question) -> _Belief:
    return _ask(strategy, question)


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


def _ask(strategy: Strategy, question: _Question) -> _Belief:
    """Refit every expert, condition it, and weigh it by what it foretold."""
    trials = question.trials
    yardstick = strategy.experts[0].placed(trials)
    log_factors, posteriors, log_trust = [], [], []
    for position, expert in enumerate(strategy.experts):
        start = jnp.asarray(question.log_factors[position])
        found = start
        if question.refit_trials is not None:
            found = expert.refit(start, question.refit_trials, question.refit_steps)
        posterior = expert.condition(found, trials)
        log_factors.append(found)
        posteriors.append(posterior)
        log_trust.append(posterior.log_evidence_under(yardstick) - expert.penalty(found))
    weights = strategy.log_trust + jnp.stack(log_trust)
    weights = weights - jax.scipy.special.logsumexp(weights)
    mask, values = jnp.asarray(trials.mask), jnp.asarray(trials.values)
    best = jnp.max(jnp.where(mask, values, -jnp.inf))
    unresolved = jnp.zeros((0, trials.inputs.shape[1]))
    outlook = Outlook(MixturePosterior(tuple(posteriors), weights), best, unresolved)
    return _Belief(outlook, tuple(log_factors), weights)


def _initial_memory(strategy: Strategy) -> Memory:
    return Memory(tuple(np.zeros(expert.spread.shape) for expert in strategy.experts), 0)


def _representative(values: Float[np.ndarray, " N"], limit: int) -> Int[np.ndarray, " K"]:
    """Rows of at most `limit` trials, in order: the best quarter, the rest evenly over time."""
    if values.size <= limit:
        return np.arange(values.size)
    best = np.argsort(-values)[: limit // 4]
    others = np.setdiff1d(np.arange(values.size), best)
    spread = np.linspace(0, others.size - 1, limit - best.size).round().astype(int)
    return np.sort(np.concatenate([best, others[spread]]))


def _bucket(places: int) -> int:
    return next(bucket for bucket in BUCKETS if bucket >= places)


def _pad(history: History, rows: Int[np.ndarray, " K"], places: int) -> Trials:
    inputs = np.full((places, history.inputs.shape[1]), 0.5)
    values = np.zeros(places)
    inputs[: rows.size] = history.inputs[rows]
    values[: rows.size] = history.values[rows]
    return Trials(inputs, values, np.arange(places) < rows.size)
