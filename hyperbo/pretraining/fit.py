"""The one training loop: any prior, any objective, Adam or L-BFGS."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import paramax
from jax.flatten_util import ravel_pytree
from jaxtyping import Float, Int

from hyperbo.arrays import Array, Key
from hyperbo.errors import NumericalError, PriorError
from hyperbo.lapack import one_lapack_thread
from hyperbo.pretraining.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from hyperbo.pretraining.methods import Adam, Method
from hyperbo.pretraining.objective import Objective
from hyperbo.pretraining.run import LEVEL, NOT_FINITE, RUNNING, Run, Stop, TrainingState
from hyperbo.pretraining.sharding import gather

Model = TypeVar("Model", bound=eqx.Module)


@dataclass(frozen=True)
class Progress:
    """How far training has come; handed out between chunks of steps.

    Attributes:
        step: Steps taken.
        steps: Most steps it may take.
        loss: Mean training loss since the last report.
        validation_loss: Held-out loss now, or None without held-out tasks.
        seconds: Time since the call began.
    """

    step: int
    steps: int
    loss: float
    validation_loss: float | None
    seconds: float


@dataclass(frozen=True)
class Fitted(Generic[Model]):
    """A trained prior and how it came about.

    Attributes:
        prior: With held-out tasks, the prior of the lowest held-out loss; without, the last one
            whose loss and gradient were finite.
        losses: Training loss before the first step and after each, so element `i` is after `i`
            steps.
        validation_losses: Held-out loss before the first step and after each chunk; empty without
            held-out tasks.
        steps: Steps taken.
        stopped_because: Why it stopped.
    """

    prior: Model
    losses: Float[np.ndarray, " _"]
    validation_losses: Float[np.ndarray, " _"]
    steps: int
    stopped_because: Stop


@one_lapack_thread()
def fit(
    key: Key,
    prior: Model,
    objective: Objective,
    *,
    method: Method | None = None,
    trainable: Callable[[Model], Any] | None = None,
    validation: Objective | None = None,
    patience: int = 10,
    chunk: int = 100,
    checkpoint: Path | None = None,
    checkpoint_seconds: float = 60.0,
    on_progress: Callable[[Progress], None] | None = None,
) -> Fitted[Model]:
    """Train a prior.

    Steps run in compiled chunks; between them the held-out loss is taken, a checkpoint is written
    and progress is reported. A run that was interrupted and is called again with the same
    arguments goes on from its checkpoint, and ends exactly as if nothing had happened.

    Args:
        key: Randomness of the minibatches.
        prior: Where training starts. Every array of floats in it learns, but for those wrapped by
            `paramax.non_trainable`.
        objective: What to minimise.
        method: How parameters move; `Adam()` if None.
        trainable: Picks the only parts that learn, as in `equinox.tree_at`; all of them if None.
        validation: Loss on held-out tasks, always on one and the same minibatch.
        patience: After how many chunks without a lower held-out loss to stop.
        chunk: Steps between two looks at validation, checkpoint and progress.
        checkpoint: File to go on from and to write to. A finished run's is kept, so that calling
            again costs nothing.
        checkpoint_seconds: Least time between two checkpoints; the last is always written.
        on_progress: Called after every chunk.

    Raises:
        NumericalError: If the loss, its gradient or the held-out loss is not finite at the start.
        PriorError: If nothing in the prior learns.
        CheckpointError: If the checkpoint is damaged or another run's.
    """
    method = Adam() if method is None else method
    key_batches, key_validation = jr.split(key)
    learned, frozen = _split(prior, trainable)
    parameters, unravel = ravel_pytree(learned)
    run = Run.initial(method, parameters)
    fingerprint = ""
    if checkpoint is not None:
        fingerprint = _fingerprint(key, method, chunk, learned, (prior, objective, validation))
        stored = load_checkpoint(checkpoint, fingerprint)
        run = run if stored is None else run.restored(stored.arrays)
    run = run.placed_like(objective)

    def judge(run: Run) -> Run:
        if validation is None:
            return run
        model = eqx.combine(unravel(gather(run.state.kept)), frozen)
        return run.judged(float(_evaluate(validation, model, key_validation)))

    begun = saved = time.monotonic()
    while (stop := run.stop(method, patience)) is None:
        run = judge(run) if run.losses.size == 0 else run
        state, losses = _advance(run.state, learned, frozen, objective, method, key_batches, chunk)
        _check_start(run, state)
        before, run = run.losses.size, judge(run.advanced(state, np.asarray(losses)))
        now, is_over = time.monotonic(), run.stop(method, patience) is not None
        if checkpoint is not None and (is_over or now - saved >= checkpoint_seconds):
            save_checkpoint(checkpoint, Checkpoint(fingerprint, run.arrays()))
            saved = now
        if on_progress is not None:
            on_progress(_progress(run, method, before, now - begun))
    trained = eqx.combine(unravel(gather(run.parameters)), frozen)
    return Fitted(trained, run.losses, run.validation_losses, run.steps, stop)


@eqx.filter_jit
def _advance(
    state: TrainingState,
    learned: eqx.Module,
    frozen: eqx.Module,
    objective: Objective,
    method: Method,
    key: Key,
    chunk: int,
) -> tuple[TrainingState, Float[Array, " {chunk}"]]:
    """Take up to `chunk` losses and steps, in one compiled loop that all chunks share.

    `learned` only says how the vector of parameters is laid out in the prior.
    """
    unravel = ravel_pytree(learned)[1]

    def is_running(carry: tuple[TrainingState, Array, Int[Array, ""]]) -> Array:
        state, _, position = carry
        is_unfinished = (position < chunk) & (state.evaluations <= method.steps)
        return is_unfinished & (state.status == RUNNING)

    def step(
        carry: tuple[TrainingState, Array, Int[Array, ""]],
    ) -> tuple[TrainingState, Array, Int[Array, ""]]:
        state, losses, position = carry
        key_minibatch = method.minibatch_key(key, state.evaluations)

        def loss(parameters: Float[Array, " P"]) -> Float[Array, ""]:
            return objective(eqx.combine(unravel(parameters), frozen), key_minibatch)

        value, gradient, proposal, memory = method.advance(loss, state.candidate, state.memory)
        is_finite = jnp.isfinite(value) & jnp.all(jnp.isfinite(gradient))
        is_level = method.has_converged(state.loss, value, gradient)
        following = TrainingState(
            evaluations=state.evaluations + 1,
            candidate=proposal,
            kept=state.candidate,
            memory=memory,
            loss=value,
            status=jnp.where(is_level, LEVEL, RUNNING).astype(jnp.int32),
        )
        # A loss that is not finite changes nothing but the status.
        broken = eqx.tree_at(lambda s: s.status, state, jnp.full((), NOT_FINITE, jnp.int32))
        chosen = jax.tree.map(lambda good, bad: jnp.where(is_finite, good, bad), following, broken)
        return chosen, losses.at[position].set(value), position + 1

    first = state, jnp.full(chunk, jnp.nan), jnp.zeros((), jnp.int32)
    state, losses, _ = jax.lax.while_loop(is_running, step, first)
    return state, losses


@eqx.filter_jit
def _evaluate(objective: Objective, prior: eqx.Module, key: Key) -> Float[Array, ""]:
    return objective(prior, key)


def _split(prior: Model, trainable: Callable[[Model], Any] | None) -> tuple[Model, Model]:
    """The parts that learn, and the rest, each with None where the other has something."""
    picked: Any = eqx.is_inexact_array
    if trainable is not None:
        nothing = jax.tree.map(lambda _: False, prior)
        picked = eqx.tree_at(trainable, nothing, replace_fn=lambda _: eqx.is_inexact_array)
    learned, frozen = eqx.partition(
        prior, picked, is_leaf=lambda node: isinstance(node, paramax.NonTrainable)
    )
    if not jax.tree.leaves(learned):
        raise PriorError(
            "Nothing in the prior learns: it holds no array of floats, or all of them are wrapped "
            "as non-trainable or left out by `trainable`."
        )
    return learned, frozen


def _check_start(run: Run, state: TrainingState) -> None:
    """Refuse a start from which there is no finite state to return to."""
    if int(state.evaluations) == 0:
        raise NumericalError(
            "The training loss or its gradient is NaN or infinite at the initial prior. Start "
            "from a larger noise variance, and check that values are of unit scale."
        )
    if run.validation_losses.size and not np.isfinite(run.validation_losses[0]):
        raise NumericalError(
            "The held-out loss is NaN or infinite at the initial prior. Start from a larger noise "
            "variance, and check that the held-out values are of unit scale."
        )


def _progress(run: Run, method: Method, before: int, seconds: float) -> Progress:
    recent = run.losses[before:]
    return Progress(
        step=run.steps,
        steps=method.steps,
        loss=float(np.mean(recent if recent.size else run.losses[-1:])),
        validation_loss=float(run.validation_losses[-1]) if run.validation_losses.size else None,
        seconds=seconds,
    )


def _fingerprint(
    key: Key, method: Method, chunk: int, learned: eqx.Module, data: tuple[Any, ...]
) -> str:
    """Digest of all that decides a run's course."""
    digest = hashlib.sha256(f"{method!r} {chunk}".encode())
    for leaf in jax.tree.leaves((key, learned, data)):
        is_key = isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        content = jr.key_data(leaf) if is_key else leaf
        if eqx.is_array(content):
            array = np.asarray(content)
            digest.update(f"{array.shape} {array.dtype}".encode())
            digest.update(array.tobytes())
        elif isinstance(content, str | int | float | bool):
            digest.update(repr(content).encode())
        else:
            # A function's address differs from process to process; its name does not.
            digest.update(getattr(content, "__qualname__", type(content).__qualname__).encode())
    return digest.hexdigest()
