"""Slices of a pre-trained prior against what it was trained on, for a study's report."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from hyperbo.arrays import Array
from hyperbo.benchmark import PriorSlice
from hyperbo.lapack import one_lapack_thread
from hyperbo.space import FloatParameter, IntegerParameter, Log, SearchSpace
from hyperbo.surrogates import Expert, Trials
from hyperbo.tasks import Task
from hyperbo_datasets.parameter_columns import parameters_by_name

PLACES = 101
NEAREST = 600


def slice_prior(expert: Expert, space: SearchSpace, tasks: Sequence[Task]) -> list[PriorSlice]:
    """One slice for each float and integer, through the point that the prior expects most of.

    The prior is shown as a new task meets it: location and scale unknown. Beside it stand the
    training trials that lie nearest to the slice, all tasks together, in the objective's own unit.

    Args:
        expert: The prior.
        space: Its search space.
        tasks: What it was trained on.
    """
    inputs = np.concatenate([task.inputs for task in tasks])
    values = np.concatenate([task.values for task in tasks])
    means, _ = _moments(expert, inputs)
    best = inputs[int(np.argmax(means))]
    return [
        piece
        for name, parameter in parameters_by_name(space).items()
        if isinstance(parameter, FloatParameter | IntegerParameter)
        and (piece := _slice(expert, space, name, best, inputs, values)) is not None
    ]


def _slice(
    expert: Expert,
    space: SearchSpace,
    name: str,
    best: Float[np.ndarray, " D"],
    inputs: Float[np.ndarray, "N D"],
    values: Float[np.ndarray, " N"],
) -> PriorSlice | None:
    """The slice along one parameter; None where the best point has no such parameter."""
    (config,) = space.decode(best[None, :])
    if name not in config:
        return None
    parameter = parameters_by_name(space)[name]
    units = np.linspace(0.0, 1.0, PLACES)[:, None]
    positions = np.unique(np.asarray(parameter.decode(units), dtype=float))
    natives = positions.astype(int) if isinstance(parameter, IntegerParameter) else positions
    points = space.encode([config | {name: native.item()} for native in natives])
    mean, stddev = _moments(expert, points)
    others = ~_varies(points)
    gaps = np.square(inputs[:, others] - best[others]).sum(axis=1)
    near = np.argsort(gaps, kind="stable")[:NEAREST]
    seen = [configuration.get(name, np.nan) for configuration in space.decode(inputs[near])]
    return PriorSlice(
        name=name,
        positions=positions,
        mean=mean,
        stddev=stddev,
        observed_positions=np.asarray(seen, dtype=float),
        observed_values=values[near],
        is_log=isinstance(getattr(parameter, "scale", None), Log),
    )


def _varies(points: Float[np.ndarray, "Q D"]) -> Bool[np.ndarray, " D"]:
    """Which coordinates change along a slice."""
    varies: Bool[np.ndarray, " D"] = np.ptp(points, axis=0) > 0.0
    return varies


@one_lapack_thread()
def _moments(
    expert: Expert, points: Float[np.ndarray, "Q D"]
) -> tuple[Float[np.ndarray, " Q"], Float[np.ndarray, " Q"]]:
    mean, stddev = _predict(expert, points)
    return np.asarray(mean), np.asarray(stddev)


@eqx.filter_jit
def _predict(
    expert: Expert, points: Float[Array, "Q D"] | Float[np.ndarray, "Q D"]
) -> tuple[Float[Array, " Q"], Float[Array, " Q"]]:
    """Mean and standard deviation before any trial."""
    points = jnp.asarray(points)
    nothing = Trials(jnp.full((1, points.shape[1]), 0.5), jnp.zeros(1), jnp.zeros(1, bool))
    posterior = expert.condition(expert.centre(), nothing)
    return posterior.marginals(points).moments()
