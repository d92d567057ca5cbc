"""The training loop, on a bowl whose every step can be done by hand."""

import math
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

from hyperbo.space import Value
from hyperbo_datasets.collect import train
from hyperbo_datasets.collect.optimizers import OPTIMIZERS, Chosen, Nesterov
from hyperbo_datasets.collect.train import Evaluation, Trainer
from hyperbo_datasets.errors import CollectError
from tests.datasets.collect.tiny import (
    FACTOR,
    MOMENTUM,
    POWER,
    RATE,
    STEPS,
    TRACED,
    Middle,
    Point,
    configuration,
    middle,
)

CALM = [configuration(rate=rate) for rate in (0.01, 0.1, 0.3)]
LARGEST = float(np.finfo(np.float32).max)
WILD = configuration(rate=10.0, factor=0.99, power=0.1, momentum=0.0)


def errors(found: Sequence[Sequence[Evaluation]]) -> np.ndarray:
    """Error rates by evaluation and configuration."""
    return np.array([[each.error_rate for each in row] for row in found])


@pytest.fixture(scope="module")
def alone() -> Trainer:
    """Trains one configuration at a time."""
    return Trainer(middle(), Nesterov())


@pytest.fixture(scope="module")
def abreast() -> Trainer:
    """Trains four at a time."""
    return Trainer(middle(), Nesterov(), width=4)


@pytest.mark.parametrize("width", [1, 3])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
def test_one_program_trains_all(width: int, optimizer: Nesterov) -> None:
    """The loss is traced when the trainer is made and never again, whatever is trained."""
    TRACED.clear()
    trainer = Trainer(middle(), optimizer, width=width)
    traced = len(TRACED)
    quantiles = np.random.default_rng(0).random((2, width, len(optimizer.space.tuned_names)))

    for each in quantiles:
        list(trainer.train(optimizer.space.decode(optimizer.space.at_quantiles(each))))

    assert len(TRACED) == traced == 1


def test_many_at_once_are_as_many_alone(alone: Trainer, abreast: Trainer) -> None:
    """Side by side, curves differ by rounding only; a short block is no exception."""
    expected = np.concatenate([errors(list(alone.train([each]))) for each in CALM], axis=1)

    found = errors(list(abreast.train(CALM)))

    assert found.shape == (10, 3)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


def by_hand(workload: Middle, values: Mapping[str, Value], seed: int) -> list[float]:
    """Every step's loss, in float64."""
    rate, power, factor, momentum = (
        float(values[name]) for name in (RATE, POWER, FACTOR, MOMENTUM)
    )
    place = np.asarray(workload.init(jax.random.key(seed)).place, np.float64)
    points, trace, losses = np.asarray(workload.training, np.float64), np.zeros(2), []
    for step, rows in enumerate(workload.batches(np.random.default_rng(seed))):
        with np.errstate(over="ignore", invalid="ignore"):
            away = place - points[rows]
            losses.append(0.5 * float(np.square(away).sum(axis=1).mean()))
            slope = away.mean(axis=0)
            done = min(step / (factor * workload.steps), 1.0)
            now = rate / 1000 + (rate - rate / 1000) * (1.0 - done) ** power
            trace = slope + momentum * trace
            place = place - now * (slope + momentum * trace)
    return [*losses, *place]


def test_last_error_is_that_of_the_steps_by_hand(alone: Trainer) -> None:
    """The run ends where NumPy's ends, with the same start, batches and schedule."""
    values = configuration(rate=0.2, power=1.5, momentum=0.8)
    *_, last = alone.train([values])

    workload = middle()
    place = np.array(by_hand(workload, values, 0)[-2:])
    target = np.asarray(workload.validation).mean(axis=0)
    expected = 1.0 - math.exp(-float(np.square(place - target).sum()))
    assert last[0].step == STEPS
    assert last[0].error_rate == pytest.approx(expected, rel=1e-4)


