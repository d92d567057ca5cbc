"""What a strategy's experts believe of a study: refitted, conditioned and weighed.

Arrays are padded to a few sizes, so that a growing study compiles a few programs only.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from hyperbo.acquisition import Outlook
from hyperbo.arrays import Array
from hyperbo.history import History, Memory
from hyperbo.strategy import Strategy
from hyperbo.surrogates import MixturePosterior, Trials

BUCKETS = (32, 128, 256, 512, 1024, 2048, 4096, 8192)
"""Numbers of places for trials; a study compiles once for each that it grows through."""

REFIT_PLACES = 256
"""A refit looks at no more trials than this, so that its cost stays bounded."""


PLACES_WITH_NOISE = 1024
"""Number of places where standard errors are given, and every scale has a Cholesky factor of its
own; more only if most of them would be taken by pending points."""


class Question(eqx.Module):
    """What the experts are asked: where their refits start, and the trials.

    There are no trials to refit to before the second: a study's first suggestions then come from a
    program without the refit, which a fresh process traces in half the time.
    """

    log_factors: tuple[Float[Array, " _"] | Float[np.ndarray, " _"], ...]
    refit_trials: Trials | None
    trials: Trials
    refit_steps: Array | np.int32


class Belief(eqx.Module):
    """What the experts answer.

    Attributes:
        outlook: The mixture of their posteriors, and the best value so far.
        log_factors: Each one's refit.
        log_evidence: How well each foretold the trials, in nats: its log evidence under the first
            one's location and scale, less the penalty of its refit.
        log_trust: Log weight of each; their exponentials sum to one.
    """

    outlook: Outlook
    log_factors: tuple[Float[Array, " _"], ...]
    log_evidence: Float[Array, " E"]
    log_trust: Float[Array, " E"]


def pose(strategy: Strategy, history: History, memory: Memory | None, room: int) -> Question:
    """Put a study into words that the experts understand.

    Args:
        strategy: Whose experts are asked.
        history: The trials; pending points are left alone.
        memory: What the last call for this study returned, if at hand.
        room: Places to be left for fantasies.
    """
    count = history.values.shape[0]
    is_due = memory is None or count <= 64 or count >= 1.05 * memory.fitted_at
    refit_steps = strategy.refit_steps if is_due and count > 1 else 0
    if memory is None:
        refit_steps *= 2  # a cold start is further from its goal
        memory = initial_memory(strategy)
    limit = BUCKETS[-1] - room
    if history.is_noise_given:
        limit = min(limit, max(PLACES_WITH_NOISE - room, PLACES_WITH_NOISE // 4))
    kept = _representative(history.values, limit)
    places = bucket(kept.size + room, BUCKETS)
    fitted = _representative(history.values, REFIT_PLACES)
    return Question(
        memory.log_factors,
        _pad(history, fitted, min(places, REFIT_PLACES)) if count > 1 else None,
        _pad(history, kept, places),
        np.int32(refit_steps),
    )


def answer(strategy: Strategy, question: Question) -> Belief:
    """Refit every expert, condition it, and weigh it by what it foretold; traced by JAX."""
    trials = question.trials
    log_factors, posteriors, log_evidence = [], [], []
    for position, expert in enumerate(strategy.experts):
        start = jnp.asarray(question.log_factors[position])
        found = start
        if question.refit_trials is not None:
            found = expert.refit(start, question.refit_trials, question.refit_steps)
        posterior = expert.condition(found, trials)
        log_factors.append(found)
        posteriors.append(posterior)
        # The first is its own yardstick, so its evidence stands already.
        evidence = (
            posterior.log_evidence_under(posteriors[0].hierarchy)
            if position
            else posterior.log_evidence
        )
        log_evidence.append(evidence - expert.penalty(found))
    weights = strategy.log_trust + jnp.stack(log_evidence)
    weights = weights - jax.scipy.special.logsumexp(weights)
    mixture = MixturePosterior(tuple(posteriors), weights)
    unresolved = jnp.zeros((0, trials.inputs.shape[1]))
    outlook = Outlook(mixture, _best(mixture, trials), unresolved)
    return Belief(outlook, tuple(log_factors), jnp.stack(log_evidence), weights)


@eqx.filter_jit
def believe(strategy: Strategy, question: Question) -> Belief:
    """`answer`, compiled by itself."""
    return answer(strategy, question)


def initial_memory(strategy: Strategy) -> Memory:
    """What is known of a study that was never asked about: every refit at its centre."""
    return Memory(tuple(np.zeros(expert.spread.shape) for expert in strategy.experts), 0)


def bucket(places: int, buckets: tuple[int, ...]) -> int:
    """The smallest bucket with so many places."""
    return next(each for each in buckets if each >= places)


def _best(posterior: MixturePosterior, trials: Trials) -> Float[Array, ""]:
    """The best value so far: the largest seen, or believed in where the noise is known."""
    values = jnp.asarray(trials.values)
    if trials.given_variance is not None:
        values, _ = posterior.marginals(jnp.asarray(trials.inputs)).moments()
    return jnp.max(jnp.where(jnp.asarray(trials.mask), values, -jnp.inf))


def _representative(values: Float[np.ndarray, " N"], limit: int) -> Int[np.ndarray, " K"]:
    """Rows of at most `limit` trials, in order: the best quarter, the rest evenly over time."""
    if values.size <= limit:
        return np.arange(values.size)
    best = np.argsort(-values)[: limit // 4]
    others = np.setdiff1d(np.arange(values.size), best)
    spread = np.linspace(0, others.size - 1, limit - best.size).round().astype(int)
    return np.sort(np.concatenate([best, others[spread]]))


def _pad(history: History, rows: Int[np.ndarray, " K"], places: int) -> Trials:
    inputs = np.full((places, history.inputs.shape[1]), 0.5)
    values = np.zeros(places)
    inputs[: rows.size] = history.inputs[rows]
    values[: rows.size] = history.values[rows]
    given = None
    if history.stderrs is not None and history.is_noise_given:
        given = np.zeros(places)
        given[: rows.size] = np.square(history.stderrs[rows])
    return Trials(inputs, values, np.arange(places) < rows.size, given)
