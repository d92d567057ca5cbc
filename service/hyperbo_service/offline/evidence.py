"""How well a prior foretells a task: log evidence per point, in nats."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from hyperbo.arrays import Array
from hyperbo.lapack import one_lapack_thread
from hyperbo.surrogates import Expert, Trials
from hyperbo.tasks import Task


@one_lapack_thread()
def log_evidence_per_point(expert: Expert, task: Task, *, points: int, seed: int) -> float:
    """Log probability of a task's results under a prior, over their number.

    Larger is better; a difference of 0.1 means that the one prior gives each result 10% more
    probability. The prior is taken as it is: nothing is refitted. The unit of the objective enters,
    so only evidence on one and the same metric may be compared.

    Args:
        expert: The prior.
        task: The task's results, warped and maximised as the prior's training tasks were.
        points: How many results to look at, drawn without replacement; all where there are fewer.
        seed: Which ones: the same seed gives every prior the same.
    """
    rng = np.random.default_rng(seed)
    rows = rng.permutation(task.size)[:points]
    inputs = np.full((points, task.inputs.shape[1]), 0.5)
    values = np.zeros(points)
    inputs[: rows.size], values[: rows.size] = task.inputs[rows], task.values[rows]
    trials = Trials(inputs, values, np.arange(points) < rows.size)
    return float(_log_evidence(expert, trials)) / rows.size


@eqx.filter_jit
def _log_evidence(expert: Expert, trials: Trials) -> Float[Array, ""]:
    arrays: Trials = jax.tree.map(jnp.asarray, trials)
    return expert.condition(expert.centre(), arrays).log_evidence
