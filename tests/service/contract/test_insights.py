"""Which prior a study starts from, what its posterior foretells, and whether the prior helped."""

import math
from typing import Any

import pytest

from hyperbo_service.errors import InvalidArgumentError, OutsideSpaceError, ServiceError
from hyperbo_service.rpc.spaces import values_to_wire
from hyperbo_service.rpc.v1 import prior_service_pb2 as priors
from hyperbo_service.rpc.v1 import study_pb2, trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from tests.service.contract.prior_files import prior_files
from tests.service.contract.services import COIN_SPACE, POINT, Service, Studied, metric_value

MINIMIZE = study_pb2.MetricSpec.GOAL_MINIMIZE
VERDICT = wire.PriorReport.Verdict


def _upload(service: Service, name: str = "toy", **kind: Any) -> str:
    files = prior_files(**kind)
    with service.client() as client:
        return client.upload_prior(name, files.manifest, files.weights).reference


def _predict(study: Studied, *points: Any) -> list[wire.Prediction]:
    request = wire.PredictRequest(
        name=study.name,
        points=[wire.Configuration(parameters=values_to_wire(point)) for point in points],
    )
    return list(study.service.send(request).predictions)


def _report(study: Studied) -> wire.PriorReport:
    found: wire.PriorReport = study.service.send(wire.GetPriorReportRequest(name=study.name))
    return found


def test_a_study_that_wants_no_prior_starts_from_nothing(service: Service) -> None:
    """Though there is one that fits."""
    _upload(service)
    study = service.create(prior="none")
    study.ask()

    found = study.get()

    assert (found.prior, found.resolved_prior) == ("none", "")
    assert "none" in found.prior_note
    assert _report(study).verdict == VERDICT.VERDICT_NOTHING_TO_COMPARE


def test_a_study_uses_the_prior_it_names(service: Service) -> None:
    """From its first suggestion on; the study says which version that is."""
    _upload(service)
    latest, first = service.create("latest", prior="toy"), service.create("first", prior="toy@1")
    for study in (latest, first):
        assert len(study.ask(2)) == 2

    assert latest.get().prior == "toy@latest"
    assert first.get().prior == "toy@1"
    for study in (latest, first):
        assert study.get().resolved_prior == f"{service.parent}/priors/toy@1"


def test_a_study_may_leave_the_choice_open(service: Service) -> None:
    """Then it starts from the newest that fits its space and goal, and says why."""
    _upload(service, "worse", goal="minimise")
    _upload(service, "older", noise=0.2)
    service.clock.pass_by(1.0)
    _upload(service, "newer", noise=0.3)
    study, other = service.create(prior="auto"), service.create("coin", COIN_SPACE, prior="auto")
    study.ask()
    other.ask()

    assert study.get().resolved_prior == f"{service.parent}/priors/newer@1"
    assert "newest" in study.get().prior_note
    assert other.get().resolved_prior == ""
    assert "No prior" in other.get().prior_note


def test_a_retired_prior_is_not_chosen(service: Service) -> None:
    """The next best is, or none."""
    _upload(service)
    service.send(priors.RetirePriorRequest(name=f"{service.parent}/priors/toy@1"))
    study = service.create(prior="auto")
    study.ask()

    assert study.get().resolved_prior == ""


def test_a_prior_for_another_space_is_refused(service: Service) -> None:
    """When the study is created, by its field."""
    _upload(service)

    with pytest.raises(ServiceError, match="another search space") as refused:
        service.create(space=COIN_SPACE, prior="toy@1")
    assert (refused.value.code, refused.value.field) == ("FAILED_PRECONDITION", "study.prior")


def test_a_prior_for_another_goal_is_refused(service: Service) -> None:
    """Likewise."""
    _upload(service)

    with pytest.raises(ServiceError, match="maximize") as refused:
        service.create(goal=MINIMIZE, prior="toy@1")
    assert (refused.value.code, refused.value.field) == ("FAILED_PRECONDITION", "study.prior")


def test_another_projects_prior_is_none_of_this_one(service: Service) -> None:
    """Neither by name nor by choice."""
    _upload(service)
    other = service.alone()

    with pytest.raises(ServiceError) as refused:
        other.create(prior="toy@1")
    study = other.create(prior="auto")
    study.ask()
    assert refused.value.code == "NOT_FOUND"
    assert study.get().resolved_prior == ""


