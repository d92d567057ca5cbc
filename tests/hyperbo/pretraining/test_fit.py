"""The training loop: what it finds, when it stops, what it keeps, how often it compiles."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import paramax
import pytest
from gpjax.parameters import PositiveReal
from jax.flatten_util import ravel_pytree

from hyperbo.errors import CheckpointError, NumericalError, PriorError
from hyperbo.pretraining import (
    LBFGS,
    Adam,
    ConstantRate,
    CosineDecay,
    LikelihoodObjective,
    Method,
    Progress,
    Stop,
    fit,
)
from hyperbo.surrogates.presets import matern_prior
from hyperbo.tasks import TaskBatch

DrawBatch = Callable[[int, int, int], TaskBatch]


class Point(eqx.Module):
    """A model that is nothing but a place."""

    place: jax.Array


class Noisy(eqx.Module):
    """Half the squared distance to a target that every minibatch puts elsewhere."""

    target: jax.Array
    stddev: float = 0.0

    def __call__(self, prior: Point, key: jax.Array) -> jax.Array:
        """The loss on the minibatch of `key`."""
        target = self.target + self.stddev * jr.normal(key, self.target.shape)
        return 0.5 * jnp.sum(jnp.square(prior.place - target))


class Cliff(eqx.Module):
    """A slope that ends: log of the place, NaN below zero."""

    def __call__(self, prior: Point, key: jax.Array) -> jax.Array:  # noqa: ARG002
        """The loss."""
        return jnp.sum(jnp.log(prior.place))


ORIGIN = Point(jnp.zeros(2))
CONSTANT = ConstantRate(0.1)


def test_adam_recovers_the_parameters(draw_batch: DrawBatch, key: jax.Array) -> None:
    """From 60 tasks in minibatches of 12 of 25 points, it finds what they were drawn from."""
    objective = LikelihoodObjective(draw_batch(0, 60, 25), 12)
    method = Adam(1_500, CosineDecay(peak=0.03))
    fitted = fit(key, matern_prior(2), objective, method=method)
    learned: Any = fitted.prior
    np.testing.assert_allclose(learned.kernel.lengthscale.unwrap(), [0.3, 0.8], rtol=0.15)
    np.testing.assert_allclose(learned.kernel.variance.unwrap(), 1.5, rtol=0.2)
    np.testing.assert_allclose(learned.noise_variance, 0.02, rtol=0.3)
    assert fitted.losses[-100:].mean() < fitted.losses[:10].mean()
    assert fitted.losses.size == 1_501
    assert fitted.stopped_because is Stop.FINISHED


def test_losses_are_those_of_the_reported_steps(key: jax.Array) -> None:
    """Element `i` is the loss after `i` steps: on a parabola at rate 0.1, by Adam's rule."""
    fitted = fit(key, ORIGIN, Noisy(jnp.ones(2)), method=Adam(3, CONSTANT))
    assert fitted.steps == 3
    assert fitted.losses[0] == 1.0
    last = 0.5 * np.sum((np.asarray(fitted.prior.place) - 1.0) ** 2)
    np.testing.assert_allclose(fitted.losses[3], last, rtol=1e-12)


@pytest.mark.parametrize("method", [Adam(7, CONSTANT), LBFGS(7)], ids=["adam", "lbfgs"])
def test_compiles_once(key: jax.Array, caplog: pytest.LogCaptureFixture, method: Method) -> None:
    """Four chunks, the last one short, and a second run on other data: one program."""
    with jax.log_compiles(), caplog.at_level(logging.WARNING, "jax"):
        for target in (1.0, 2.0):
            objective = Noisy(jnp.full(3, target), 0.5)
            fit(key, Point(jnp.zeros(3)), objective, method=method, chunk=2)
    compiled = [r for r in caplog.messages if "XLA compilation of jit(_advance)" in r]
    assert len(compiled) == 1


def test_chunks_do_not_change_the_course(key: jax.Array) -> None:
    """The same run in one chunk or in many ends at the same numbers."""
    objective = Noisy(jnp.ones(2), 1.0)
    one = fit(key, ORIGIN, objective, method=Adam(20, CONSTANT), chunk=100)
    many = fit(key, ORIGIN, objective, method=Adam(20, CONSTANT), chunk=3)
    np.testing.assert_array_equal(one.losses, many.losses)
    np.testing.assert_array_equal(one.prior.place, many.prior.place)


