"""Export and import: a study's trials go elsewhere and come back the same."""

from datetime import timedelta

import pytest

from hyperbo_service.errors import (
    InvalidArgumentError,
    NotFoundError,
    OutsideSpaceError,
    UnavailableError,
)
from hyperbo_service.rpc.calls import Asker
from hyperbo_service.rpc.v1 import trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from tests.service.contract.services import (
    COIN_SPACE,
    METRIC,
    Service,
    Studied,
    curve,
    metric_value,
    numbers,
)

OWN = ("name", "origin", "update_time", "client_id", "fencing_token")
"""What a trial gets anew where it is imported."""


def _lived(service: Service) -> Studied:
    """A study with a trial in every state."""
    study = service.create()
    kinds = (wire.FailTrialRequest, wire.MarkTrialInfeasibleRequest, wire.AbandonTrialRequest)
    for place, kind in enumerate(kinds):
        trial = study.leased()
        service.clock.pass_by(1.0)
        study.report(trial, 1, 0.1 * place, elapsed_seconds=1.5, cost=0.25)
        study.end(kind, trial, f"reason {place}")
    done = study.leased()
    service.clock.pass_by(1.0)
    study.report(done, 1, 0.3)
    study.report(done, 7, 0.1 + 0.2)
    service.send(
        wire.CompleteTrialRequest(
            name=done.name, fencing_token=1, values=[metric_value(1 / 3, 0.01)], cost=9.75
        )
    )
    study.leased()
    study.add()
    return study


def _finished(study: Studied) -> list[trial_pb2.Trial]:
    states = trial_pb2.Trial
    wanted = (states.STATE_COMPLETED, states.STATE_INFEASIBLE, states.STATE_FAILED)
    parts = [wire.ExportStudyResponse.FromString(part) for part in study.export()]
    return [trial for part in parts for trial in part.trials if trial.state in wanted]


def _told(trial: trial_pb2.Trial) -> trial_pb2.Trial:
    """What is to be the same after a round trip."""
    told = trial_pb2.Trial()
    told.CopyFrom(trial)
    for field in OWN:
        told.ClearField(field)
    for point in told.measurements:
        point.ClearField("create_time")
    return told


def test_an_export_holds_the_study_and_every_trial(service: Service) -> None:
    """In the order of their numbers, whatever their state, each as it is read alone."""
    study = _lived(service)

    first, *rest = [wire.ExportStudyResponse.FromString(part) for part in study.export()]

    trials = [trial for part in rest for trial in part.trials]
    assert first.study == study.get()
    assert numbers(trials) == [1, 2, 3, 4, 5, 6]
    assert trials == [study.trial(trial.name) for trial in trials]


def test_a_study_comes_back_the_same(service: Service) -> None:
    """Exported and imported into a new one: parameters, values, curves, states, costs and times."""
    study = _lived(service)
    trials = _finished(study)
    service.clock.pass_by(100.0)
    other = service.create("other")

    answer = service.send(wire.ImportTrialsRequest(parent=other.name, trials=trials))

    back = _finished(other)
    assert [trial.name for trial in back] == list(answer.names)
    assert [_told(trial) for trial in back] == [_told(trial) for trial in trials]
    assert all(trial.origin == trial_pb2.Trial.ORIGIN_IMPORTED for trial in back)


def test_a_study_comes_back_the_same_through_the_client(service: Service) -> None:
    """The client exports records, and imports them as they are."""
    study = _lived(service)
    other = service.create("other")
    with service.client() as client:
        exported = client.study("s").export()
        finished = [t for t in exported.trials if t.state in ("completed", "infeasible", "failed")]
        names = client.study("other").import_trials(finished)
        again = client.study("other").import_trials(finished)
        back = client.study("other").export().trials

    assert names == again == [trial.name for trial in back]
    assert [trial.value for trial in back] == [None, None, 1 / 3]
    assert [trial.measurements for trial in back] == [trial.measurements for trial in finished]
    assert [_told(trial) for trial in _finished(other)] == [
        _told(trial) for trial in _finished(study)
    ]


def test_all_of_an_import_or_none(service: Service) -> None:
    """One wrong trial refuses the whole, names its place, and takes no number."""
    study = service.create()
    good = trial_pb2.Trial(
        parameters=study.add().parameters,
        state=trial_pb2.Trial.STATE_COMPLETED,
        values=[metric_value(0.5)],
    )
    rows = study.rows()
    wrongs: dict[str, trial_pb2.Trial] = {}
    for field in ("state", "values", "parameters"):
        wrongs[field] = trial_pb2.Trial()
        wrongs[field].CopyFrom(good)
        wrongs[field].ClearField(field)
    for field, wrong in wrongs.items():
        with pytest.raises(InvalidArgumentError) as refused:
            service.send(wire.ImportTrialsRequest(parent=study.name, trials=[good, wrong]))
        assert refused.value.field.startswith(f"trials[1].{field}")
        assert study.rows() == rows
    (name,) = service.send(wire.ImportTrialsRequest(parent=study.name, trials=[good])).names
    assert name.endswith("/trials/2")


