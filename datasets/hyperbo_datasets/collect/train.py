"""The one training loop: any workload under any optimiser, one or many configurations at once."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from hyperbo.space import Value
from hyperbo_datasets.collect.optimizers import Inputs, Optimizer
from hyperbo_datasets.collect.workloads.base import Model, Workload
from hyperbo_datasets.errors import CollectError


class State(eqx.Module):
    """Where a run stands.

    Attributes:
        model: The model's arrays; None where it has something else.
        optimizer: The optimiser's state.
        step: Training steps taken.
        diverged_at: The first step, counted from one, whose loss was not finite, or, at an
            evaluation, that left a parameter so; 0 if none was.
    """

    model: Model
    optimizer: optax.OptState
    step: Int[Array, ""]
    diverged_at: Int[Array, ""]


@dataclass(frozen=True)
class Evaluation:
    """What a validation found.

    Attributes:
        step: Training steps taken until then.
        error_rate: The share of wrong predictions; NaN once the run has diverged.
        diverged_at: The step at which the run diverged, if it has.
        seconds: Wall time of the run until then, without compilation.
    """

    step: int
    error_rate: float
    diverged_at: int | None
    seconds: float


@dataclass(frozen=True, eq=False)
class Trainer:
    """Trains configurations on one workload; compiles once, whatever the configurations are.

    A run is a function of the workload, the configuration and the seed. The seed decides the
    initial model and the order of the examples, the same for all configurations: so they are
    compared on equal terms, and are trained side by side from the same batches.

    Attributes:
        workload: What is trained.
        optimizer: What its hyperparameters mean.
        seed: Of the initial model and the order of the examples.
        width: Configurations that are trained side by side, mapped over by one program.
        evaluations: Validations in a run, evenly spaced; divides the workload's steps.
    """

    workload: Workload
    optimizer: Optimizer
    seed: int = 0
    width: int = 1
    evaluations: int = 10
    _programs: "_Programs" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.width < 1 or self.evaluations < 1 or self.workload.steps % self.evaluations:
            raise CollectError(
                f"Cannot train {self.width} configurations at once with {self.evaluations} "
                f"evaluations in {self.workload.steps} steps; wanted positive numbers, the steps "
                "a multiple of the evaluations."
            )
        object.__setattr__(self, "_programs", _compile(self))

    def train(self, configurations: Sequence[Mapping[str, Value]]) -> Iterator[list[Evaluation]]:
        """Train up to `width` configurations, and yield each one's evaluation as it comes.

        It ends after the last step, or as soon as every run has diverged.

        Raises:
            CollectError: If there are more configurations than the width, or none.
        """
        inputs, count = self._inputs(configurations), len(configurations)
        begun = time.perf_counter()
        state = self._programs.start(inputs)
        for part in self._batches():
            state, error_rates = jax.block_until_ready(self._programs.advance(inputs, state, part))  # type: ignore[no-untyped-call]
            found = _evaluations(state, error_rates, (time.perf_counter() - begun) / count, count)
            yield found
            if all(each.diverged_at is not None for each in found):
                return

    def time_evaluation(self, configurations: Sequence[Mapping[str, Value]]) -> float:
        """Seconds of each run from one evaluation to the next, whether or not it diverges.

        Taken of the second evaluation: the first also moves data.

        Raises:
            CollectError: If there are more configurations than the width, or none.
        """
        inputs, seconds = self._inputs(configurations), 0.0
        state = self._programs.start(inputs)
        for part in self._batches()[:2]:
            begun = time.perf_counter()
            state, _ = jax.block_until_ready(self._programs.advance(inputs, state, part))  # type: ignore[no-untyped-call]
            seconds = time.perf_counter() - begun
        return seconds / len(configurations)

    def _inputs(self, configurations: Sequence[Mapping[str, Value]]) -> dict[str, Array]:
        """The optimiser's inputs; a short block is filled up with copies of its last one."""
        count = len(configurations)
        if not 1 <= count <= self.width:
            raise CollectError(f"Got {count} configurations; wanted 1 to {self.width} at once.")
        filled = [*configurations, *[configurations[-1]] * (self.width - count)]
        return {name: jnp.asarray(each) for name, each in self.optimizer.numbers(filled).items()}

    def _batches(self) -> list[Int[np.ndarray, "S B"]]:
        """The rows of every step's batch, evaluation by evaluation."""
        rows = self.workload.batches(np.random.default_rng(self.seed))
        return np.split(rows, self.evaluations)


@dataclass(frozen=True)
class _Programs:
    """The two compiled programs of a trainer."""

    start: Callable[[Mapping[str, Array]], State]
    advance: Callable[
        [Mapping[str, Array], State, Int[np.ndarray, "S B"]], tuple[State, Float[Array, " W"]]
    ]


