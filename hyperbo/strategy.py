"""Strategies: who is asked for suggestions, how far each is trusted, and what is looked for."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Float

from hyperbo.acquisition import Fantasised, PendingRule
from hyperbo.arrays import Array
from hyperbo.surrogates import Expert, scratch_expert


class Strategy(eqx.Module):
    """How suggestions are made: who is asked, how far each is trusted, and what is looked for.

    Attributes:
        experts: Those asked; each is weighed by how well it foretold the trials. All are weighed
            under the first one's beliefs about location and scale, so that the weights compare
            what they say of the objective's shape alone.
        log_trust: Log weight of each before the first trial.
        rule: Acquisition, and how pending trials bear on it.
        design: Number of points that come first, before any expert is asked: those of a Sobol
            sequence, or random rows of a pool.
        candidates: Points scored before the best are climbed from.
        starts: Points climbed from.
        steps: Steps of the climb, at most.
        refit_steps: Evaluations of the likelihood in an expert's refit, at most.
    """

    experts: tuple[Expert, ...]
    log_trust: Float[Array, " E"]
    rule: PendingRule = Fantasised()
    design: int = eqx.field(static=True, default=0)
    candidates: int = eqx.field(static=True, default=512)
    starts: int = eqx.field(static=True, default=6)
    steps: int = eqx.field(static=True, default=16)
    refit_steps: int = eqx.field(static=True, default=24)


TRUST_IN_SCRATCH = 0.3
"""Weight of the fall-back before the first trial; docs/decisions/0002 says how it was chosen."""

DESIGN_POINTS = 4


def from_scratch(dimension: int, rule: PendingRule | None = None) -> Strategy:
    """Start from nothing: a few Sobol points, then a Gaussian process fitted to the trials."""
    rule = Fantasised() if rule is None else rule
    expert = scratch_expert(dimension)
    return Strategy((expert,), jnp.zeros(1), rule, design=DESIGN_POINTS)


def from_prior(expert: Expert, dimension: int, rule: PendingRule | None = None) -> Strategy:
    """Start from a pre-trained prior, with a process started from nothing to fall back on.

    This is the default method: the prior refits itself to the task within the bounds that other
    tasks suggest, and what it foretells less well than the fall-back does, it loses its say in.
    """
    rule = Fantasised() if rule is None else rule
    trust = jnp.log(jnp.asarray([1.0 - TRUST_IN_SCRATCH, TRUST_IN_SCRATCH]))
    return Strategy((expert, scratch_expert(dimension)), trust, rule)
