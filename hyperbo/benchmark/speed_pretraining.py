"""Times pre-training on one pinned core: `python -m hyperbo.benchmark.speed_pretraining`."""

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import equinox as eqx
import gpjax as gpx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from gpjax.parameters import val
from jaxtyping import Float

from hyperbo.arrays import Array, Key
from hyperbo.linalg import JITTER
from hyperbo.pretraining import Adam, LikelihoodObjective, Progress, fit
from hyperbo.surrogates import GaussianProcessPrior
from hyperbo.surrogates.presets import hyperbo_prior
from hyperbo.tasks import Task, TaskBatch, pad

STEP_WIDTHS, RUN_WIDTHS = (8,), (32, 32)
WARM_STEPS = 100

TaskLoss = Callable[[GaussianProcessPrior, Array, Array], Array]


@dataclass(frozen=True)
class Timing:
    """How long a loss and its gradient take.

    Attributes:
        name: What was timed.
        compile_seconds: Tracing, compiling and the first step.
        step_milliseconds: Median of the later steps.
        loss: The loss, which two ways of taking it must share.
    """

    name: str
    compile_seconds: float
    step_milliseconds: float
    loss: float


@dataclass(frozen=True)
class RunTiming:
    """How long a whole training run takes.

    Attributes:
        seconds: From the call to the result, compilation included.
        compile_seconds: Of these, up to the first chunk's end.
        step_milliseconds: Mean of the steps after the first chunk.
        steps: Steps taken.
    """

    seconds: float
    compile_seconds: float
    step_milliseconds: float
    steps: int


def time_batched(key: Key, batch: TaskBatch, repeats: int) -> Timing:
    """Time one full-data step of the likelihood objective, all tasks in one batch."""
    prior = hyperbo_prior(key, batch.inputs.shape[2], STEP_WIDTHS)
    objective = LikelihoodObjective(batch)

    def loss(prior: GaussianProcessPrior) -> Array:
        return objective(prior, key)

    return _time(f"{len(batch.names)} in one batch", loss, prior, repeats)


def time_unrolled(
    key: Key, batch: TaskBatch, repeats: int, task_loss: TaskLoss, name: str
) -> Timing:
    """Time the same loss, taken task by task in a loop that is traced and unrolled."""
    prior = hyperbo_prior(key, batch.inputs.shape[2], STEP_WIDTHS)
    tasks = [
        (jnp.asarray(inputs), jnp.asarray(values))
        for inputs, values in zip(batch.inputs, batch.values, strict=True)
    ]

    def loss(prior: GaussianProcessPrior) -> Array:
        total = jnp.zeros(())
        for inputs, values in tasks:
            total = total + task_loss(prior, inputs, values)
        return total / len(tasks)

    return _time(name, loss, prior, repeats)


def pairwise_loss(
    prior: GaussianProcessPrior, inputs: Float[Array, "N D"], values: Float[Array, " N"]
) -> Float[Array, ""]:
    """One task's loss the plain way, as HyperBO's release takes it.

    Every entry of the covariance by itself, and automatic differentiation through the factor.
    """
    embedded = prior.embed(inputs)
    features = embedded[:, inputs.shape[1] :]
    lengthscale, variance = val(prior.kernel.lengthscale), val(prior.kernel.variance)

    def entry(left: Float[Array, " F"], right: Float[Array, " F"]) -> Float[Array, ""]:
        square = jnp.sum(jnp.square((left - right) / lengthscale))
        scaled = jnp.sqrt(5.0) * jnp.sqrt(jnp.maximum(square, 1e-36))
        return variance * (1.0 + scaled + scaled**2 / 3.0) * jnp.exp(-scaled)

    rows = jax.vmap(lambda left: jax.vmap(lambda right: entry(left, right))(features))(features)
    noise = (prior.noise_variance + JITTER) * jnp.eye(values.shape[0])
    residual = values - prior.mean(embedded)
    factor, _ = jax.scipy.linalg.cho_factor(rows + noise, lower=True)
    solved = jax.scipy.linalg.cho_solve((factor, True), residual)
    log_determinant = jnp.sum(jnp.log(jnp.diagonal(factor)))
    constant = 0.5 * values.shape[0] * jnp.log(2.0 * jnp.pi)
    return 0.5 * jnp.dot(residual, solved) + log_determinant + constant


def gpjax_loss(
    prior: GaussianProcessPrior, inputs: Float[Array, "N D"], values: Float[Array, " N"]
) -> Float[Array, ""]:
    """One task's loss by GPJax's own kernel matrix and likelihood."""
    kernel = gpx.kernels.Matern52(
        lengthscale=prior.kernel.lengthscale, variance=prior.kernel.variance
    )
    plain = eqx.tree_at(lambda prior: prior.kernel, prior, kernel)
    features = prior.embed(inputs)[:, inputs.shape[1] :]
    data = gpx.Dataset(X=features, y=values[:, None])
    return -gpx.objectives.conjugate_mll(plain.to_gpjax(), data)