def _compile(trainer: Trainer) -> _Programs:
    """Compile a trainer's programs, so that the time of a run is that of training."""
    workload, width = trainer.workload, trainer.width
    key = jr.key(trainer.seed)
    start, advance = _starting(trainer), _advancing(trainer, key)
    if width > 1:
        start = jax.vmap(start, in_axes=(0, None, None))
        advance = jax.vmap(advance, in_axes=(0, 0, None, None))
    else:
        start, advance = _alone(start), _alone(advance)
    steps = workload.steps // trainer.evaluations
    inputs = {name: jnp.zeros(width, jnp.float32) for name in trainer.optimizer.space.names}
    rows = jnp.zeros((steps, workload.name.batch_size), jnp.int32)
    started = _compiled(start, inputs, key, workload)
    advanced = _compiled(advance, inputs, started(inputs, key, workload), rows, workload)

    return _Programs(
        start=lambda inputs: started(inputs, key, workload),
        advance=lambda inputs, state, rows: advanced(inputs, state, jnp.asarray(rows), workload),
    )


def _starting(trainer: Trainer) -> Callable[..., State]:
    """The program that a run begins with."""

    def start(inputs: Inputs, key: PRNGKeyArray, workload: Workload) -> State:
        model = eqx.filter(workload.init(key), eqx.is_array)
        transformation = trainer.optimizer.transformation(inputs, workload.steps)
        learned = eqx.filter(model, eqx.is_inexact_array)
        zero = jnp.zeros((), jnp.int32)
        return State(model, transformation.init(learned), zero, zero)

    return start


def _advancing(
    trainer: Trainer, key: PRNGKeyArray
) -> Callable[..., tuple[State, Float[Array, ""]]]:
    """The program that takes a run from one evaluation to the next."""
    static = eqx.partition(eqx.filter_eval_shape(trainer.workload.init, key), _is_array)[1]

    def advance(
        inputs: Inputs, state: State, rows: Int[Array, "S B"], workload: Workload
    ) -> tuple[State, Float[Array, ""]]:
        transformation = trainer.optimizer.transformation(inputs, workload.steps)

        def loss_of(model: Model, batch: Any) -> Float[Array, ""]:
            return workload.loss(eqx.combine(model, static), batch)

        def step(state: State, row: Int[Array, " B"]) -> tuple[State, None]:
            batch = jax.tree.map(lambda each: each[row], workload.training)
            loss, gradient = eqx.filter_value_and_grad(loss_of)(state.model, batch)
            return _stepped(transformation, state, loss, gradient), None

        state, _ = jax.lax.scan(step, state, rows)
        state = _judged(state)
        model = eqx.combine(state.model, static)
        return state, workload.error_rate(model, workload.validation)

    return advance


def _compiled(program: Callable[..., Any], *arguments: Any) -> Callable[..., Any]:
    """The program compiled for arguments of these shapes."""
    jitted: Any = eqx.filter_jit(program)
    compiled: Callable[..., Any] = jitted.lower(*arguments).compile()
    return compiled


def _stepped(
    transformation: optax.GradientTransformation,
    state: State,
    loss: Float[Array, ""],
    gradient: Model,
) -> State:
    """One step on."""
    learned = eqx.filter(state.model, eqx.is_inexact_array)
    updates, optimizer = transformation.update(gradient, state.optimizer, learned)
    number = state.step + 1
    is_first = ~jnp.isfinite(loss) & (state.diverged_at == 0)
    return State(
        model=eqx.apply_updates(state.model, updates),
        optimizer=optimizer,
        step=number,
        diverged_at=jnp.where(is_first, number, state.diverged_at),
    )


def _judged(state: State) -> State:
    """The state, diverged if its last step spoiled the model, which no loss has told yet."""
    learned = jax.tree.leaves(eqx.filter(state.model, eqx.is_inexact_array))
    is_finite = jnp.all(jnp.stack([jnp.all(jnp.isfinite(each)) for each in learned]))
    is_first = ~is_finite & (state.diverged_at == 0)
    return replace(state, diverged_at=jnp.where(is_first, state.step, state.diverged_at))


def _alone(program: Callable[..., Any]) -> Callable[..., Any]:
    """The program of one run, taking and giving arrays with a leading axis of one."""

    def wrapped(inputs: Inputs, *others: Any) -> Any:
        first = [
            jax.tree.map(lambda leaf: leaf[0], each) if isinstance(each, State) else each
            for each in others
        ]
        result = program({name: each[0] for name, each in inputs.items()}, *first)
        return jax.tree.map(lambda leaf: leaf[None], result)

    return wrapped


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, jax.ShapeDtypeStruct) or eqx.is_array(leaf)


def _evaluations(
    state: State, error_rates: Float[Array, " W"], seconds: float, count: int
) -> list[Evaluation]:
    """The first `count` runs' evaluations."""
    diverged: Bool[np.ndarray, " W"] | Any = np.asarray(state.diverged_at)
    steps, rates = np.asarray(state.step), np.asarray(error_rates, dtype=np.float64)
    return [
        Evaluation(
            step=int(steps[place]),
            error_rate=float(rates[place]) if diverged[place] == 0 else float("nan"),
            diverged_at=int(diverged[place]) or None,
            seconds=seconds,
        )
        for place in range(count)
    ]