@pytest.mark.parametrize("state", ["WAITING", "RUNNING", "ABANDONED"])
def test_only_finished_trials_are_imported(service: Service, state: str) -> None:
    """What is not over, or was given up, is refused."""
    study = service.create()
    trial = trial_pb2.Trial(
        parameters=study.add().parameters, state=trial_pb2.Trial.State.Value(f"STATE_{state}")
    )

    with pytest.raises(InvalidArgumentError) as refused:
        service.send(wire.ImportTrialsRequest(parent=study.name, trials=[trial]))
    assert refused.value.field == "trials[0].state"


def test_a_trial_without_result_has_no_values(service: Service) -> None:
    """Values of a failed trial are refused rather than dropped."""
    study = service.create()
    trial = trial_pb2.Trial(
        parameters=study.add().parameters,
        state=trial_pb2.Trial.STATE_FAILED,
        values=[metric_value(0.5)],
    )

    with pytest.raises(InvalidArgumentError) as refused:
        service.send(wire.ImportTrialsRequest(parent=study.name, trials=[trial]))
    assert refused.value.field == "trials[0].values"


def test_trials_of_another_space_are_refused(service: Service) -> None:
    """They do not fit."""
    study, coin = service.create(), service.create("coin", COIN_SPACE)
    trial = coin.add({"side": "head"}, state=trial_pb2.Trial.STATE_INFEASIBLE)

    with pytest.raises(OutsideSpaceError) as refused:
        service.send(wire.ImportTrialsRequest(parent=study.name, trials=[trial]))
    assert refused.value.field == "trials[0].parameters"


def test_an_import_has_bounds(service: Service) -> None:
    """One to a thousand trials at once."""
    study = service.create()
    trial = trial_pb2.Trial(
        parameters=study.add().parameters, state=trial_pb2.Trial.STATE_INFEASIBLE
    )

    with pytest.raises(InvalidArgumentError) as refused:
        service.send(wire.ImportTrialsRequest(parent=study.name, trials=[trial] * 1001))
    assert refused.value.field == "trials"
    with pytest.raises(InvalidArgumentError) as empty:
        service.send(wire.ImportTrialsRequest(parent=study.name))
    assert empty.value.field == "trials"


def test_times_of_an_imported_trial_are_its_own(service: Service) -> None:
    """Long ago or to come: what it says of itself is kept; when it came is its update."""
    study = service.create()
    trial = trial_pb2.Trial(
        parameters=study.add().parameters,
        state=trial_pb2.Trial.STATE_COMPLETED,
        values=[metric_value(0.5)],
    )
    begun = service.clock() - timedelta(days=20_000)
    for field, days in (("create_time", 0), ("start_time", 1), ("end_time", 2)):
        getattr(trial, field).FromDatetime(begun + timedelta(days=days))

    (name,) = service.send(wire.ImportTrialsRequest(parent=study.name, trials=[trial])).names

    found = study.trial(name)
    assert found.create_time == trial.create_time
    assert found.start_time == trial.start_time
    assert found.end_time == trial.end_time
    assert found.update_time.ToDatetime(service.clock().tzinfo) == service.clock()


@pytest.mark.parametrize("seconds", [-(2**63), 2**63 - 1, 253402300800])
def test_a_time_out_of_range_is_refused(service: Service, seconds: int) -> None:
    """By its field, not by a fault."""
    study = service.create()
    trial = trial_pb2.Trial(
        parameters=study.add().parameters, state=trial_pb2.Trial.STATE_INFEASIBLE
    )
    trial.end_time.seconds = seconds

    with pytest.raises(InvalidArgumentError) as refused:
        service.send(wire.ImportTrialsRequest(parent=study.name, trials=[trial]))
    assert refused.value.field == "trials[0].end_time"


def test_curves_may_be_imported_with_any_finished_trial(service: Service) -> None:
    """What was measured of a failed trial is kept, and counted."""
    study = service.create()
    trial = trial_pb2.Trial(
        parameters=study.add().parameters,
        state=trial_pb2.Trial.STATE_FAILED,
        measurements=curve(0.1, 0.2, 0.3),
        reason="out of memory",
    )

    (name,) = service.send(wire.ImportTrialsRequest(parent=study.name, trials=[trial])).names

    found = study.trial(name)
    assert [point.values[0].value for point in found.measurements] == [0.1, 0.2, 0.3]
    assert (found.measurement_count, found.reason) == (3, "out of memory")


def test_an_export_of_a_study_that_is_not_there_is_refused(service: Service) -> None:
    """At once."""
    with pytest.raises(NotFoundError):
        Studied(service, f"{service.parent}/studies/none").export()


def test_an_export_ends_with_an_error_if_its_study_goes(service: Service) -> None:
    """Half of a study is not taken for the whole."""
    study = service.create()
    study.finished(0.5)
    request = wire.ExportStudyRequest(name=study.name)
    parts = service.backend.api.stream("ExportStudy", request, Asker("ann"))
    next(parts)
    service.send(wire.DeleteStudyRequest(name=study.name, force=True))
    service.create()

    with pytest.raises(UnavailableError, match="deleted"):
        list(parts)


def test_the_pandas_view_holds_every_trial(service: Service) -> None:
    """A row for each trial; a row for each measurement where those are asked for."""
    _lived(service)
    with service.client() as client:
        trials = client.study("s").to_pandas()
        measured = client.study("s").to_pandas(measurements=True)

    assert len(trials) == 6
    assert len(measured) == 5
    assert any(METRIC in column for column in trials.columns)