def test_keeps_the_best_on_held_out_tasks(key: jax.Array) -> None:
    """Training walks past the held-out optimum; it stops soon, and the best is what it yields."""
    fitted = fit(
        key,
        ORIGIN,
        Noisy(jnp.full(2, 3.0)),
        method=Adam(1_000, CONSTANT),
        validation=Noisy(jnp.ones(2)),
        patience=4,
        chunk=2,
    )
    best = int(np.argmin(fitted.validation_losses))
    assert fitted.stopped_because is Stop.VALIDATION
    assert fitted.validation_losses.size == best + 5
    assert fitted.validation_losses[0] == 1.0
    np.testing.assert_allclose(fitted.prior.place, 1.0, atol=0.1)
    held_out = Noisy(jnp.ones(2))(fitted.prior, key)
    np.testing.assert_allclose(held_out, fitted.validation_losses[best], rtol=1e-12)


def test_keeps_the_last_finite_parameters(key: jax.Array) -> None:
    """Where the loss turns NaN, the parameters just before are kept, and the reason is told."""
    fitted = fit(key, Point(jnp.asarray([1.0])), Cliff(), method=Adam(100, ConstantRate(0.3)))
    assert fitted.stopped_because is Stop.NOT_FINITE
    assert 0.0 < fitted.prior.place[0] < 0.3
    assert fitted.losses.size == fitted.steps + 1 == 4
    np.testing.assert_allclose(fitted.losses[-1], np.log(fitted.prior.place[0]), rtol=1e-12)


def test_lbfgs_survives_a_cliff(key: jax.Array) -> None:
    """A line search that looks over the edge comes back with finite parameters."""
    fitted = fit(key, Point(jnp.asarray([1.0])), Cliff(), method=LBFGS(30))
    assert np.isfinite(fitted.prior.place).all()
    assert np.isfinite(fitted.losses).all()


def test_refuses_a_start_that_is_not_finite(key: jax.Array) -> None:
    """NaN at the very first loss, trained or held out, leaves nothing to return to."""
    over = Point(jnp.asarray([-1.0]))
    with pytest.raises(NumericalError, match="training loss"):
        fit(key, over, Cliff(), method=Adam(3))
    with pytest.raises(NumericalError, match="held-out loss"):
        fit(key, over, Noisy(jnp.ones(1)), method=Adam(3), validation=Cliff())


def test_non_trainable_parts_stay(draw_batch: DrawBatch, key: jax.Array) -> None:
    """What is wrapped as non-trainable keeps its bits while the rest learns."""
    prior = matern_prior(2)
    noise = paramax.non_trainable(PositiveReal(jnp.asarray(0.5)))
    frozen = eqx.tree_at(lambda p: p.noise, prior, noise)
    objective = LikelihoodObjective(draw_batch(1, 5, 8))
    learned = fit(key, frozen, objective, method=Adam(5, CONSTANT)).prior
    assert learned.noise_variance == frozen.noise_variance
    assert (learned.kernel.lengthscale.unwrap() != prior.kernel.lengthscale.unwrap()).all()


def test_only_the_picked_parts_learn(draw_batch: DrawBatch, key: jax.Array) -> None:
    """With `trainable`, all else keeps its bits."""
    prior = matern_prior(2)
    objective = LikelihoodObjective(draw_batch(1, 5, 8))
    learned = fit(
        key, prior, objective, method=Adam(5, CONSTANT), trainable=lambda p: (p.noise,)
    ).prior
    restored = eqx.tree_at(lambda p: p.noise, learned, prior.noise)
    before, after = (ravel_pytree(eqx.filter(p, eqx.is_array))[0] for p in (prior, restored))
    np.testing.assert_array_equal(before, after)
    assert learned.noise_variance != prior.noise_variance


def test_refuses_a_prior_with_nothing_to_learn(key: jax.Array) -> None:
    """All parts frozen is a mistake, and is told."""
    with pytest.raises(PriorError, match="Nothing in the prior learns"):
        fit(key, paramax.non_trainable(ORIGIN), Noisy(jnp.ones(2)))


