"""Optimisers as search spaces: what a sweep tunes, and the Optax transformation it makes of it.

Hyperparameters are traced: one compiled program trains any configuration. A configuration is
handed over as one float32 number for each of an optimiser's inputs, categories as their position.
"""

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from hyperbo.space import (
    CategoricalParameter,
    Category,
    FloatParameter,
    Log,
    Parameter,
    ReverseLog,
    SearchSpace,
    Value,
)
from hyperbo_datasets.sources import pd1

Inputs = Mapping[str, Float[Array, ""]]
"""One number for each input of an optimiser."""


class Optimizer(abc.ABC):
    """A family of optimisers over one search space."""

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """Small letters; names the optimiser on the command line and in a table."""

    @property
    @abc.abstractmethod
    def space(self) -> SearchSpace:
        """What is tuned."""

    @abc.abstractmethod
    def transformation(self, inputs: Inputs, steps: int) -> optax.GradientTransformation:
        """The optimiser with these hyperparameters.

        Args:
            inputs: Traced numbers, as `numbers` gives them.
            steps: Training steps of the run, the unit of schedules.
        """

    def numbers(
        self, configurations: Sequence[Mapping[str, Value]]
    ) -> dict[str, Float[np.ndarray, " N"]]:
        """The inputs of `N` configurations of the space; a parameter that takes no part is 0.5."""
        return {
            name: np.array([each.get(name, 0.5) for each in configurations], dtype=np.float32)
            for name in self.space.names
        }


@dataclass(frozen=True)
class Nesterov(Optimizer):
    """Nesterov momentum with a polynomial decay of the learning rate: PD1's four parameters.

    The learning rate at step $t$ of $T$ is $l/1000 + (l - l/1000) (1 - min(t, fT) / fT)^p$, with
    `l` the initial value, `f` the decay steps' factor and `p` the power.

    References:
        Wang et al. (2024), "Pre-trained Gaussian Processes for Bayesian Optimization", JMLR 25.
    """

    @property
    def name(self) -> str:
        """`nesterov`."""
        return "nesterov"

    @property
    def space(self) -> SearchSpace:
        """PD1's, names and bounds alike, so that a prior of one serves the other."""
        return pd1.SPACE

    def transformation(self, inputs: Inputs, steps: int) -> optax.GradientTransformation:
        """Nesterov momentum under the schedule."""
        schedule = polynomial_decay(
            inputs["hps.lr_hparams.initial_value"],
            inputs["hps.lr_hparams.power"],
            inputs["hps.lr_hparams.decay_steps_factor"] * steps,
        )
        # The traced momentum is no Python float, which is all that Optax's annotations know.
        return optax.sgd(schedule, momentum=inputs["hps.opt_hparams.momentum"], nesterov=True)


ADAMW_SPACE = (
    FloatParameter("adamw.learning_rate", 1e-5, 1.0, Log()),
    # One minus a beta is log-uniform, on [0.001, 1] for the first and [0.0001, 0.5] for the second.
    FloatParameter("adamw.beta1", 0.0, 0.999, ReverseLog()),
    FloatParameter("adamw.beta2", 0.5, 0.9999, ReverseLog()),
    FloatParameter("adamw.weight_decay", 1e-5, 1.0, Log()),
    FloatParameter("adamw.warmup_factor", 0.0, 0.5),
)


@dataclass(frozen=True)
class AdamW(Optimizer):
    """AdamW with a linear warm-up over a share of the steps, then a linear decay to zero.

    Every parameter decays, biases and scales of norms too.

    References:
        Loshchilov and Hutter (2019), "Decoupled Weight Decay Regularization", arXiv:1711.05101.
    """

    @property
    def name(self) -> str:
        """`adamw`."""
        return "adamw"

    @property
    def space(self) -> SearchSpace:
        """Peak learning rate, both betas, weight decay, and the share of steps that warm up."""
        return SearchSpace(ADAMW_SPACE)

    def transformation(self, inputs: Inputs, steps: int) -> optax.GradientTransformation:
        """AdamW under the schedule."""
        schedule = warmup_then_linear(
            inputs["adamw.learning_rate"], inputs["adamw.warmup_factor"] * steps, steps
        )
        return optax.adamw(
            schedule,
            b1=inputs["adamw.beta1"],
            b2=inputs["adamw.beta2"],
            weight_decay=inputs["adamw.weight_decay"],
        )


