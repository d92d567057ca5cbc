"""The best trials: by their final values, whichever way is better."""

import pytest

from hyperbo_service.errors import InvalidArgumentError, NotFoundError
from hyperbo_service.rpc import parts
from hyperbo_service.rpc.v1 import study_pb2, trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from tests.service.contract.services import Service, Studied, curve, metric_value, numbers

FULL = trial_pb2.TRIAL_VIEW_FULL
GOALS = [study_pb2.MetricSpec.GOAL_MAXIMIZE, study_pb2.MetricSpec.GOAL_MINIMIZE]


def _best(study: Studied, count: int, view: "trial_pb2.TrialView" = FULL) -> list[trial_pb2.Trial]:
    request = wire.ListBestTrialsRequest(parent=study.name, page_size=count, view=view)
    return list(study.service.send(request).trials)


@pytest.mark.parametrize("goal", GOALS)
def test_best_trials_come_best_first(service: Service, goal: "study_pb2.MetricSpec.Goal") -> None:
    """Of equal ones the earlier first; values of any sign and size are in order."""
    study = service.create(goal=goal)
    values = [0.5, -1e100, 0.5, 1e100, -0.5, 0.0, 1e-300]
    for value in values:
        study.finished(value)
    sign = 1.0 if goal == study_pb2.MetricSpec.GOAL_MAXIMIZE else -1.0

    found = numbers(_best(study, 10))

    places = sorted(range(len(values)), key=lambda place: (-sign * values[place], place))
    assert found == [place + 1 for place in places]
    assert numbers(_best(study, 2)) == found[:2]
    assert numbers(_best(study, 0)) == found[:1]


def test_only_completed_trials_are_best(service: Service) -> None:
    """However good the curve of a trial that runs, failed or is infeasible."""
    study = service.create()
    running, failed, infeasible = (study.leased(client) for client in ("ann", "bob", "eve"))
    for trial in (running, failed, infeasible):
        study.report(trial, 1, 100.0)
    study.end(wire.FailTrialRequest, failed)
    study.end(wire.MarkTrialInfeasibleRequest, infeasible)
    assert _best(study, 10) == []

    done = study.finished(-5.0)

    assert _best(study, 10) == [done]


def test_a_value_that_was_reported_is_not_the_final_one(service: Service) -> None:
    """The order is that of the final values, whatever was measured before."""
    study = service.create()
    one, two = study.leased(), study.leased("bob")
    study.report(one, 1, 0.9)
    study.complete(one, 0.1)
    study.complete(two, 0.5)

    assert numbers(_best(study, 2)) == [2, 1]


def test_the_basic_view_has_no_curves(service: Service) -> None:
    """The full one has them."""
    study = service.create()
    study.add(
        state=trial_pb2.Trial.STATE_COMPLETED,
        values=[metric_value(0.5)],
        measurements=curve(0.4, 0.5),
    )

    (basic,), (full,) = _best(study, 1, trial_pb2.TRIAL_VIEW_BASIC), _best(study, 1)

    assert (len(basic.measurements), len(full.measurements)) == (0, 2)
    assert basic == _best(study, 1, trial_pb2.TRIAL_VIEW_UNSPECIFIED)[0]


def test_so_many_as_one_message_holds(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all would be too large, the best of them come."""
    study = service.create()
    for place in range(6):
        study.add(
            state=trial_pb2.Trial.STATE_COMPLETED,
            values=[metric_value(place)],
            measurements=curve(*[0.5] * 40),
        )
    monkeypatch.setattr(parts, "MOST_MEASUREMENTS", 100)
    by_count = _best(study, 6)
    monkeypatch.setattr(parts, "LARGEST_PART", 10)
    by_size = _best(study, 6)

    assert numbers(by_count) == [6, 5]
    assert numbers(by_size) == [6]


@pytest.mark.parametrize("count", [-1, 1001])
def test_a_number_of_best_trials_has_bounds(service: Service, count: int) -> None:
    """Less than none or too many are refused, and so is a study that is not there."""
    study = service.create()

    with pytest.raises(InvalidArgumentError) as refused:
        _best(study, count)
    assert refused.value.field == "page_size"
    with pytest.raises(NotFoundError):
        _best(Studied(service, f"{service.parent}/studies/none"), 1)
