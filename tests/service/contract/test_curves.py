"""Learning curves: what a runner measures, and what it finds of the runner before."""

import math
from dataclasses import replace
from typing import Any

import pytest

from hyperbo.tasks import LARGEST_VALUE
from hyperbo_service.domain import MOST_MEASUREMENTS
from hyperbo_service.errors import (
    InvalidArgumentError,
    ServiceError,
    StepOrderError,
    TooLargeError,
)
from hyperbo_service.resources import StudyName
from hyperbo_service.rpc.v1 import trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from hyperbo_service.storage import Writer
from tests.service.contract.services import METRIC, Service, Studied, curve, metric_value


def _steps(study: Studied, trial: trial_pb2.Trial) -> dict[int, float]:
    return {point.step: point.values[0].value for point in study.trial(trial.name).measurements}


def test_a_curve_is_read_as_it_was_reported(service: Service) -> None:
    """Values, standard errors, seconds and cost come back to the last digit."""
    study = service.create()
    trial = study.leased()
    point = trial_pb2.Measurement(
        step=3,
        values=[metric_value(0.1 + 0.2, stderr=1e-300)],
        elapsed_seconds=1 / 3,
        cost=2.5,
    )

    answer = service.send(
        wire.ReportMeasurementRequest(name=trial.name, fencing_token=1, measurement=point)
    )

    (found,) = study.trial(trial.name).measurements
    assert answer.measurement_count == 1
    assert found.create_time.ToDatetime(service.clock().tzinfo) == service.clock()
    found.ClearField("create_time")
    assert found == point


def test_steps_increase(service: Service) -> None:
    """A step that is not after the last one is refused, and nothing is stored."""
    study = service.create()
    trial = study.leased()
    study.report(trial, 5, 0.5)
    rows = study.rows()

    for step in (5, 4, 0):
        with pytest.raises(StepOrderError) as refused:
            study.report(trial, step, 0.6)
        assert refused.value.field == "measurement.step"
    assert study.rows() == rows
    assert study.report(trial, 6, 0.6).measurement_count == 2


def test_the_first_point_of_a_later_runner_replaces_what_comes_after_it(service: Service) -> None:
    """A runner that resumes from a checkpoint goes on with the curve up to there."""
    study = service.create()
    old = study.leased()
    for step in (1, 2, 3, 4):
        study.report(old, step, step / 10)
    service.clock.pass_by(61.0)
    (new,) = study.ask(client_id="bob")
    assert _steps(study, new) == {1: 0.1, 2: 0.2, 3: 0.3, 4: 0.4}

    first = study.report(new, 3, 0.9)
    second = study.report(new, 4, 1.0)

    assert (first.measurement_count, second.measurement_count) == (3, 4)
    assert _steps(study, new) == {1: 0.1, 2: 0.2, 3: 0.9, 4: 1.0}


def test_a_later_runner_that_begins_anew_replaces_all(service: Service) -> None:
    """Its steps may be smaller than those of the runner before, but must increase."""
    study = service.create()
    old = study.leased()
    for step in (5, 6, 7):
        study.report(old, step, 0.5)
    service.clock.pass_by(61.0)
    (new,) = study.ask(client_id="bob")

    study.report(new, 0, 0.1)
    with pytest.raises(StepOrderError):
        study.report(new, 0, 0.1)
    study.report(new, 1, 0.2)

    assert _steps(study, new) == {0: 0.1, 1: 0.2}
    assert study.trial(new.name).measurement_count == 2


def test_the_same_client_back_again_is_a_later_runner(service: Service) -> None:
    """After its restart a client may begin its own trial from the first step on."""
    study = service.create()
    old = study.leased()
    study.report(old, 1, 0.5)
    study.report(old, 2, 0.5)
    (again,) = study.ask()

    study.report(again, 1, 0.7)

    assert _steps(study, again) == {1: 0.7}


def test_a_later_runner_may_go_beyond(service: Service) -> None:
    """A first step after all earlier ones replaces nothing."""
    study = service.create()
    old = study.leased()
    study.report(old, 1, 0.5)
    service.clock.pass_by(61.0)
    (new,) = study.ask(client_id="bob")

    assert study.report(new, 2, 0.6).measurement_count == 2
    assert _steps(study, new) == {1: 0.5, 2: 0.6}


def test_a_trial_is_completed_with_its_last_measurement(service: Service) -> None:
    """Without values, those of the last point count, standard error and cost included."""
    study = service.create()
    trial = study.leased()
    study.report(trial, 1, 0.9)
    point = trial_pb2.Measurement(step=2, values=[metric_value(0.7, stderr=0.1)], cost=4.0)
    service.send(wire.ReportMeasurementRequest(name=trial.name, fencing_token=1, measurement=point))

    done = study.complete(trial)

    assert list(done.values) == [metric_value(0.7, stderr=0.1)]
    assert done.cost == 4.0
    assert study.trial(trial.name).values == done.values


def test_a_trial_without_measurement_needs_values(service: Service) -> None:
    """Completing it without any is refused."""
    study = service.create()
    trial = study.leased()
    rows = study.rows()

    with pytest.raises(InvalidArgumentError) as refused:
        study.complete(trial)
    assert refused.value.field == "values"
    assert study.rows() == rows


