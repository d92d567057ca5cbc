"""Request ids: a repeated call gets the first answer and changes nothing, whatever lies between."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hyperbo_service.errors import InvalidArgumentError, NotFoundError, RequestReusedError
from hyperbo_service.rpc.spaces import values_to_wire
from hyperbo_service.rpc.v1 import prior_service_pb2 as priors
from hyperbo_service.rpc.v1 import study_pb2, trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from tests.service.contract.conftest import Open
from tests.service.contract.prior_files import prior_files
from tests.service.contract.services import (
    POINT,
    Service,
    Studied,
    curve,
    metric_value,
    new_id,
    numbers,
    study_message,
)

Make = Callable[[Studied], Any]


def _create_study(study: Studied) -> Any:
    return wire.CreateStudyRequest(
        parent=study.service.parent, study_id="another", study=study_message()
    )


def _update_study(study: Studied) -> Any:
    request = wire.UpdateStudyRequest(
        study=study_pb2.Study(name=study.name, display_name="another")
    )
    request.update_mask.paths.append("display_name")
    return request


def _delete_study(study: Studied) -> Any:
    study.leased()
    return wire.DeleteStudyRequest(name=study.name, force=True)


def _suggest(study: Studied) -> Any:
    study.add()
    return wire.SuggestTrialsRequest(parent=study.name, count=1, client_id="ann")


def _create_trial(study: Studied) -> Any:
    return wire.CreateTrialRequest(
        parent=study.name, trial=trial_pb2.Trial(parameters=values_to_wire(POINT))
    )


def _delete_trial(study: Studied) -> Any:
    return wire.DeleteTrialRequest(name=study.leased().name)


def _report(study: Studied) -> Any:
    trial = study.leased()
    return wire.ReportMeasurementRequest(
        name=trial.name, fencing_token=trial.fencing_token, measurement=curve(0.5)[0]
    )


def _second_report(study: Studied) -> Any:
    trial = study.leased()
    study.report(trial, 1, 0.4)
    return wire.ReportMeasurementRequest(
        name=trial.name, fencing_token=trial.fencing_token, measurement=curve(0.4, 0.5)[1]
    )


def _complete(study: Studied) -> Any:
    trial = study.leased()
    return wire.CompleteTrialRequest(
        name=trial.name, fencing_token=trial.fencing_token, values=[metric_value(0.5)]
    )


def _ending(kind: type[Any]) -> Make:
    def make(study: Studied) -> Any:
        trial = study.leased()
        return kind(name=trial.name, fencing_token=trial.fencing_token, reason="so it is")

    return make


def _import(study: Studied) -> Any:
    trial = trial_pb2.Trial(
        parameters=values_to_wire(POINT),
        state=trial_pb2.Trial.STATE_COMPLETED,
        values=[metric_value(0.5)],
        measurements=curve(0.3, 0.5),
    )
    return wire.ImportTrialsRequest(parent=study.name, trials=[trial])


def _retire(study: Studied) -> Any:
    files = prior_files()
    with study.service.client() as client:
        stored = client.upload_prior("toy", files.manifest, files.weights)
    return priors.RetirePriorRequest(name=stored.name)


MUTATING: Mapping[str, Make] = {
    "CreateStudy": _create_study,
    "UpdateStudy": _update_study,
    "DeleteStudy": _delete_study,
    "SuggestTrials": _suggest,
    "CreateTrial": _create_trial,
    "DeleteTrial": _delete_trial,
    "ReportMeasurement": _report,
    "ReportMeasurement again": _second_report,
    "CompleteTrial": _complete,
    "FailTrial": _ending(wire.FailTrialRequest),
    "MarkTrialInfeasible": _ending(wire.MarkTrialInfeasibleRequest),
    "AbandonTrial": _ending(wire.AbandonTrialRequest),
    "ImportTrials": _import,
    "RetirePrior": _retire,
}
"""For each method that carries a request id, one of its calls; an upload has tests of its own."""


@pytest.mark.parametrize("make", MUTATING.values(), ids=MUTATING)
def test_a_repeat_gets_the_same_bytes_and_changes_nothing(service: Service, make: Make) -> None:
    """The second answer is the first one to the byte, though time has gone by."""
    study = service.create()
    request = make(study)
    first = service.send(request).SerializeToString(deterministic=True)
    rows = study.rows()
    service.clock.pass_by(7.0)

    second = service.send(request).SerializeToString(deterministic=True)

    assert second == first
    assert study.rows() == rows


@pytest.mark.parametrize("make", MUTATING.values(), ids=MUTATING)
def test_concurrent_calls_of_one_id_have_one_effect(service: Service, make: Make) -> None:
    """Eight threads that make one call at the same time do what one would."""
    study, twin = service.create(), service.alone().create()
    twin.service.send(make(twin))
    request = make(study)
    request.request_id = new_id()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: service.send(request).SerializeToString(), range(8)))

    assert len(set(answers)) == 1
    assert list(map(len, study.rows())) == list(map(len, twin.rows()))
    assert len(list(service.client().studies())) == len(list(twin.service.client().studies()))


@pytest.mark.parametrize("make", MUTATING.values(), ids=MUTATING)
def test_an_id_of_another_call_is_refused(service: Service, make: Make) -> None:
    """A request id that another call bore is refused, and the state is unchanged."""
    study = service.create()
    spent = new_id()
    service.send(
        wire.CreateStudyRequest(
            parent=service.parent, study_id="spent", study=study_message(), request_id=spent
        )
    )
    request = make(study)
    request.request_id = spent
    rows = study.rows()

    with pytest.raises(RequestReusedError):
        service.send(request)
    assert study.rows() == rows


def test_an_answer_is_remembered_after_a_restart(reopened: Open) -> None:
    """Every method's first answer is given again by a server that has started anew."""
    answers = {}
    with reopened() as service:
        for name, make in MUTATING.items():
            study = service.create(f"study-{len(answers)}")
            request = make(study)
            if name == "CreateStudy":
                request.study_id = "another-one"
            answers[name] = request, service.send(request), study.name
        project = service.project

    with reopened() as opened:
        service = Service(opened.transport, opened.backend, opened.clock, project)
        for request, first, name in answers.values():
            rows = Studied(service, name).rows()
            assert service.send(request) == first
            assert Studied(service, name).rows() == rows


