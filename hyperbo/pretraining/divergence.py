"""Divergences on matched tasks: the tasks' sample moments against the prior's own."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Float

from hyperbo.arrays import Array, Key
from hyperbo.errors import TaskError
from hyperbo.linalg import gaussian_cross_entropy
from hyperbo.pretraining.minibatches import draw_points
from hyperbo.surrogates.base import Prior
from hyperbo.tasks import MatchedTasks


class DivergenceObjective(eqx.Module):
    r"""Kullback-Leibler divergence of the prior from the tasks' sample Gaussian: HyperBO's EKL.

    With $\tilde\mu$ the tasks' mean at the shared points and $\tilde K$ their (biased, $1/M$)
    sample covariance,

    $$\frac{1}{2}\left[\mathrm{tr}(C^{-1} \tilde K) + (\tilde\mu - m)^\top C^{-1} (\tilde\mu - m)
    + \log|C| + N \log 2\pi\right], \quad C = K + \sigma^2 I.$$

    This is the cross entropy $\mathrm{KL}(\tilde{\mathcal N} \,\|\, \mathcal N) +
    H(\tilde{\mathcal N})$. The sample's own entropy does not depend on the prior, and is minus
    infinity when there are no more tasks than points, so it is left out: the loss is finite at any
    rank, and the sample covariance is never inverted nor even formed. It equals the mean negative
    log likelihood of the matched tasks, but needs one factor in place of one a task.

    Args:
        tasks: Tasks evaluated at the same points.
        points: How many of the shared points one evaluation looks at, the same for all tasks and
            drawn anew by each key; None looks at all of them.

    Raises:
        TaskError: If `points` is not positive.

    References:
        Wang et al. (2024), JMLR 25(212), section 4.1.
    """

    inputs: Float[Array, "N D"]
    values: Float[Array, "M N"]
    points: int | None = eqx.field(static=True)

    def __init__(self, tasks: MatchedTasks, points: int | None = None) -> None:
        if points is not None and points < 1:
            raise TaskError(f"Cannot compare moments at {points} points; give at least 1.")
        self.inputs = jnp.asarray(tasks.inputs)
        self.values = jnp.asarray(tasks.values)
        is_partial = points is not None and points < self.inputs.shape[0]
        self.points = points if is_partial else None

    def __call__(self, prior: Prior, key: Key) -> Float[Array, ""]:
        """The loss at the shared points that `key` draws, in nats."""
        inputs, values = self.inputs, self.values
        if self.points is not None:
            chosen = draw_points(key, jnp.ones(inputs.shape[0], dtype=bool), self.points)
            inputs, values = inputs[chosen], values[:, chosen]
        embedded = prior.embed(inputs)
        residuals = values.T - prior.mean(embedded)[:, None]
        # The residuals' mean outer product is the sample covariance plus the means' difference
        # squared, so one quadratic form holds both terms.
        return gaussian_cross_entropy(
            prior.covariance(embedded, embedded),
            prior.noise_variance,
            residuals,
            jnp.ones(inputs.shape[0], dtype=bool),
        )


class EuclideanObjective(eqx.Module):
    r"""Euclidean distance between the tasks' sample moments and the prior's.

    $\|\tilde\mu - m\|_2 + \|\tilde K - (K + \sigma^2 I)\|_F$ at all shared points; no matrix is
    factorised. Zero if and only if the moments agree.

    Args:
        tasks: Tasks evaluated at the same points.

    References:
        Wang et al. (2024), JMLR 25(212), section 4.1.
    """

    inputs: Float[Array, "N D"]
    values: Float[Array, "M N"]

    def __init__(self, tasks: MatchedTasks) -> None:
        self.inputs = jnp.asarray(tasks.inputs)
        self.values = jnp.asarray(tasks.values)

    def __call__(self, prior: Prior, key: Key) -> Float[Array, ""]:  # noqa: ARG002
        """The distance, in the objective's unit plus its square; `key` is not needed."""
        embedded = prior.embed(self.inputs)
        average = jnp.mean(self.values, axis=0)
        deviations = self.values - average[None, :]
        sample = deviations.T @ deviations / self.values.shape[0]
        noise = prior.noise_variance * jnp.eye(self.inputs.shape[0])
        covariance = prior.covariance(embedded, embedded) + noise
        return _norm(average - prior.mean(embedded)) + _norm(sample - covariance)


def _norm(difference: Float[Array, "*shape"]) -> Float[Array, ""]:
    """Root of the sum of squares, whose gradient at zero is zero and not NaN."""
    total = jnp.sum(jnp.square(difference))
    is_zero = total == 0.0
    return jnp.where(is_zero, 0.0, jnp.sqrt(jnp.where(is_zero, 1.0, total)))