WRONG_VALUES: dict[str, tuple[list[trial_pb2.MetricValue], str]] = {
    "NaN": ([metric_value(math.nan)], "value"),
    "infinite": ([metric_value(math.inf)], "value"),
    "minus infinite": ([metric_value(-math.inf)], "value"),
    "too large": ([metric_value(LARGEST_VALUE * 2)], "value"),
    "missing": ([], ""),
    "unknown": ([trial_pb2.MetricValue(metric="loss", value=0.5)], ""),
    "unknown besides": ([metric_value(0.5), trial_pb2.MetricValue(metric="loss")], ""),
    "nameless": ([trial_pb2.MetricValue(value=0.5)], ""),
    "in other case": ([trial_pb2.MetricValue(metric=METRIC.upper(), value=0.5)], ""),
    "twice": ([metric_value(0.5), metric_value(0.5)], ""),
    "negative stderr": ([metric_value(0.5, stderr=-1.0)], "stderr"),
    "NaN stderr": ([metric_value(0.5, stderr=math.nan)], "stderr"),
    "infinite stderr": ([metric_value(0.5, stderr=math.inf)], "stderr"),
}


@pytest.mark.parametrize(("values", "field"), WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_wrong_values_are_refused(
    service: Service, values: list[trial_pb2.MetricValue], field: str
) -> None:
    """Measured, final, made by hand or imported: never stored, and the field is named."""
    study = service.create()
    trial = study.leased()
    rows = study.rows()
    name, token = trial.name, trial.fencing_token
    done = trial_pb2.Trial(
        parameters=trial.parameters, state=trial_pb2.Trial.STATE_COMPLETED, values=values
    )
    measured = trial_pb2.Measurement(step=1, values=values)
    calls: dict[str, Any] = {
        "measurement.values": wire.ReportMeasurementRequest(
            name=name, fencing_token=token, measurement=measured
        ),
        "trial.values": wire.CreateTrialRequest(parent=study.name, trial=done),
        "trials[0].values": wire.ImportTrialsRequest(parent=study.name, trials=[done]),
    }
    if values:
        calls["values"] = wire.CompleteTrialRequest(name=name, fencing_token=token, values=values)

    for prefix, request in calls.items():
        with pytest.raises(InvalidArgumentError) as refused:
            service.send(request)
        assert refused.value.field == (f"{prefix}.{field}" if field else prefix)
    assert study.rows() == rows


@pytest.mark.parametrize("wrong", [-1.0, math.nan, math.inf])
def test_wrong_costs_and_times_are_refused(service: Service, wrong: float) -> None:
    """A cost or time that is negative or not finite is not stored."""
    study = service.create()
    trial = study.leased()
    rows = study.rows()

    for field in ("cost", "elapsed_seconds"):
        with pytest.raises(InvalidArgumentError) as refused:
            study.report(trial, 1, 0.5, **{field: wrong})
        assert refused.value.field == f"measurement.{field}"
    with pytest.raises(InvalidArgumentError) as refused:
        study.complete(trial, 0.5, cost=wrong)
    assert refused.value.field == "cost"
    assert study.rows() == rows


@pytest.mark.parametrize("step", [-1, -(2**63), 2**53 + 1, 2**63 - 1])
def test_a_step_has_bounds(service: Service, step: int) -> None:
    """Steps are counted from zero to what a float holds exactly."""
    study = service.create()
    trial = study.leased()
    rows = study.rows()

    with pytest.raises(InvalidArgumentError) as refused:
        study.report(trial, step, 0.5)
    assert refused.value.field == "measurement.step"
    assert study.rows() == rows


def test_a_noisy_value_is_accepted(service: Service) -> None:
    """Zero, like any other standard error, is kept apart from none at all."""
    study = service.create()
    for stderr in (None, 0.0, 0.25):
        trial = study.leased()
        service.send(
            wire.CompleteTrialRequest(
                name=trial.name, fencing_token=1, values=[metric_value(0.5, stderr)]
            )
        )
    found = service.send(wire.ListTrialsRequest(parent=study.name)).trials
    assert [each.values[0].HasField("stderr") for each in found] == [False, True, True]
    assert [each.values[0].stderr for each in found] == [0.0, 0.0, 0.25]


def test_imported_curves_must_increase(service: Service) -> None:
    """One wrong point refuses the whole import, and is named by its place."""
    study = service.create()
    good = study.finished(0.5)
    rows = study.rows()
    bad = trial_pb2.Trial(
        parameters=good.parameters,
        state=trial_pb2.Trial.STATE_FAILED,
        measurements=curve(0.1, 0.2, 0.3),
    )
    bad.measurements[2].step = 2

    with pytest.raises(InvalidArgumentError) as refused:
        service.send(wire.ImportTrialsRequest(parent=study.name, trials=[good, bad]))
    assert refused.value.field == "trials[1].measurements[2].step"
    assert study.rows() == rows


def test_a_curve_has_a_limit(service: Service) -> None:
    """The last point that is allowed is stored; one more is refused, whoever reports it."""
    study = service.create()
    trial = study.leased()
    study.report(trial, 1, 0.5)
    _pretend(study, MOST_MEASUREMENTS - 1)
    assert study.report(trial, 2, 0.5).measurement_count == MOST_MEASUREMENTS
    rows = study.rows()

    with pytest.raises(TooLargeError) as refused:
        study.report(trial, 3, 0.5)
    assert refused.value.field == "measurement"
    assert study.rows() == rows

    whole = curve(*[0.5] * (MOST_MEASUREMENTS + 1))
    with pytest.raises(ServiceError) as refused_whole:
        study.add(state=trial_pb2.Trial.STATE_INFEASIBLE, measurements=whole)
    assert refused_whole.value.reason == "TOO_LARGE"
    assert study.rows() == rows


def _pretend(study: Studied, count: int) -> None:
    """Let the first trial have so many measurements, as its row says."""
    name = StudyName.parse(study.name)

    def work(writer: Writer) -> None:
        stored = writer.study(name)
        (trial,) = writer.trials_by_number(stored, [1])
        writer.save_trials(stored, [replace(trial, measurement_count=count)])

    study.service.backend.store.change(work)
