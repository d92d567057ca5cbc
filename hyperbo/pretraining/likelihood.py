"""The likelihood objective: how badly a prior predicts the tuning results of all tasks."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float

from hyperbo.arrays import Array, Key
from hyperbo.errors import TaskError
from hyperbo.pretraining.minibatches import draw_minibatch
from hyperbo.surrogates.base import Prior
from hyperbo.surrogates.gaussian_process import negative_log_likelihood
from hyperbo.tasks import TaskBatch


class LikelihoodObjective(eqx.Module):
    r"""Mean over tasks of the negative log marginal likelihood, in nats a task.

    $\frac{1}{M} \sum_i -\log p(y_i \mid x_i)$, HyperBO's NLL. As there, a task's likelihood is not
    divided by its number of points: among ragged tasks, longer ones weigh more. Padded entries and
    tasks without a real point change nothing.

    Args:
        batch: Tasks to learn from, padded.
        points_per_task: How many points of each task one evaluation looks at, drawn anew by each
            key, without replacement; all of a task with fewer. None looks at every point.

    Raises:
        TaskError: If no task holds a point, or `points_per_task` is not positive.

    References:
        Wang et al. (2024), JMLR 25(212), section 4.2.
    """

    inputs: Float[Array, "M N D"]
    values: Float[Array, "M N"]
    mask: Bool[Array, "M N"]
    points_per_task: int | None = eqx.field(static=True)

    def __init__(self, batch: TaskBatch, points_per_task: int | None = None) -> None:
        if points_per_task is not None and points_per_task < 1:
            raise TaskError(f"Cannot learn from {points_per_task} points a task; give at least 1.")
        if not batch.sizes.any():
            raise TaskError("No task holds a point; at least one is needed to learn from.")
        self.inputs = jnp.asarray(batch.inputs)
        self.values = jnp.asarray(batch.values)
        self.mask = jnp.asarray(batch.mask)
        # As many as there are or more is all of them: one name for one thing saves a compilation.
        is_partial = points_per_task is not None and points_per_task < self.mask.shape[1]
        self.points_per_task = points_per_task if is_partial else None

    def __call__(self, prior: Prior, key: Key) -> Float[Array, ""]:
        """The loss on the minibatch that `key` draws."""
        inputs, values, mask = self.inputs, self.values, self.mask
        if self.points_per_task is not None:
            inputs, values, mask = draw_minibatch(key, inputs, values, mask, self.points_per_task)
        losses = jax.vmap(functools.partial(negative_log_likelihood, prior))(inputs, values, mask)
        return jnp.sum(losses) / jnp.sum(jnp.any(mask, axis=1))