def test_a_repeat_counts_where_the_answer_was_lost(service: Service) -> None:
    """A worker that never saw its trial gets it by repeating the call, not another one."""
    study = service.create()
    for rate in (0.1, 0.2):
        study.add({"rate": rate, "layers": 1})
    request = wire.SuggestTrialsRequest(
        parent=study.name, count=1, client_id="ann", request_id=new_id()
    )
    service.send(request)

    again = service.send(request)

    assert numbers(again.trials) == [1]
    assert [row[2] for row in study.rows()[1]] == ["running", "waiting"]


def test_an_answer_outlives_what_it_speaks_of(service: Service) -> None:
    """A report that is repeated after its study was deleted is answered as at first."""
    study = service.create()
    request = _report(study)
    first = service.send(request)
    service.send(wire.DeleteStudyRequest(name=study.name, force=True))

    assert service.send(request) == first
    with pytest.raises(NotFoundError):
        study.get()


def test_a_refused_call_leaves_its_id_free(service: Service) -> None:
    """What was refused is not remembered: the same id may be used once the call is right."""
    study = service.create()
    request = _complete(study)
    request.request_id = new_id()
    request.values[0].value = float("nan")
    with pytest.raises(InvalidArgumentError):
        service.send(request)

    request.values[0].value = 0.5

    assert service.send(request).state == trial_pb2.Trial.STATE_COMPLETED


def test_ids_are_a_projects_own(service: Service) -> None:
    """Two projects may use the same request id for different calls."""
    other = service.alone()
    spent = new_id()
    for each in (service, other):
        each.send(
            wire.CreateStudyRequest(
                parent=each.parent, study_id="s", study=study_message(), request_id=spent
            )
        )

    assert Studied(other, f"{other.parent}/studies/s").get().name.startswith(other.parent)


@pytest.mark.parametrize("wrong", ["", "short", "x" * 65, "with space", "nül-12345", "a/b/c/d/e/f"])
def test_an_id_must_be_well_formed(service: Service, wrong: str) -> None:
    """A call without a proper request id is refused, naming the field."""
    study = service.create()
    request = wire.DeleteStudyRequest(name=study.name, request_id=wrong)

    with pytest.raises(InvalidArgumentError) as refused:
        service.transport.call("DeleteStudy", request, timeout=10.0)
    assert refused.value.field == "request_id"
    assert study.get().name == study.name


def test_the_audit_log_says_who_changed_what(service: Service) -> None:
    """An entry for each change, newest first; none for what was refused, repeated or read."""
    study = service.create()
    request = _complete(study)
    service.send(request)
    service.send(request)
    with pytest.raises(NotFoundError):
        service.send(wire.DeleteTrialRequest(name=f"{study.name}/trials/99"))
    study.get()

    with service.backend.store.read() as reader:
        entries = reader.journal(service.project, before=None, limit=100)

    assert [(entry.call.method, entry.call.resource) for entry in entries] == [
        ("CompleteTrial", f"{study.name}/trials/1"),
        ("SuggestTrials", study.name),
        ("CreateTrial", study.name),
        ("CreateStudy", study.name),
    ]
    assert {entry.call.principal for entry in entries} <= {"local", "anonymous"}
    assert all(entry.at == service.clock() for entry in entries)
