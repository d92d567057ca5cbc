"""Trials given out but not yet reported: how they bear on what is chosen next."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Float

from hyperbo.acquisition.base import Acquisition, Score
from hyperbo.acquisition.improvement import LogExpectedImprovement
from hyperbo.acquisition.monte_carlo import MonteCarloLogExpectedImprovement
from hyperbo.arrays import Array, Key
from hyperbo.surrogates.base import Posterior


class Outlook(eqx.Module):
    """What is believed once pending points are taken into account.

    Attributes:
        posterior: Beliefs about the objective, conditioned on what was made up, if anything.
        best: Largest value so far, made-up ones included, or largest posterior mean over the
            trials where their noise is given; minus infinity if there is none.
        unresolved: Pending points for which nothing was made up.
    """

    posterior: Posterior
    best: Float[Array, ""]
    unresolved: Float[Array, "B D"]


class Liar(eqx.Module):
    """Makes up the outcome of a pending trial."""

    @abc.abstractmethod
    def values(self, posterior: Posterior, inputs: Float[Array, "B D"]) -> Float[Array, " B"]:
        """What to pretend was observed at `inputs`, in the objective's unit."""


class KrigingBeliever(Liar):
    """Pretends that a pending trial returns the posterior mean.

    References:
        Ginsbourger, Le Riche and Carraro (2010), "Kriging is well-suited to parallelize
        optimization".
    """

    def values(self, posterior: Posterior, inputs: Float[Array, "B D"]) -> Float[Array, " B"]:
        """The posterior mean, of the whole mixture."""
        return posterior.marginals(inputs).moments()[0]


class ConstantLiar(Liar):
    """Pretends that every pending trial returns the same value.

    Attributes:
        value: That value, in the objective's unit. The smaller it is, the further apart the points
            of a batch; the largest and the smallest value seen are usual.

    References:
        Ginsbourger, Le Riche and Carraro (2010), as for `KrigingBeliever`.
    """

    value: Float[Array, ""]

    def values(
        self,
        posterior: Posterior,  # noqa: ARG002 - part of the contract
        inputs: Float[Array, "B D"],
    ) -> Float[Array, " B"]:
        """The one value, whatever the posterior says."""
        return jnp.full((inputs.shape[0],), self.value)


class PendingRule(eqx.Module):
    """How pending points bear on the next one."""

    @abc.abstractmethod
    def add(self, outlook: Outlook, inputs: Float[Array, "B D"]) -> Outlook:
        """Take `B` more pending points into account."""

    @abc.abstractmethod
    def bind(self, key: Key, outlook: Outlook, candidates: Float[Array, "Q D"]) -> Score:
        """Turn an outlook into a score for the next point."""


class Fantasised(PendingRule):
    """Conditions on a made-up outcome of each pending point; serves any acquisition.

    A made-up outcome also counts as the best value so far if it is: otherwise a pending point
    that promises much would look like the place to improve most.

    Attributes:
        acquisition: By which the next point is chosen.
        liar: Makes up outcomes.
    """

    acquisition: Acquisition = LogExpectedImprovement()
    liar: Liar = KrigingBeliever()

    def add(self, outlook: Outlook, inputs: Float[Array, "B D"]) -> Outlook:
        """Condition on made-up outcomes at `inputs`."""
        if inputs.shape[0] == 0:
            return outlook
        return _fantasise(outlook, inputs, self.liar)

    def bind(self, key: Key, outlook: Outlook, candidates: Float[Array, "Q D"]) -> Score:
        """The acquisition's score under the made-up outcomes."""
        return self.acquisition.bind(key, outlook.posterior, candidates, outlook.best)


class Integrated(PendingRule):
    """Averages the improvement over the outcomes that pending points may have.

    Attributes:
        samples: How many joint samples the average is taken over.
    """

    samples: int = eqx.field(default=128, static=True)

    def add(self, outlook: Outlook, inputs: Float[Array, "B D"]) -> Outlook:
        """Remember the points; their outcomes stay open."""
        unresolved = jnp.concatenate([outlook.unresolved, inputs])
        return Outlook(outlook.posterior, outlook.best, unresolved)

    def bind(self, key: Key, outlook: Outlook, candidates: Float[Array, "Q D"]) -> Score:
        """The log of what a point adds to the expected improvement of all that is pending."""
        acquisition = MonteCarloLogExpectedImprovement(outlook.unresolved, self.samples)
        return acquisition.bind(key, outlook.posterior, candidates, outlook.best)


@eqx.filter_jit
def _fantasise(outlook: Outlook, inputs: Float[Array, "B D"], liar: Liar) -> Outlook:
    """Condition on made-up outcomes at `inputs`."""
    values = liar.values(outlook.posterior, inputs)
    posterior = outlook.posterior.fantasise(inputs, values)
    return Outlook(posterior, jnp.maximum(outlook.best, jnp.max(values)), outlook.unresolved)
