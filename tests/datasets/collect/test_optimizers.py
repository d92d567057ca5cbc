"""Optimisers as search spaces: their steps are Optax's, their schedules closed forms."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.flatten_util import ravel_pytree

from hyperbo.space import FloatParameter, Log, ReverseLog, Value
from hyperbo_datasets.collect.optimizers import (
    OPTIMIZERS,
    AdamW,
    Chosen,
    Nesterov,
    Optimizer,
    polynomial_decay,
    warmup_then_linear,
)
from tests.datasets.collect.tiny import configuration

STEPS = 50
START = {"weight": np.array([1.0, -2.0, 0.5], np.float32), "bias": np.float32(0.25)}
ADAMW: dict[str, Value] = {
    "adamw.learning_rate": 0.03,
    "adamw.beta1": 0.7,
    "adamw.beta2": 0.95,
    "adamw.weight_decay": 0.1,
    "adamw.warmup_factor": 0.2,
}


def gradient(parameters: optax.Params) -> optax.Updates:
    """Of a crooked bowl."""
    slopes: optax.Updates = jax.grad(
        lambda p: jnp.sum(jnp.square(p["weight"]) * jnp.array([3.0, 1.0, 0.2])) + jnp.cos(p["bias"])
    )(parameters)
    return slopes


def course(transformation: optax.GradientTransformation, steps: int = STEPS) -> np.ndarray:
    """The parameters after each step from one start."""

    def step(carry: Any, _: None) -> tuple[Any, jax.Array]:
        parameters, state = carry
        updates, state = transformation.update(gradient(parameters), state, parameters)
        parameters = optax.apply_updates(parameters, updates)
        return (parameters, state), ravel_pytree(parameters)[0]

    parameters: optax.Params = jax.tree.map(jnp.asarray, START)
    return np.asarray(
        jax.lax.scan(step, (parameters, transformation.init(parameters)), length=steps)[1]
    )


def traced(optimizer: Optimizer, values: Mapping[str, Value]) -> optax.GradientTransformation:
    """The optimiser with these hyperparameters, as a training run makes it."""
    inputs = {name: jnp.asarray(each[0]) for name, each in optimizer.numbers([values]).items()}
    return optimizer.transformation(inputs, STEPS)


@pytest.mark.parametrize("power", [0.1, 1.0, 2.0])
@pytest.mark.parametrize("factor", [0.01, 0.3, 0.99])
def test_schedule_is_pd1s(power: float, factor: float) -> None:
    """Polynomial decay to a thousandth of the first rate, which is held once the decay is over."""
    rate, steps = 0.3, 200
    schedule = polynomial_decay(jnp.float32(rate), jnp.float32(power), jnp.float32(factor * steps))

    count = np.arange(steps)
    done = np.minimum(count, factor * steps) / (factor * steps)
    expected = rate / 1000 + (rate - rate / 1000) * (1 - done) ** power
    np.testing.assert_allclose(schedule(jnp.asarray(count)), expected, rtol=2e-4, atol=1e-7)
    assert float(schedule(jnp.int32(steps))) == pytest.approx(rate / 1000, rel=1e-6)


def test_schedule_begins_at_the_initial_value() -> None:
    """The first step has the whole learning rate."""
    schedule = polynomial_decay(jnp.float32(0.7), jnp.float32(1.3), jnp.float32(9.0))

    assert float(schedule(jnp.int32(0))) == pytest.approx(0.7, rel=1e-6)


def test_nesterov_is_optax_sgd() -> None:
    """Given the schedule in numbers of its own, Optax's Nesterov momentum takes the same steps."""
    values = configuration(rate=0.1, power=1.5, factor=0.4, momentum=0.8)

    def schedule(count: jax.Array) -> jax.Array:
        return 1e-4 + (0.1 - 1e-4) * (1.0 - jnp.minimum(count / 20.0, 1.0)) ** 1.5

    expected = course(optax.sgd(schedule, momentum=0.8, nesterov=True))

    np.testing.assert_allclose(course(traced(Nesterov(), values)), expected, rtol=1e-4, atol=1e-6)


def test_nesterov_by_hand() -> None:
    """Two steps at a constant rate: trace m = g + mu m, step -(g + mu m)."""
    values = configuration(rate=0.05, power=0.1, factor=0.99, momentum=0.9)
    place = np.asarray(ravel_pytree(START)[0], np.float64)
    trace = np.zeros_like(place)
    expected = []
    for count in range(2):
        tree = {"bias": jnp.float32(place[0]), "weight": jnp.asarray(place[1:], jnp.float32)}
        slope = np.asarray(ravel_pytree(gradient(tree))[0], np.float64)
        rate = 5e-5 + (0.05 - 5e-5) * (1 - count / 49.5) ** 0.1
        trace = slope + 0.9 * trace
        place = place - rate * (slope + 0.9 * trace)
        expected.append(place)

    np.testing.assert_allclose(course(traced(Nesterov(), values), 2), expected, rtol=1e-5)


