"""A network that says whom to treat and how strongly (Zou et al., 2020, arXiv:2004.09703).

Two heads over one trunk: the effectiveness of treating a unit, by which units are ranked, and the
intensity at which to treat it. Neither is trained on a unit's own counterfactual, which nobody
has seen; both weigh the units of a randomised population, and the weighted population is scored.
Left out is how well a unit and a treatment match: there is one treatment, told by its intensity.
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from hyperbo_datasets.collect.networks.classifier import Activation
from hyperbo_datasets.collect.networks.dense import Dense, DenseStack
from hyperbo_datasets.collect.networks.drawing import draw_kernels
from hyperbo_datasets.errors import CollectError

_EXCLUDED = -1e30
"""Log weight of a unit that is not of the cohort: finite, so that no NaN reaches a gradient."""


class Advice(NamedTuple):
    """What the network says of each unit.

    Attributes:
        effectiveness: Log weight of the unit before normalisation; larger means treat it sooner.
        intensity: How strongly to treat it, between 0 and 1.
    """

    effectiveness: Float[Array, " N"]
    intensity: Float[Array, " N"]


class TreatmentNetwork(eqx.Module):
    """The two heads, over a trunk of dense layers.

    The effectiveness is bounded: its softmax could otherwise put all weight on the one unit with
    the luckiest outcome.
    """

    trunk: DenseStack
    effectiveness_head: Dense
    policy_head: Dense
    activation: Activation = eqx.field(static=True)
    largest: float = eqx.field(static=True)

    def __call__(self, features: Float[Array, "N D"]) -> Advice:
        """The advice for each unit."""
        found = self.activation(self.trunk(features))
        raw_effectiveness = self.effectiveness_head(found)[:, 0]
        raw_intensity = self.policy_head(found)[:, 0]
        return Advice(self.largest * jnp.tanh(raw_effectiveness), jax.nn.sigmoid(raw_intensity))


@dataclass(frozen=True)
class TreatmentNetworkConfig:
    """Sizes of a treatment network.

    Attributes:
        inputs: Number of features of a unit.
        hidden: Widths of the trunk's layers.
        largest: Bound of the effectiveness: one unit outweighs another at most
            exp(2 x largest) times.
        activation: After every layer of the trunk.
    """

    inputs: int
    hidden: tuple[int, ...]
    largest: float = 1.0
    activation: Activation = jnp.tanh

    def __post_init__(self) -> None:
        if not self.hidden:
            raise CollectError(
                "A treatment network of no hidden layer has no trunk: wanted at least one width."
            )

    def init(self, key: PRNGKeyArray) -> TreatmentNetwork:
        """A network with fresh parameters."""
        blank = TreatmentNetwork(
            trunk=DenseStack.blank((self.inputs, *self.hidden), self.activation),
            effectiveness_head=Dense.blank(self.hidden[-1], 1),
            policy_head=Dense.blank(self.hidden[-1], 1),
            activation=self.activation,
            largest=self.largest,
        )
        return draw_kernels(key, blank)

    @classmethod
    def small(cls, inputs: int) -> Self:
        """One hidden layer of twice as many units as there are inputs, as in the paper's code."""
        return cls(inputs, hidden=(2 * inputs,))


def log_closeness(
    observed: Float[Array, "*shape"], advised: Float[Array, "*shape"], temperature: float
) -> Float[Array, "*shape"]:
    """How well an observed intensity stands for the advised one: the log of a bell around it.

    The bell is the derivative of the logistic function, as in the paper, with two differences. A
    temperature scales it: at scale one it is all but flat over the intensities, which lie in
    [0, 1]. And it is divided by its area over [0, 1], or advice near an end would weigh less
    because half of its bell is out of reach; so it is the density of a truncated logistic.
    """
    scale = jnp.float32(temperature)
    distance = (observed - advised) / scale
    log_bell = jax.nn.log_sigmoid(distance) + jax.nn.log_sigmoid(-distance)
    area = jax.nn.sigmoid((1.0 - advised) / scale) - jax.nn.sigmoid(-advised / scale)
    return log_bell - jnp.log(scale * area)


class Weights(NamedTuple):
    """Weight of each unit in its cohort; sums to one over a cohort, and is zero outside."""

    treated: Float[Array, " N"]
    control: Float[Array, " N"]


def cohort_weights(
    advice: Advice,
    observed: Float[Array, " N"],
    is_treated: Bool[Array, " N"],
    temperature: float,
) -> Weights:
    """The population as the advice would have it: the effective count more, and the well treated.

    Without a treated unit, or without one that is not, that cohort's weights are all zero.
    """
    treated = advice.effectiveness + log_closeness(observed, advice.intensity, temperature)
    return Weights(
        treated=_softmax_within(treated, is_treated),
        control=_softmax_within(advice.effectiveness, ~is_treated),
    )


def _softmax_within(
    log_weights: Float[Array, " N"], is_in: Bool[Array, " N"]
) -> Float[Array, " N"]:
    weights = jax.nn.softmax(jnp.where(is_in, log_weights, _EXCLUDED))
    return jnp.where(is_in, weights, 0.0)


def effect(outcome: Float[Array, " N"], weights: Weights) -> Float[Array, ""]:
    """Weighted mean of an outcome among the treated less that among the others, in its unit."""
    return jnp.sum((weights.treated - weights.control) * outcome)
