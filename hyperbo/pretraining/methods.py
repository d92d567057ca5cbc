"""How parameters move from one evaluation of the loss to the next: Adam and L-BFGS."""

import abc
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import jax.random as jr
import optax
from jaxtyping import Bool, Float, Int

from hyperbo.arrays import Array, Key

Loss = Callable[[Float[Array, " P"]], Float[Array, ""]]
"""A loss of all learned parameters, laid out as one vector."""


class Method(abc.ABC):
    """A rule for moving parameters; frozen, equal to any other of the same settings.

    Attributes:
        steps: Most steps to take.
    """

    steps: int

    @abc.abstractmethod
    def start(self, parameters: Float[Array, " P"]) -> optax.OptState:
        """What the rule remembers before the first step."""

    @abc.abstractmethod
    def minibatch_key(self, key: Key, step: Int[Array, ""]) -> Key:
        """The key of the minibatch that the loss at `step` is taken on."""

    @abc.abstractmethod
    def advance(
        self, loss: Loss, parameters: Float[Array, " P"], memory: optax.OptState
    ) -> tuple[Float[Array, ""], Float[Array, " P"], Float[Array, " P"], optax.OptState]:
        """Loss and gradient at `parameters`, where to go next, and what to remember."""

    @abc.abstractmethod
    def has_converged(
        self,
        previous: Float[Array, ""],
        current: Float[Array, ""],
        gradient: Float[Array, " P"],
    ) -> Bool[Array, ""]:
        """Whether a further step is pointless, from two losses in a row and the last gradient."""


@dataclass(frozen=True)
class CosineDecay:
    """A learning rate that warms up in a straight line and then falls by half a cosine.

    Attributes:
        peak: Highest rate.
        warmup: Share of the steps spent warming up, from a hundredth of the peak.
        final: Last rate, as a share of the peak.
    """

    peak: float = 1e-2
    warmup: float = 0.02
    final: float = 0.01

    def over(self, steps: int) -> optax.Schedule:
        """The schedule over a whole run."""
        warmup = int(self.warmup * steps)
        return optax.warmup_cosine_decay_schedule(
            init_value=0.01 * self.peak,
            peak_value=self.peak,
            warmup_steps=warmup,
            decay_steps=max(steps, warmup + 1),
            end_value=self.final * self.peak,
        )


@dataclass(frozen=True)
class ConstantRate:
    """One learning rate throughout, as in the original HyperBO (there 1e-3 for 50,000 steps).

    Attributes:
        rate: The rate.
    """

    rate: float = 1e-3

    def over(self, steps: int) -> optax.Schedule:  # noqa: ARG002
        """The schedule over a whole run."""
        return optax.constant_schedule(self.rate)


@dataclass(frozen=True)
class Adam(Method):
    """Adam on a fresh minibatch each step.

    Attributes:
        steps: Steps to take; it never stops before by itself.
        schedule: Learning rate over the run.
    """

    steps: int = 5_000
    schedule: CosineDecay | ConstantRate = CosineDecay()

    def start(self, parameters: Float[Array, " P"]) -> optax.OptState:
        """No momentum yet."""
        return self._rule().init(parameters)

    def minibatch_key(self, key: Key, step: Int[Array, ""]) -> Key:
        """Another key each step."""
        return jr.fold_in(key, step)

    def advance(
        self, loss: Loss, parameters: Float[Array, " P"], memory: optax.OptState
    ) -> tuple[Float[Array, ""], Float[Array, " P"], Float[Array, " P"], optax.OptState]:
        """One step down the minibatch's gradient."""
        value, gradient = jax.value_and_grad(loss)(parameters)
        updates, memory = self._rule().update(gradient, memory, parameters)
        return value, gradient, optax.apply_updates(parameters, updates), memory

    def has_converged(
        self,
        previous: Float[Array, ""],  # noqa: ARG002
        current: Float[Array, ""],  # noqa: ARG002
        gradient: Float[Array, " P"],  # noqa: ARG002
    ) -> Bool[Array, ""]:
        """Never: the loss of one minibatch says too little."""
        return jnp.zeros((), dtype=bool)

    def _rule(self) -> optax.GradientTransformation:
        return optax.adam(self.schedule.over(self.steps))


@dataclass(frozen=True)
class LBFGS(Method):
    """L-BFGS with a zoom line search, on one minibatch kept throughout.

    It stops as scipy's L-BFGS-B does: where the loss falls by less than `loss_tolerance` of its
    own size in one step, or no slope is steeper than `slope_tolerance`.

    Attributes:
        steps: Most steps to take (HyperBO takes 100).
        loss_tolerance: Relative fall of the loss that counts as none.
        slope_tolerance: Largest absolute entry of the gradient that counts as flat.
        memory: How many past steps shape the next.
        line_search_steps: Most evaluations in one line search.
    """

    steps: int = 100
    loss_tolerance: float = 2.2e-9
    slope_tolerance: float = 1e-5
    memory: int = 10
    line_search_steps: int = 20

    def start(self, parameters: Float[Array, " P"]) -> optax.OptState:
        """No past steps yet."""
        return self._rule().init(parameters)

    def minibatch_key(self, key: Key, step: Int[Array, ""]) -> Key:  # noqa: ARG002
        """The same key each step: a line search needs one and the same loss."""
        return key

    def advance(
        self, loss: Loss, parameters: Float[Array, " P"], memory: optax.OptState
    ) -> tuple[Float[Array, ""], Float[Array, " P"], Float[Array, " P"], optax.OptState]:
        """One line search; the loss and gradient that it ended with are not computed again."""
        value, gradient = optax.value_and_grad_from_state(loss)(parameters, state=memory)
        updates, memory = self._rule().update(
            gradient, memory, parameters, value=value, grad=gradient, value_fn=loss
        )
        return value, gradient, optax.apply_updates(parameters, updates), memory

    def has_converged(
        self,
        previous: Float[Array, ""],
        current: Float[Array, ""],
        gradient: Float[Array, " P"],
    ) -> Bool[Array, ""]:
        """Whether the loss no longer falls, or the gradient is flat."""
        # Before the first step the previous loss is infinite, and infinity is level with itself.
        size = jnp.maximum(jnp.maximum(jnp.abs(previous), jnp.abs(current)), 1.0)
        is_level = jnp.isfinite(previous) & (previous - current <= self.loss_tolerance * size)
        return is_level | (jnp.max(jnp.abs(gradient)) <= self.slope_tolerance)

    def _rule(self) -> optax.GradientTransformationExtraArgs:
        search = optax.scale_by_zoom_linesearch(max_linesearch_steps=self.line_search_steps)
        return optax.lbfgs(memory_size=self.memory, linesearch=search)