def test_adamw_is_optax_adamw() -> None:
    """Given the schedule in numbers of its own, Optax's AdamW takes the same steps."""

    def schedule(count: jax.Array) -> jax.Array:
        return 0.03 * jnp.minimum((count + 1) / 10.0, (50.0 - count) / 41.0)

    expected = course(optax.adamw(schedule, b1=0.7, b2=0.95, weight_decay=0.1))

    np.testing.assert_allclose(course(traced(AdamW(), ADAMW)), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("factor", [0.0, 0.1, 0.5])
def test_warmup_rises_to_the_peak_and_falls_to_zero(factor: float) -> None:
    """Every step moves; the peak is reached as the warm-up ends; the rate is never above it."""
    schedule = warmup_then_linear(jnp.float32(2.0), jnp.float32(factor * 100), 100)
    rates = np.asarray(schedule(jnp.arange(100)))

    assert (rates > 0).all()
    # Without a warm-up the first of the hundred and one parts of the way down is taken at once.
    assert rates.max() == pytest.approx(2.0 if factor else 2.0 * 100 / 101, rel=1e-5)
    assert int(rates.argmax()) == max(int(factor * 100) - 1, 0)
    np.testing.assert_allclose(np.diff(rates, 2)[int(factor * 100) :], 0.0, atol=1e-5)
    assert rates[-1] == pytest.approx(2.0 / (101 - max(factor * 100, 0)), rel=1e-3)


@pytest.mark.parametrize(
    ("optimizer", "values"),
    [(Nesterov(), configuration()), (AdamW(), ADAMW)],
    ids=["nesterov", "adamw"],
)
def test_the_chosen_one_takes_its_own_steps(
    optimizer: Optimizer, values: Mapping[str, Value]
) -> None:
    """The conditional optimiser equals, bit by bit, the one that was chosen."""
    chosen = traced(Chosen(), {"optimizer": optimizer.name, **values})

    np.testing.assert_array_equal(course(chosen), course(traced(optimizer, values)))


def test_what_was_not_chosen_may_break_down() -> None:
    """Infinite steps of the other optimiser reach no parameter of the chosen one's."""
    inputs = {name: jnp.asarray(v[0]) for name, v in AdamW().numbers([ADAMW]).items()}
    wild = {name: jnp.float32(np.inf) for name in Nesterov().space.names}
    chosen = Chosen().transformation({**inputs, **wild, "optimizer": jnp.float32(1.0)}, STEPS)

    assert np.isfinite(course(chosen, 5)).all()


def test_parameters_are_pd1s() -> None:
    """The four of the paper's table, its bounds, and its logarithms: a prior serves both."""
    expected = (
        FloatParameter("hps.lr_hparams.decay_steps_factor", 0.01, 0.99),
        FloatParameter("hps.lr_hparams.initial_value", 1e-5, 10.0, Log()),
        FloatParameter("hps.lr_hparams.power", 0.1, 2.0),
        FloatParameter("hps.opt_hparams.momentum", 0.0, 0.999, ReverseLog()),
    )

    assert Nesterov().space.parameters == expected


def test_conditional_space_has_both() -> None:
    """Six or five parameters take part: the choice, and those of the chosen one."""
    space = Chosen().space

    space.check({"optimizer": "nesterov", **configuration()})
    space.check({"optimizer": "adamw", **ADAMW})
    assert set(space.names) == {"optimizer", *Nesterov().space.names, *AdamW().space.names}


def test_inputs_are_float32() -> None:
    """A configuration is one number an input; what takes no part has a harmless one."""
    both = [{"optimizer": "nesterov", **configuration()}, {"optimizer": "adamw", **ADAMW}]
    numbers = Chosen().numbers(both)

    assert {each.dtype for each in numbers.values()} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(numbers["optimizer"], [0.0, 1.0])
    np.testing.assert_array_equal(numbers["adamw.beta1"], np.float32([0.5, 0.7]))


def test_names_are_the_command_lines() -> None:
    """Every optimiser is found by its own name."""
    assert {name: each.name for name, each in OPTIMIZERS.items()} == {
        name: name for name in ("nesterov", "adamw", "chosen")
    }
