"""What pre-training yields: a prior together with beliefs about the next task's own scale."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from hyperbo.arrays import Array
from hyperbo.errors import PriorError
from hyperbo.surrogates.base import Prior
from hyperbo.surrogates.conditioning import ConditionedPrior, Hierarchy, Trials, condition


class PretrainedPrior(eqx.Module):
    """A prior learned from other tasks, and how far a new task may depart from them.

    This is what the registry stores and what a study starts from.

    Attributes:
        prior: What is believed of a task's objective in the prior's own scale.
        hierarchy: Beliefs about a new task's location, scale and noise.
    """

    prior: Prior
    hierarchy: Hierarchy

    def condition(self, trials: Trials) -> ConditionedPrior:
        """The posterior given one task's trials."""
        return condition(self.prior, self.hierarchy, trials)

    def check(self, dimension: int) -> None:
        """Refuse a prior that cannot be evaluated at points of a unit cube of `dimension`.

        Nothing is computed; shapes are traced only, and arrays are looked through for NaN.

        Raises:
            PriorError: If shapes do not fit together, or an array holds NaN or plus infinity
                (minus infinity is the log weight of what is ruled out).
        """
        for leaf in jax.tree.leaves(eqx.filter(self, eqx.is_inexact_array)):
            array = np.asarray(leaf)
            if np.isnan(array).any() or np.isposinf(array).any():
                raise PriorError(
                    "The prior holds NaN or infinite numbers; take the last finite parameters of "
                    "its pre-training."
                )
        points = np.zeros((2, dimension))
        try:
            log_evidence = jax.eval_shape(self._log_evidence, points)
        except (TypeError, ValueError, AttributeError, IndexError) as error:
            raise PriorError(
                f"The prior cannot be evaluated in a space of {dimension} coordinates: {error}. "
                "Pre-train it on tasks of this space."
            ) from error
        if log_evidence.shape != ():
            raise PriorError(
                f"The prior gives a log evidence of shape {log_evidence.shape} for one task; "
                "wanted a number. Its noise or hierarchy has a wrong shape."
            )

    def _log_evidence(self, points: Float[Array, "N D"]) -> Float[Array, "..."]:
        count = points.shape[0]
        return self.condition(Trials(points, jnp.zeros(count), jnp.ones(count, bool))).log_evidence