def test_divergence_has_its_step() -> None:
    """The first loss beyond float32 is the step at which the run diverged, and it ends there."""
    workload = middle(steps=60)
    losses = by_hand(workload, WILD, 0)[:-2]
    expected = 1 + next(step for step, loss in enumerate(losses) if loss > LARGEST)

    found = [row[0] for row in Trainer(workload, Nesterov()).train([WILD])]

    assert 6 < expected < 60
    assert [each.diverged_at for each in found] == [None] * ((expected - 1) // 6) + [expected]
    assert math.isnan(found[-1].error_rate)
    assert all(0.0 <= each.error_rate <= 1.0 for each in found[:-1])


class Spoiled(Middle):
    """A loss that is finite, and whose slope is not."""

    def loss(self, model: Point, batch: Float[Array, "B D"]) -> Float[Array, ""]:
        """The root of zero has no slope."""
        return super().loss(model, batch) + jnp.sqrt(0.0 * jnp.sum(model.place))


@pytest.mark.parametrize("width", [1, 2])
def test_a_model_that_the_last_step_spoiled_has_diverged(width: int) -> None:
    """Though no loss was infinite: there is none after the last step."""
    whole = middle(steps=1)
    spoiled = Spoiled(whole.name, whole.steps, whole.training, whole.validation)

    (found,) = Trainer(spoiled, Nesterov(), width=width, evaluations=1).train(CALM[:width])

    assert [each.diverged_at for each in found] == [1] * width
    assert all(math.isnan(each.error_rate) for each in found)


def test_one_that_diverges_stops_no_other(alone: Trainer, abreast: Trainer) -> None:
    """Its neighbours go on to the end, and their curves are the same as without it."""
    worst = configuration(rate=10.0, factor=0.99, power=0.1, momentum=0.999)
    assert next(iter(alone.train([CALM[0]])))[0].diverged_at is None

    found = list(abreast.train([worst, *CALM]))
    without = errors(list(abreast.train(CALM)))

    np.testing.assert_array_equal(errors(found)[:, 1:], without)
    steps = [row[0].diverged_at for row in found]
    first = next(place for place, step in enumerate(steps) if step is not None)
    assert set(steps[first:]) == {steps[first]}
    assert np.isnan(errors(found)[first:, 0]).all()
    assert np.isfinite(errors(found)[:first, 0]).all()


def test_all_that_diverge_end_early() -> None:
    """Nothing is trained once no run is left."""
    trainer = Trainer(middle(steepness=float("nan")), Nesterov(), width=2)

    found = list(trainer.train(CALM[:2]))

    assert [[each.diverged_at for each in row] for row in found] == [[1, 1]]


def test_seed_decides_all(alone: Trainer) -> None:
    """Equal seeds give equal curves, bit by bit; another seed another start and other batches."""
    again, other = (Trainer(middle(), Nesterov(), seed) for seed in (0, 1))
    curves = [errors(list(each.train([CALM[1]]))) for each in (alone, again, other)]

    np.testing.assert_array_equal(curves[0], curves[1])
    assert (curves[0] != curves[2]).all()


def test_neighbours_leave_a_run_alone(abreast: Trainer) -> None:
    """A configuration's curve does not depend on its place, or on what is trained beside it."""
    forwards, backwards = (errors(list(abreast.train(each))) for each in (CALM, CALM[::-1]))

    np.testing.assert_array_equal(forwards, backwards[:, ::-1])


def test_both_float_settings_agree(alone: Trainer) -> None:
    """A process whose default is float64 trains the same curves as one with float32."""
    assert jax.config.jax_enable_x64  # type: ignore[attr-defined]
    with jax.enable_x64(False):
        single = errors(list(Trainer(middle(), Nesterov()).train([CALM[1]])))

    np.testing.assert_array_equal(errors(list(alone.train([CALM[1]]))), single)


def test_chosen_optimizer_trains_as_itself(alone: Trainer) -> None:
    """The conditional space changes nothing for what was chosen."""
    trainer = Trainer(middle(), Chosen())
    chosen = errors(list(trainer.train([{"optimizer": "nesterov", **CALM[1]}])))

    np.testing.assert_allclose(chosen, errors(list(alone.train([CALM[1]]))), rtol=1e-6)


def test_clock_is_read_when_results_are_there(
    abreast: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An evaluation's seconds include its own steps, and are shared out among the runs."""
    clock = [100.0]
    wait = jax.block_until_ready

    def ready(results: object) -> object:
        clock[0] += 6.0
        return wait(results)

    monkeypatch.setattr(train.jax, "block_until_ready", ready)
    monkeypatch.setattr(train.time, "perf_counter", lambda: clock[0])

    seconds = [row[0].seconds for row in abreast.train(CALM)]
    measured = abreast.time_evaluation(CALM)

    assert seconds == [2.0 * number for number in range(1, 11)]
    assert measured == 2.0


def test_time_is_taken_of_a_run_that_diverged() -> None:
    """How fast a workload trains can be measured by a run that diverges at once."""
    trainer = Trainer(middle(steepness=float("nan")), Nesterov(), evaluations=1)

    assert trainer.time_evaluation([CALM[0]]) > 0.0


@pytest.mark.parametrize(("width", "evaluations"), [(0, 10), (-1, 10), (1, 0), (1, 3), (1, 40)])
def test_impossible_trainers_are_refused(width: int, evaluations: int) -> None:
    """Nothing at once, or evaluations between two steps."""
    with pytest.raises(CollectError, match="in 20 steps; wanted positive numbers, the steps a mul"):
        Trainer(middle(), Nesterov(), width=width, evaluations=evaluations)


@pytest.mark.parametrize("count", [0, 5])
def test_too_many_or_none_are_refused(abreast: Trainer, count: int) -> None:
    """A block has at least one configuration and at most the width."""
    with pytest.raises(CollectError, match=f"Got {count} configurations; wanted 1 to 4"):
        next(iter(abreast.train([CALM[0]] * count)))
    with pytest.raises(CollectError, match=f"Got {count} configurations"):
        abreast.time_evaluation([CALM[0]] * count)
