"""Pre-training of the hierarchical prior: one process a search space, then their distribution."""

import functools
from collections.abc import Callable, Sequence

import jax.numpy as jnp
import jax.random as jr
import numpy as np
from gpjax.parameters import val
from jaxtyping import Float

from hyperbo.arrays import Array, Key
from hyperbo.errors import TaskError
from hyperbo.pretraining.fit import Progress, fit
from hyperbo.pretraining.likelihood import LikelihoodObjective
from hyperbo.pretraining.methods import LBFGS
from hyperbo.pretraining.standardise import Standardised
from hyperbo.surrogates import GaussianProcessPrior
from hyperbo.surrogates.hierarchical import HierarchicalPrior
from hyperbo.surrogates.presets import matern_prior

SMALLEST_SPREAD = 0.1
"""Spaces that happen to agree do not make their agreement certain."""


def pretrain_hierarchical(
    key: Key,
    spaces: Sequence[Standardised],
    *,
    points: int = 200,
    steps: int = 60,
    on_progress: Callable[[int, Progress], None] | None = None,
) -> HierarchicalPrior:
    """Learn how process parameters are distributed over search spaces.

    HyperBO+'s two steps: (1) in each space, the lengthscales, signal and noise that explain all of
    its tasks best; (2) normal distributions of their logarithms over spaces, by maximum
    likelihood, every dimension being one draw of a lengthscale.

    Args:
        key: Which points are looked at.
        spaces: The standardised tasks of each search space; dimensions may differ.
        points: Points a task that are looked at.
        steps: L-BFGS steps in each space, at most.
        on_progress: Told the space's place and the progress in it, if given.

    Raises:
        TaskError: If there are fewer than two search spaces.
    """
    if len(spaces) < 2:
        raise TaskError(
            f"{len(spaces)} search space was given; at least two are needed to learn how spaces "
            "differ. With one, pre-train a prior for that space instead."
        )
    fits = [
        _fit_space(
            key_space,
            tasks,
            points,
            steps,
            None if on_progress is None else functools.partial(on_progress, place),
        )
        for place, (key_space, tasks) in enumerate(
            zip(jr.split(key, len(spaces)), spaces, strict=True)
        )
    ]
    signals = np.array([float(val(prior.kernel.variance)) for prior in fits])
    noises = np.array([float(prior.noise_variance) for prior in fits])
    lengthscales = np.concatenate([np.asarray(val(prior.kernel.lengthscale)) for prior in fits])
    return HierarchicalPrior(
        _normal(np.log(lengthscales)),
        _normal(np.log(noises / signals)),
        jnp.maximum(jnp.std(jnp.log(signals)) / 2.0, 0.3),
    )


def _fit_space(
    key: Key,
    tasks: Standardised,
    points: int,
    steps: int,
    on_progress: Callable[[Progress], None] | None,
) -> GaussianProcessPrior:
    dimension = np.asarray(tasks.batch.inputs).shape[2]
    objective = LikelihoodObjective(tasks.batch, points)
    method = LBFGS(steps, loss_tolerance=1e-6)
    start = matern_prior(dimension, noise=0.1)
    return fit(key, start, objective, method=method, chunk=10, on_progress=on_progress).prior


def _normal(draws: Float[np.ndarray, " K"]) -> Float[Array, " 2"]:
    return jnp.asarray([np.mean(draws), max(float(np.std(draws)), SMALLEST_SPREAD)])