def time_run(
    key: Key,
    batch: TaskBatch,
    steps: int,
    points_per_task: int = 50,
    on_progress: Callable[[Progress], None] | None = None,
) -> RunTiming:
    """Time a training run of Adam on minibatches, with (32, 32) features.

    Args:
        key: Randomness of features and minibatches.
        batch: Tasks, e.g. 30 of LCBench with 1,000 points each.
        steps: Steps to take, more than 100.
        points_per_task: Points of each task a step looks at.
        on_progress: Called after every chunk of 100 steps.
    """
    marks: list[tuple[int, float]] = []

    def note(progress: Progress) -> None:
        marks.append((progress.step, progress.seconds))
        if on_progress is not None:
            on_progress(progress)

    key_prior, key_fit = jr.split(key)
    prior = hyperbo_prior(key_prior, batch.inputs.shape[2], RUN_WIDTHS)
    objective = LikelihoodObjective(batch, points_per_task)
    begun = time.perf_counter()
    fit(key_fit, prior, objective, method=Adam(steps), chunk=WARM_STEPS, on_progress=note)
    seconds = time.perf_counter() - begun
    (first_step, first), (last_step, last) = marks[0], marks[-1]
    milliseconds = 1e3 * (last - first) / max(last_step - first_step, 1)
    compiled = first - 1e-3 * milliseconds * first_step
    return RunTiming(seconds, compiled, milliseconds, last_step)


def synthetic_tasks(
    random: np.random.Generator, tasks: int, points: int, dimension: int
) -> TaskBatch:
    """Tasks that share a bowl and differ in its place, height and noise."""
    made = []
    for index in range(tasks):
        inputs = random.uniform(size=(points, dimension))
        centre = random.normal(0.5, 0.1, size=dimension)
        values = -random.uniform(1.0, 3.0) * np.square(inputs - centre).sum(axis=1)
        values = values + 0.05 * random.normal(size=points)
        made.append(Task(f"synthetic-{index}", inputs, (values - values.mean()) / values.std()))
    return pad(made)


def restart_on_one_core(arguments: list[str]) -> None:
    """Start this command anew on one core, unless it already has only one.

    GPJax starts JAX's threads as it is imported. Pinned after that, several threads would take
    turns on one core, each waiting for the others, and a step take fifty times as long.
    """
    cores = os.sched_getaffinity(0)
    if len(cores) > 1:
        os.sched_setaffinity(0, {min(cores)})
        command = [sys.executable, "-m", "hyperbo.benchmark.speed_pretraining", *arguments]
        os.execv(sys.executable, command)  # noqa: S606


def main(arguments: list[str]) -> None:
    """Print the figures as a table."""
    parser = argparse.ArgumentParser(description="Time pre-training on one pinned core.")
    parser.add_argument("--steps", type=int, default=5_000, help="steps of the training run")
    parser.add_argument("--repeats", type=int, default=50, help="steps timed one by one")
    options = parser.parse_args(arguments)
    restart_on_one_core(arguments)
    _print_steps(options.repeats)
    _print_run(options.steps)


def _print_steps(repeats: int) -> None:
    random, key = np.random.default_rng(0), jr.key(0)
    tasks = synthetic_tasks(random, 20, 100, 4)
    batched = time_batched(key, tasks, repeats)
    more = time_batched(key, synthetic_tasks(random, 100, 100, 4), repeats)
    pairwise = time_unrolled(key, tasks, repeats, pairwise_loss, "20 in turn, entry by entry")
    by_gpjax = time_unrolled(key, tasks, repeats, gpjax_loss, "20 in turn, by GPJax")
    _print("One likelihood step: 100 points a task, 4 dimensions, float64, one core")
    _print(f"{'':30}{'compile':>10}{'step':>12}{'loss':>14}")
    for timing in (batched, more, pairwise, by_gpjax):
        _print(
            f"{timing.name:30}{timing.compile_seconds:>8.1f} s{timing.step_milliseconds:>9.1f} ms"
            f"{timing.loss:>14.6f}"
        )
    for other in (pairwise, by_gpjax):
        _print(
            f"20 tasks in one batch against {other.name}: "
            f"{other.step_milliseconds / batched.step_milliseconds:.1f} times faster a step, "
            f"{other.compile_seconds / batched.compile_seconds:.1f} times faster to compile"
        )


def _print_run(steps: int) -> None:
    run = time_run(jr.key(0), synthetic_tasks(np.random.default_rng(1), 30, 1_000, 7), steps)
    _print(
        f"\n{run.steps} Adam steps: 30 tasks x 1,000 points x 7 dimensions, 50 points a step, "
        f"(32, 32) features, one core\n"
        f"{run.seconds:.1f} s in all: {run.compile_seconds:.1f} s to compile, "
        f"{run.step_milliseconds:.2f} ms a step"
    )


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _time(
    name: str,
    loss: Callable[[GaussianProcessPrior], Array],
    prior: GaussianProcessPrior,
    repeats: int,
) -> Timing:
    """Compile, then time each step by itself."""
    step = eqx.filter_jit(eqx.filter_value_and_grad(loss))
    begun = time.perf_counter()
    value, _ = jax.block_until_ready(step(prior))  # type: ignore[no-untyped-call]
    compiled = time.perf_counter() - begun
    seconds = []
    for _ in range(repeats):
        begun = time.perf_counter()
        jax.block_until_ready(step(prior))  # type: ignore[no-untyped-call]
        seconds.append(time.perf_counter() - begun)
    return Timing(name, compiled, 1e3 * float(np.median(seconds)), float(value))


if __name__ == "__main__":
    main(sys.argv[1:])