@dataclass(frozen=True)
class Chosen(Optimizer):
    """A conditional space: which optimiser, and then that one's own hyperparameters.

    Both updates are computed and one is taken, so that still one program serves all: an update
    costs little beside the gradient.
    """

    @property
    def name(self) -> str:
        """`chosen`."""
        return "chosen"

    @property
    def space(self) -> SearchSpace:
        """The choice, with each optimiser's parameters below it."""
        children: dict[Category, tuple[Parameter, ...]] = {
            each.name: each.space.parameters for each in _CHOICES
        }
        return SearchSpace((CategoricalParameter("optimizer", tuple(children), children),))

    def numbers(
        self, configurations: Sequence[Mapping[str, Value]]
    ) -> dict[str, Float[np.ndarray, " N"]]:
        """The choice as a position; what takes no part is 0.5."""
        places = {each.name: place for place, each in enumerate(_CHOICES)}
        placed = [{**each, "optimizer": places[str(each["optimizer"])]} for each in configurations]
        return super().numbers(placed)

    def transformation(self, inputs: Inputs, steps: int) -> optax.GradientTransformation:
        """The chosen one."""
        both = [each.transformation(inputs, steps) for each in _CHOICES]
        is_second = inputs["optimizer"] > 0.5

        def init(parameters: optax.Params) -> optax.OptState:
            return tuple(each.init(parameters) for each in both)

        def update(
            gradient: optax.Updates, state: optax.OptState, parameters: optax.Params | None = None
        ) -> tuple[optax.Updates, optax.OptState]:
            first, second = (
                each.update(gradient, own, parameters)
                for each, own in zip(both, state, strict=True)
            )
            step = jax.tree.map(lambda a, b: jnp.where(is_second, b, a), first[0], second[0])
            return step, (first[1], second[1])

        return optax.GradientTransformation(init, update)


def polynomial_decay(
    initial: Float[Array, ""], power: Float[Array, ""], decay_steps: Float[Array, ""]
) -> optax.Schedule:
    """PD1's schedule; the last value, a thousandth of the first, is held after `decay_steps`.

    Optax's own polynomial schedule takes no traced number of steps.
    """
    end = initial / 1000.0

    def schedule(count: Int[Array, ""]) -> Float[Array, ""]:
        done = jnp.minimum(jnp.asarray(count, jnp.float32) / decay_steps, 1.0)
        return end + (initial - end) * (1.0 - done) ** power

    return schedule


def warmup_then_linear(
    peak: Float[Array, ""], warmup_steps: Float[Array, ""], steps: int
) -> optax.Schedule:
    """From near zero to `peak` within `warmup_steps`, then in a line to zero after `steps`."""

    def schedule(count: Int[Array, ""]) -> Float[Array, ""]:
        # Steps are counted from one, so that the first one, too, moves.
        step = jnp.asarray(count, jnp.float32) + 1.0
        rising = step / jnp.maximum(warmup_steps, 1.0)
        falling = (steps + 1.0 - step) / jnp.maximum(steps + 1.0 - warmup_steps, 1.0)
        return peak * jnp.minimum(jnp.minimum(rising, falling), 1.0)

    return schedule


_CHOICES: tuple[Optimizer, ...] = (Nesterov(), AdamW())

OPTIMIZERS: Mapping[str, Optimizer] = {each.name: each for each in (*_CHOICES, Chosen())}
"""Every optimiser by name."""
