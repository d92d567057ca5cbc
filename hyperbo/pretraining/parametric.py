"""Pre-training of a Gaussian-process prior with a parametric mean and kernel, as in HyperBO."""

from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from hyperbo.arrays import Key
from hyperbo.pretraining.fit import Progress, fit
from hyperbo.pretraining.likelihood import LikelihoodObjective
from hyperbo.pretraining.methods import Adam, Method
from hyperbo.pretraining.objective import Objective
from hyperbo.pretraining.sharding import shard_tasks
from hyperbo.pretraining.standardise import Standardised
from hyperbo.surrogates import Expert, GaussianProcessPrior
from hyperbo.tasks import TaskBatch

NOISE_SPREAD = 1.0
LENGTHSCALE_SPREAD = 0.3

ObjectiveBuilder = Callable[[TaskBatch], Objective]


def likelihood_of_minibatches(batch: TaskBatch) -> LikelihoodObjective:
    """HyperBO's NLL on fresh minibatches of 50 points a task."""
    return LikelihoodObjective(batch, points_per_task=50)


def pretrain_parametric(
    key: Key,
    prior: GaussianProcessPrior,
    tasks: Standardised,
    *,
    objective: ObjectiveBuilder = likelihood_of_minibatches,
    method: Method | None = None,
    checkpoint: Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Expert:
    """Pre-train a Gaussian-process prior on standardised tasks, spread over JAX's devices.

    Args:
        key: Randomness of the minibatches.
        prior: Where training starts, e.g. `hyperbo_prior`, `ablr` or `fsbo`.
        tasks: The tasks, standardised.
        objective: What to minimise, built from the tasks.
        method: How parameters move; 5,000 steps of Adam if None.
        checkpoint: File to go on from and to write to, if any.
        on_progress: Called between chunks of steps.

    Returns:
        The prior, free to adapt its noise and lengthscales a little to a new task.
    """
    method = Adam(5_000) if method is None else method
    devices = jax.devices()
    batch = shard_tasks(tasks.batch, devices) if len(devices) > 1 else tasks.batch
    fitted = fit(
        key,
        prior,
        objective(batch),
        method=method,
        chunk=250,
        checkpoint=checkpoint,
        on_progress=on_progress,
    )
    spread = np.full(fitted.prior.log_factor_count, LENGTHSCALE_SPREAD)
    spread[-1] = NOISE_SPREAD
    return Expert(fitted.prior, tasks.hierarchy(), jnp.asarray(spread))


def pretrain_from_key(
    key: Key,
    build: Callable[[Key, int], GaussianProcessPrior],
    tasks: Standardised,
    *,
    objective: ObjectiveBuilder = likelihood_of_minibatches,
    method: Method | None = None,
    checkpoint: Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Expert:
    """Draw the initial network and pre-train it, both from one key.

    Args:
        key: Randomness of the network and of the minibatches.
        build: Makes the initial prior from a key and the number of dimensions.
        tasks: The tasks, standardised.
        objective: What to minimise, built from the tasks.
        method: How parameters move; 5,000 steps of Adam if None.
        checkpoint: File to go on from and to write to, if any.
        on_progress: Called between chunks of steps.
    """
    key_network, key_batches = jr.split(key)
    prior = build(key_network, np.asarray(tasks.batch.inputs).shape[2])
    return pretrain_parametric(
        key_batches,
        prior,
        tasks,
        objective=objective,
        method=method,
        checkpoint=checkpoint,
        on_progress=on_progress,
    )
