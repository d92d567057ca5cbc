"""Live tuning: what a study is told of real training runs."""

from collections.abc import Callable
from typing import Any

import pytest

from hyperbo_datasets.collect.optimizers import Nesterov
from hyperbo_datasets.collect.train import Evaluation, Trainer
from hyperbo_service.client import Client, MockTransport, Study
from hyperbo_service.offline.live import Ended, tune
from tests.datasets.collect.tiny import STEPS, configuration, middle

CALM = [configuration(rate=rate) for rate in (0.1, 0.3, 0.01)]
Open = Callable[[MockTransport], Study]


@pytest.fixture
def opened() -> Open:
    """Opens a study of the workload on a service in memory."""

    def open_study(transport: MockTransport) -> Study:
        client = Client(transport=transport)
        return client.study("live", space=Nesterov().space, metric="error", goal="minimize")

    return open_study


def curves(count: int) -> list[list[Evaluation]]:
    """What training the configurations finds."""
    trainer = Trainer(middle(), Nesterov())
    return [[row[0] for row in trainer.train([each])] for each in CALM[:count]]


def strip(curve: list[Evaluation]) -> list[tuple[int, float]]:
    """Steps and errors."""
    return [(each.step, each.error_rate) for each in curve]


def test_every_evaluation_is_reported(opened: Open) -> None:
    """A trial's curve is its run's, its result the last error, in the order of the suggestions."""
    study, heard = opened(MockTransport(CALM)), []

    ended = list(
        tune(
            study,
            Trainer(middle(), Nesterov()),
            3,
            report=lambda number, each: heard.append((number, each)),
        )
    )

    expected = [strip(curve) for curve in curves(3)]
    trials = list(study.history(measurements=True))
    assert [[(m.step, m.values["error"]) for m in t.measurements] for t in trials] == expected
    assert [t.values["error"] for t in trials] == [curve[-1][1] for curve in expected]
    assert [(each.number, each.error_rate, each.steps) for each in ended] == [
        (place + 1, curve[-1][1], STEPS) for place, curve in enumerate(expected)
    ]
    assert [each.parameters for each in ended] == CALM
    assert [number for number, _ in heard] == [1] * 10 + [2] * 10 + [3] * 10


def test_divergence_is_infeasible(opened: Open) -> None:
    """The trial says at which step; the next one is trained all the same."""
    study = opened(MockTransport(CALM[:2]))

    ended = list(tune(study, Trainer(middle(steepness=float("nan")), Nesterov()), 2))

    trials = list(study.history())
    assert [trial.state for trial in trials] == ["infeasible"] * 2
    assert {trial.reason for trial in trials} == {"diverged at step 1"}
    assert [(each.error_rate, each.steps) for each in ended] == [(None, 1)] * 2


def test_advice_to_stop_is_taken(opened: Open) -> None:
    """A run that is advised to stop ends there, and its last error is the trial's result."""
    study = opened(MockTransport(CALM[:1], should_stop=lambda t: t.measurement_count >= 4))

    (ended,) = tune(study, Trainer(middle(), Nesterov()), 1)

    ((_, step), error) = (("", 8), strip(curves(1)[0])[3][1])
    assert (ended.steps, ended.error_rate) == (step, error)
    (trial,) = study.history()
    assert (trial.state, trial.values["error"]) == ("completed", error)


def test_a_trial_that_is_anothers_is_given_up(opened: Open) -> None:
    """Where the lease was lost the run is dropped, and the next trial is trained."""
    transport = MockTransport(CALM[:2])
    study = opened(transport)

    def take_over(number: int, found: Evaluation) -> None:
        if (number, found.step) == (1, 6):
            transport.advance(1e7)
            taken.append(opened(transport).ask().number)

    taken: list[int] = []
    ended: list[Ended] = list(tune(study, Trainer(middle(), Nesterov()), 2, report=take_over))

    assert taken == [1]
    assert [each.number for each in ended] == [2]


def test_seed_decides_the_run(opened: Open) -> None:
    """Equal seeds train equal runs; another seed another."""
    found: dict[Any, Any] = {}
    for run, seed in (("first", 0), ("again", 0), ("other", 1)):
        (ended,) = tune(opened(MockTransport(CALM[:1])), Trainer(middle(), Nesterov(), seed), 1)
        found[run] = ended.error_rate

    assert found["first"] == found["again"] != found["other"]