def test_the_posterior_foretells_what_was_seen(service: Service) -> None:
    """Its interval at a point that was measured is closer around the value than far from it."""
    _upload(service)
    study = service.create(prior="toy@1")
    for layers in (2, 3, 4):
        study.finished(0.5 + layers / 100, {"rate": 0.01, "layers": layers})

    seen, far = _predict(study, POINT, {"rate": 1.0, "layers": 8})

    for each in (seen, far):
        assert each.lower < each.median < each.upper
    assert seen.lower < 0.53 < seen.upper
    assert seen.upper - seen.lower < far.upper - far.lower


def test_a_study_without_trials_foretells_something(service: Service) -> None:
    """Wide, finite, and in the order of the points."""
    study = service.create()

    found = _predict(study, POINT, {"rate": 1.0, "layers": 8}, POINT)

    assert found[0] == found[2]
    for each in found:
        assert all(map(math.isfinite, (each.lower, each.median, each.upper)))


def test_foretelling_changes_nothing(service: Service) -> None:
    """No row of the study is touched."""
    study = service.create()
    study.finished(0.5)
    rows = study.rows()
    _predict(study, POINT)

    assert study.rows() == rows


def test_points_to_foretell_are_of_the_space(service: Service) -> None:
    """One to a thousand, each with all its parameters."""
    study = service.create()
    for wrong in ({"rate": 0.1}, {"rate": 5.0, "layers": 1}, {"side": "head"}):
        with pytest.raises(OutsideSpaceError):
            _predict(study, POINT, wrong)
    for points in ([], [POINT] * 1001):
        with pytest.raises(InvalidArgumentError) as refused:
            _predict(study, *points)
        assert refused.value.field == "points"
    unset = wire.PredictRequest(name=study.name, points=[wire.Configuration()])
    unset.points[0].parameters["rate"].SetInParent()
    with pytest.raises(InvalidArgumentError) as empty:
        service.send(unset)
    assert empty.value.field == "points[0].parameters"


def test_a_report_says_whether_the_prior_helped(service: Service) -> None:
    """Evidence against starting from nothing, in numbers that fit together."""
    _upload(service)
    study = service.create(prior="toy@1")
    early = _report(study)
    for layers in (1, 2, 3, 4):
        study.finished(0.1 * layers, {"rate": 0.01, "layers": layers})

    report = _report(study)

    assert early.verdict == VERDICT.VERDICT_NOTHING_TO_COMPARE
    assert report.study == study.name
    assert report.prior == f"{service.parent}/priors/toy@1"
    assert report.trial_count == 4
    assert report.log_bayes_factor == pytest.approx(
        report.prior_log_evidence - report.scratch_log_evidence
    )
    assert 0.0 <= report.trust <= 1.0
    assert report.verdict in (
        VERDICT.VERDICT_HELPED,
        VERDICT.VERDICT_UNDECIDED,
        VERDICT.VERDICT_MISLED,
    )
    assert report.summary


def test_noisy_and_infeasible_trials_are_learned_from(service: Service) -> None:
    """Standard errors widen what is foretold; an infeasible place is foretold as bad."""
    exact, noisy = service.create("exact"), service.create("noisy")
    for study, stderr in ((exact, 0.0), (noisy, 0.5)):
        for layers in (2, 4, 6):
            study.add(
                {"rate": 0.01, "layers": layers},
                state=trial_pb2.Trial.STATE_COMPLETED,
                values=[metric_value(layers / 10, stderr)],
            )

    (sharp,), (vague,) = (_predict(each, {"rate": 0.01, "layers": 4}) for each in (exact, noisy))

    assert sharp.upper - sharp.lower < vague.upper - vague.lower


def test_a_prior_whose_unit_does_not_fit_is_left(service: Service) -> None:
    """Values beyond the scale of its errors: the study goes on from nothing, and says why."""
    _upload(service, scale=1.0)
    study = service.create(prior="toy@1")
    study.finished(5.0)

    (trial,) = study.ask()
    found = study.get()

    assert trial.fencing_token == 1
    assert found.resolved_prior == ""
    assert "cannot be used" in found.prior_note
