"""Learning a treatment policy as a workload."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from hyperbo_datasets.collect.networks.treatment import (
    Advice,
    TreatmentNetworkConfig,
    cohort_weights,
    effect,
)
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.collect.workloads.base import Model, Workload
from hyperbo_datasets.collect.workloads.cost_curve import area_under_cost_curve

_SHARPNESS = 3.0
"""How closely the denominator keeps to the effect on cost where that is positive.

At an effect of zero it is log(2) / 3: a sharper one lets single small batches throw a run off.
"""


class Units(eqx.Module):
    """A randomised population: whom was treated, how strongly, and what became of it.

    Gain and cost are best scaled so that treatment changes each by about one.

    Attributes:
        features: Of each unit, known before the treatment; standardised.
        is_treated: Whether the unit was treated, whatever its features.
        intensity: How strongly a treated unit was, drawn uniformly from [0, 1]; else ignored.
        gain: What came in; larger is better.
        cost: What was spent; smaller is better.
    """

    features: Float[Array, "N D"]
    is_treated: Bool[Array, " N"]
    intensity: Float[Array, " N"]
    gain: Float[Array, " N"]
    cost: Float[Array, " N"]


class TreatmentPolicy(Workload):
    """Learning whom to treat, and how strongly, for the most gain at a cost.

    The loss is the negative ratio of the effects on gain and on cost in the weighted population.
    Its denominator is a softplus, for in a small batch the effect on cost may come out as zero.

    The error rate is one less the area under the cost curve of the validation units, ranked by
    effectiveness: about one half for a network that knows nothing.

    Attributes:
        network: Sizes of what learns.
        temperature: Width of the bell by which an observed intensity stands for an advised one.
    """

    name: TaskName = eqx.field(static=True)
    steps: int = eqx.field(static=True)
    training: Units
    validation: Units
    network: TreatmentNetworkConfig = eqx.field(static=True)
    temperature: float = eqx.field(static=True, default=0.1)

    def init(self, key: PRNGKeyArray) -> Model:
        """A network with fresh parameters."""
        return self.network.init(key)

    def loss(self, model: Model, batch: Units) -> Float[Array, ""]:
        """Negative gain for a unit of cost."""
        advice = model(batch.features)
        weights = cohort_weights(advice, batch.intensity, batch.is_treated, self.temperature)
        gain, cost = effect(batch.gain, weights), effect(batch.cost, weights)
        return -gain / (jax.nn.softplus(_SHARPNESS * cost) / _SHARPNESS)

    def error_rate(self, model: Model, examples: Units) -> Float[Array, ""]:
        """One less the area under the cost curve."""
        advice = model(examples.features)
        contrast = self._contrast(advice.intensity, examples)
        area = area_under_cost_curve(
            advice.effectiveness,
            contrast * (examples.gain - examples.gain.mean()),
            contrast * (examples.cost - examples.cost.mean()),
        )
        return 1.0 - area

    def _contrast(self, advised: Float[Array, " N"], units: Units) -> Float[Array, " N"]:
        # What each unit's outcome adds to the effect of treating all as advised: positive for the
        # treated, each by how well its intensity stands for the advised one, negative for others.
        nobody_preferred = Advice(jnp.zeros_like(advised), advised)
        weights = cohort_weights(
            nobody_preferred, units.intensity, units.is_treated, self.temperature
        )
        return weights.treated - weights.control
