"""The state of a training run: what the compiled loop carries, and what is kept beside it."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float, Int

from hyperbo.arrays import Array
from hyperbo.pretraining.methods import Method
from hyperbo.pretraining.sharding import replicate_like

RUNNING, LEVEL, NOT_FINITE = 0, 1, 2


class Stop(enum.Enum):
    """Why training stopped."""

    FINISHED = "it took all its steps"
    CONVERGED = "the loss no longer falls"
    VALIDATION = "the held-out loss no longer falls"
    NOT_FINITE = "the loss or its gradient left the finite numbers"


class TrainingState(eqx.Module):
    """What the compiled loop carries from step to step.

    Attributes:
        evaluations: How many losses were taken, all of them finite; one more than steps.
        candidate: Parameters at which the next loss is taken.
        kept: Parameters of the last loss that was finite, gradient included.
        memory: What the method remembers.
        loss: The last finite loss; infinity before the first.
        status: `RUNNING`, `LEVEL` or `NOT_FINITE`.
    """

    evaluations: Int[Array, ""]
    candidate: Float[Array, " P"]
    kept: Float[Array, " P"]
    memory: optax.OptState
    loss: Float[Array, ""]
    status: Int[Array, ""]

    @classmethod
    def initial(cls, method: Method, parameters: Float[Array, " P"]) -> "TrainingState":
        """Before the first loss."""
        state = cls(
            jnp.zeros((), jnp.int32),
            parameters,
            parameters,
            method.start(parameters),
            jnp.full((), jnp.inf),
            jnp.full((), RUNNING, jnp.int32),
        )
        # Weakly typed scalars come out of the compiled loop strongly typed: it would compile twice.
        return jax.tree.map(lambda leaf: jax.lax.convert_element_type(leaf, leaf.dtype), state)


@dataclass(frozen=True)
class Run:
    """A training run so far.

    Attributes:
        state: What the compiled loop carries.
        losses: Every finite training loss, the one before the first step included.
        validation_losses: Every held-out loss, likewise.
        best: Parameters of the lowest held-out loss; the kept ones without held-out tasks.
    """

    state: TrainingState
    losses: Float[np.ndarray, " _"]
    validation_losses: Float[np.ndarray, " _"]
    best: Float[Array, " P"]

    @classmethod
    def initial(cls, method: Method, parameters: Float[Array, " P"]) -> "Run":
        """Before the first loss."""
        nothing = np.zeros(0)
        return cls(TrainingState.initial(method, parameters), nothing, nothing, parameters)

    @property
    def steps(self) -> int:
        """Steps taken: the first loss is taken before any."""
        return max(self.losses.size - 1, 0)

    @property
    def parameters(self) -> Float[Array, " P"]:
        """What training yields if it stops here."""
        return self.best if self.validation_losses.size else self.state.kept

    def stop(self, method: Method, patience: int) -> Stop | None:
        """Why to stop here, or None to go on."""
        status = int(self.state.status)
        if status == NOT_FINITE:
            return Stop.NOT_FINITE
        if status == LEVEL:
            return Stop.CONVERGED
        if self.steps >= method.steps:
            return Stop.FINISHED
        held_out = self.validation_losses
        if held_out.size and held_out.size - 1 - _lowest(held_out) >= patience:
            return Stop.VALIDATION
        return None

    def advanced(self, state: TrainingState, losses: Float[np.ndarray, " _"]) -> "Run":
        """The run after one more chunk, of whose losses only the finite ones were taken."""
        taken = int(state.evaluations) - self.losses.size
        return replace(self, state=state, losses=np.append(self.losses, losses[:taken]))

    def judged(self, loss: float) -> "Run":
        """The run with the held-out loss of the parameters that it keeps now."""
        losses = np.append(self.validation_losses, loss)
        is_best = _lowest(losses) == losses.size - 1
        return replace(
            self, validation_losses=losses, best=self.state.kept if is_best else self.best
        )

    def placed_like(self, pattern: object) -> "Run":
        """The run laid on the devices that the pattern's arrays lie on."""
        return replace(self, state=replicate_like(self.state, pattern))

    def arrays(self) -> dict[str, np.ndarray]:
        """All of the run, as named arrays for a checkpoint."""
        return {name: np.asarray(leaf) for name, leaf in self._named()}

    def restored(self, arrays: Mapping[str, np.ndarray]) -> "Run":
        """The run that a checkpoint's arrays stand for; `self` says how they belong together."""
        leaves = [jnp.asarray(arrays[name]) for name, _ in self._named() if name.isdigit()]
        structure = jax.tree.structure(self.state)
        return Run(
            jax.tree.unflatten(structure, leaves),
            arrays["losses"],
            arrays["validation_losses"],
            jnp.asarray(arrays["best"]),
        )

    def _named(self) -> list[tuple[str, Array | np.ndarray]]:
        leaves = [(str(index), leaf) for index, leaf in enumerate(jax.tree.leaves(self.state))]
        return [
            *leaves,
            ("losses", self.losses),
            ("validation_losses", self.validation_losses),
            ("best", self.best),
        ]


def _lowest(losses: Float[np.ndarray, " _"]) -> int:
    """Position of the first lowest loss; one that is not finite is never lowest."""
    return int(np.argmin(np.where(np.isfinite(losses), losses, np.inf)))
