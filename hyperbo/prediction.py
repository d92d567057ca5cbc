"""What a study's experts expect at given points, and how far each of them is trusted."""

from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from hyperbo.arrays import Array
from hyperbo.belief import believe, bucket, pose
from hyperbo.errors import TaskError
from hyperbo.history import History, Memory
from hyperbo.lapack import one_lapack_thread
from hyperbo.strategy import Strategy
from hyperbo.surrogates import Posterior

POINT_BUCKETS = (16, 128, 1024)
"""Numbers of places for points; more points than the last holds are looked at in several parts."""


@dataclass(frozen=True)
class Prediction:
    """Beliefs about the noise-free objective, point by point.

    Attributes:
        mean: Posterior mean, in the objective's unit, maximised.
        stddev: Posterior standard deviation, same unit, positive.
    """

    mean: Float[np.ndarray, " Q"]
    stddev: Float[np.ndarray, " Q"]


@dataclass(frozen=True)
class Weights:
    """How far each of a strategy's experts is trusted, and why.

    Attributes:
        log_trust: Log weight after the trials; their exponentials sum to one.
        log_evidence: How well each foretold the trials, in nats: the log of the probability it gave
            them, all under the first one's location and scale, less the penalty of its refit. Only
            differences mean anything, since the objective's unit enters. Zero without trials.
    """

    log_trust: Float[np.ndarray, " E"]
    log_evidence: Float[np.ndarray, " E"]


@one_lapack_thread()
def predict(
    strategy: Strategy,
    history: History,
    points: Float[np.ndarray, "Q D"],
    memory: Memory | None = None,
) -> Prediction:
    """What is expected of the objective at given points, by the experts as they are trusted now.

    It is what `suggest` would choose by, pending points left aside. Without trials, it is the
    prior.

    Args:
        strategy: Whose experts are asked.
        history: The study's trials.
        points: Points of the unit cube.
        memory: What the last suggestion for this study returned, if at hand; it saves time.

    Raises:
        TaskError: If the points are not finite, or have another number of coordinates than the
            trials.
    """
    dimension = history.inputs.shape[1]
    if points.shape[1] != dimension:
        raise TaskError(
            f"The points have {points.shape[1]} coordinates; the study's trials have {dimension}. "
            "Encode them by the study's own search space."
        )
    if not np.isfinite(points).all():
        raise TaskError("A point holds NaN or infinity; wanted points of the unit cube.")
    posterior = believe(strategy, pose(strategy, history, memory, 0)).outlook.posterior
    starts = range(0, points.shape[0], POINT_BUCKETS[-1])
    parts = [_predict_part(posterior, points[i : i + POINT_BUCKETS[-1]]) for i in starts]
    means, stddevs = ([part[axis] for part in parts] for axis in (0, 1))
    nothing = np.zeros(0)
    return Prediction(np.concatenate([nothing, *means]), np.concatenate([nothing, *stddevs]))


@one_lapack_thread()
def weigh(strategy: Strategy, history: History, memory: Memory | None = None) -> Weights:
    """How far each expert is trusted after a study's trials.

    Args:
        strategy: Whose experts are asked.
        history: The study's trials.
        memory: What the last suggestion for this study returned, if at hand; it saves time.
    """
    belief = believe(strategy, pose(strategy, history, memory, 0))
    return Weights(np.asarray(belief.log_trust), np.asarray(belief.log_evidence))


def _predict_part(
    posterior: Posterior, points: Float[np.ndarray, "Q D"]
) -> tuple[Float[np.ndarray, " Q"], Float[np.ndarray, " Q"]]:
    """Mean and standard deviation at no more points than the largest bucket holds."""
    count = points.shape[0]
    padded = np.full((bucket(count, POINT_BUCKETS), points.shape[1]), 0.5)
    padded[:count] = points
    mean, stddev = _moments(posterior, padded)
    return np.asarray(mean)[:count], np.asarray(stddev)[:count]


@eqx.filter_jit
def _moments(
    posterior: Posterior, points: Float[Array, "Q D"] | Float[np.ndarray, "Q D"]
) -> tuple[Float[Array, " Q"], Float[Array, " Q"]]:
    return posterior.marginals(jnp.asarray(points)).moments()