def test_reports_progress(key: jax.Array) -> None:
    """After each chunk: steps so far, the mean loss since, the held-out loss."""
    seen: list[Progress] = []
    fitted = fit(
        key,
        ORIGIN,
        Noisy(jnp.ones(2)),
        method=Adam(9, CONSTANT),
        validation=Noisy(jnp.ones(2)),
        chunk=4,
        on_progress=seen.append,
    )
    assert [progress.step for progress in seen] == [3, 7, 9]
    assert {progress.steps for progress in seen} == {9}
    np.testing.assert_allclose(seen[1].loss, fitted.losses[4:8].mean(), rtol=1e-12)
    assert [progress.validation_loss for progress in seen] == fitted.validation_losses[1:].tolist()


class Interrupted(Exception):  # noqa: N818
    """Stands for a killed process."""


def interrupt_after(chunks: int) -> Callable[[Progress], None]:
    """A progress callback that does not come back from its last call."""
    calls: list[Progress] = []

    def report(progress: Progress) -> None:
        calls.append(progress)
        if len(calls) == chunks:
            raise Interrupted

    return report


@pytest.mark.parametrize("method", [Adam(30, CONSTANT), LBFGS(6)], ids=["adam", "lbfgs"])
def test_resumes_exactly(
    draw_batch: DrawBatch, key: jax.Array, tmp_path: Path, method: Method
) -> None:
    """Interrupted and called again, a run ends bit for bit as the one that was not."""
    prior, path = matern_prior(2), tmp_path / "run" / "checkpoint"
    settings: dict[str, Any] = {
        "method": method,
        "validation": LikelihoodObjective(draw_batch(2, 3, 10), 5),
        "chunk": 2,
    }
    objective = LikelihoodObjective(draw_batch(3, 6, 10), 5)
    whole = fit(key, prior, objective, **settings)

    with pytest.raises(Interrupted):
        fit(
            key,
            prior,
            objective,
            **settings,
            checkpoint=path,
            checkpoint_seconds=0.0,
            on_progress=interrupt_after(2),
        )
    resumed = fit(key, prior, objective, **settings, checkpoint=path)

    np.testing.assert_array_equal(whole.losses, resumed.losses)
    np.testing.assert_array_equal(whole.validation_losses, resumed.validation_losses)
    for one, other in zip(
        jax.tree.leaves(whole.prior), jax.tree.leaves(resumed.prior), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    assert whole.stopped_because is resumed.stopped_because


def test_a_finished_run_is_not_repeated(key: jax.Array, tmp_path: Path) -> None:
    """Called again with its last checkpoint, a run gives its result without a single step."""
    path, objective = tmp_path / "checkpoint", Noisy(jnp.ones(2), 0.3)
    first = fit(key, ORIGIN, objective, method=Adam(5, CONSTANT), checkpoint=path)
    again = fit(
        key,
        ORIGIN,
        objective,
        method=Adam(5, CONSTANT),
        checkpoint=path,
        on_progress=interrupt_after(1),
    )
    np.testing.assert_array_equal(first.prior.place, again.prior.place)
    np.testing.assert_array_equal(first.losses, again.losses)
    assert again.stopped_because is Stop.FINISHED


def test_refuses_another_runs_checkpoint(key: jax.Array, tmp_path: Path) -> None:
    """Other data, another key, prior or method: going on would mix two runs."""
    path, objective = tmp_path / "checkpoint", Noisy(jnp.ones(2))
    method = Adam(3, CONSTANT)
    fit(key, ORIGIN, objective, method=method, checkpoint=path)
    others = [
        (jr.key(9), ORIGIN, objective, method),
        (key, Point(jnp.ones(2)), objective, method),
        (key, ORIGIN, Noisy(jnp.full(2, 1.5)), method),
        (key, ORIGIN, objective, Adam(4, CONSTANT)),
    ]
    for other_key, prior, other, other_method in others:
        with pytest.raises(CheckpointError, match="another prior, data, key or settings"):
            fit(other_key, prior, other, method=other_method, checkpoint=path)
