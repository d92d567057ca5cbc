"""Studies: what is stored of them, and what is refused."""

from typing import Any

import pytest

from hyperbo_service.errors import (
    AlreadyExistsError,
    InvalidArgumentError,
    NotFoundError,
    StudyDiffersError,
    UnsupportedError,
)
from hyperbo_service.rpc.spaces import space_from_wire, space_to_wire
from hyperbo_service.rpc.v1 import space_pb2, study_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from tests.service.contract.services import (
    COIN_SPACE,
    METRIC,
    SPACE,
    Service,
    Studied,
    study_message,
)

MAXIMIZE, MINIMIZE = study_pb2.MetricSpec.GOAL_MAXIMIZE, study_pb2.MetricSpec.GOAL_MINIMIZE

EVERY_KIND: dict[str, Any] = {
    "parameters": [
        {"type": "float", "name": "momentum", "low": 0.0, "high": 0.999, "scale": "reverse_log"},
        {"type": "integer", "name": "width", "low": 1, "high": 4096, "scale": "log"},
        {"type": "discrete", "name": "batch", "values": [16, 64, 256], "scale": "log"},
        {"type": "discrete", "name": "ratio", "values": [0.1, 0.5], "scale": "linear"},
        {
            "type": "categorical",
            "name": "optimizer",
            "categories": ["sgd", "adam"],
            "children": [
                {
                    "category": "adam",
                    "parameters": [
                        {
                            "type": "float",
                            "name": "beta",
                            "low": 0.5,
                            "high": 1.0,
                            "scale": "linear",
                        }
                    ],
                }
            ],
        },
        {"type": "categorical", "name": "amsgrad", "categories": [True, False]},
        {"type": "categorical", "name": "depth", "categories": [18, 50]},
        {"type": "fixed", "name": "data", "value": "ImageNet 日本"},
        {"type": "fixed", "name": "epochs", "value": 90},
    ]
}


def _open(service: Service, study: study_pb2.Study, *, existing: bool = True) -> Any:
    return service.send(
        wire.CreateStudyRequest(
            parent=service.parent, study_id="s", study=study, allow_existing=existing
        )
    )


def test_a_study_is_read_as_it_was_created(service: Service) -> None:
    """All that was given comes back, and what the server adds."""
    given = study_message(
        EVERY_KIND,
        display_name="Ein Name, 名前 🎛",
        metrics=[study_pb2.MetricSpec(name="val loss/é", goal=MINIMIZE)],
        prior="auto",
        budget=study_pb2.Budget(max_trials=7, target=-0.1),
        early_stopping=study_pb2.EarlyStopping(
            successive_halving=study_pb2.SuccessiveHalving(min_step=2, reduction_factor=4)
        ),
        seed=2**53,
        labels={"team": "vision"},
    )
    given.budget.max_duration.FromMicroseconds(1_500_001)

    created = _open(service, given, existing=False)

    assert Studied(service, f"{service.parent}/studies/s").get() == _with_counts(created)
    assert created.space_digest
    assert created.create_time == created.update_time
    for field in given.DESCRIPTOR.fields_by_name:
        if given.HasField(field) if field in ("space", "budget", "seed") else field == "labels":
            assert getattr(created, field) == getattr(given, field)
    assert space_from_wire(created.space) == EVERY_KIND
    for field in ("display_name", "prior", "early_stopping"):
        assert getattr(created, field) == getattr(given, field)
    assert list(created.metrics) == list(given.metrics)
    assert created.state == study_pb2.Study.STATE_ACTIVE


def _with_counts(study: study_pb2.Study) -> study_pb2.Study:
    study.trial_counts.SetInParent()
    return study


def test_a_study_says_how_many_trials_are_in_each_state(service: Service) -> None:
    """Six counts, which follow the trials."""
    study = service.create()
    kinds = (wire.FailTrialRequest, wire.MarkTrialInfeasibleRequest, wire.AbandonTrialRequest)
    for kind in kinds:
        study.end(kind, study.leased())
    study.complete(study.leased(), 0.5)
    study.finished(0.5)
    study.leased()
    study.add()

    assert study.get().trial_counts == study_pb2.TrialCounts(
        waiting=1, running=1, completed=2, infeasible=1, failed=1, abandoned=1
    )


def test_a_study_is_opened_by_whoever_describes_it_the_same(service: Service) -> None:
    """Its other settings stay as they are."""
    first = _open(service, study_message(display_name="first", seed=1))

    second = _open(service, study_message(display_name="second", seed=2))

    assert second == first
    assert len(service.send(wire.ListStudiesRequest(parent=service.parent)).studies) == 1


def test_a_name_is_taken_once(service: Service) -> None:
    """Without leave to open what exists, the call is refused."""
    study = service.create()
    rows = study.rows()

    with pytest.raises(AlreadyExistsError) as refused:
        _open(service, study_message(), existing=False)
    assert not isinstance(refused.value, StudyDiffersError)
    assert study.rows() == rows


@pytest.mark.parametrize("existing", [True, False])
@pytest.mark.parametrize(
    ("other", "field", "said"),
    [
        (study_message(COIN_SPACE), "study.space", "rate"),
        (study_message(goal=MINIMIZE), "study.metrics", "minimize"),
        (
            study_message(metrics=[study_pb2.MetricSpec(name="loss", goal=MAXIMIZE)]),
            "study.metrics",
            "loss",
        ),
        (
            study_message({"parameters": SPACE["parameters"][::-1]}),
            "study.space",
            "order",
        ),
    ],
)
def test_a_study_that_differs_is_not_opened(
    service: Service, other: study_pb2.Study, field: str, said: str, *, existing: bool
) -> None:
    """Another space or metric under its name is refused either way, saying what differs."""
    study = service.create()
    rows = study.rows()

    with pytest.raises(StudyDiffersError, match=said) as refused:
        _open(service, other, existing=existing)
    assert (refused.value.field, refused.value.resource) == (field, study.name)
    assert study.rows() == rows


def test_several_metrics_are_not_built_yet(service: Service) -> None:
    """The messages have room for them; the answer is UNIMPLEMENTED, and nothing is stored."""
    metrics = [study_pb2.MetricSpec(name=name, goal=MAXIMIZE) for name in ("a", "b")]

    with pytest.raises(UnsupportedError) as refused:
        service.create(metrics=metrics)
    assert (refused.value.code, refused.value.field) == ("UNIMPLEMENTED", "study.metrics")
    assert not service.send(wire.ListStudiesRequest(parent=service.parent)).studies


def test_constraints_are_not_built_yet(service: Service) -> None:
    """Likewise."""
    constraint = study_pb2.OutcomeConstraint(metric="memory", upper_bound=1e9)

    with pytest.raises(UnsupportedError) as refused:
        service.create(constraints=[constraint])
    assert (refused.value.code, refused.value.field) == ("UNIMPLEMENTED", "study.constraints")


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no metric": ({"metrics": []}, "study.metrics"),
    "no goal": ({"metrics": [study_pb2.MetricSpec(name=METRIC)]}, "study.metrics.goal"),
    "unknown goal": (
        {"metrics": [study_pb2.MetricSpec(name=METRIC, goal=9)]},  # type: ignore[arg-type]
        "study.metrics.goal",
    ),
    "nameless metric": ({"metrics": [study_pb2.MetricSpec(goal=MAXIMIZE)]}, "study.metrics.name"),
    "long metric": (
        {"metrics": [study_pb2.MetricSpec(name="m" * 129, goal=MAXIMIZE)]},
        "study.metrics.name",
    ),
    "unprintable metric": (
        {"metrics": [study_pb2.MetricSpec(name="a\nb", goal=MAXIMIZE)]},
        "study.metrics.name",
    ),
    "metric named as a parameter": (
        {"metrics": [study_pb2.MetricSpec(name="rate", goal=MAXIMIZE)]},
        "study.metrics.name",
    ),
    "long display name": ({"display_name": "d" * 201}, "study.display_name"),
    "NUL in the display name": ({"display_name": "a\0b"}, "study.display_name"),
    "negative seed": ({"seed": -1}, "study.seed"),
    "large seed": ({"seed": 2**53 + 1}, "study.seed"),
    "unknown state": ({"state": 17}, "study.state"),
    "malformed prior": ({"prior": "a b@1"}, "study.prior"),
    "prior without a number": ({"prior": "a@b"}, "study.prior"),
    "prior version zero": ({"prior": "a@0"}, "study.prior"),
}


@pytest.mark.parametrize(("fields", "field"), WRONG.values(), ids=WRONG)
def test_a_wrong_field_is_named(service: Service, fields: dict[str, Any], field: str) -> None:
    """And nothing is stored."""
    with pytest.raises(InvalidArgumentError) as refused:
        service.create(**fields)
    assert refused.value.field == field
    assert not service.send(wire.ListStudiesRequest(parent=service.parent)).studies


def _spec(**kind: Any) -> space_pb2.SearchSpace:
    return space_pb2.SearchSpace(parameters=[space_pb2.ParameterSpec(name="x", **kind)])


def _nested(service: Service, depth: int) -> wire.CreateStudyRequest:
    """A request whose space has so many parameters, each a child of the one before."""
    request = wire.CreateStudyRequest(parent=service.parent, study_id="s", study=study_message())
    request.study.space.Clear()
    spec = request.study.space.parameters.add()
    for place in range(depth):
        spec.name = f"p{place}"
        spec.categorical.values.add().text = "a"
        child = spec.categorical.children.add()
        child.category.text = "a"
        spec = child.parameters.add()
    spec.name = "x"
    spec.float.high, spec.float.scale = 1.0, space_pb2.SCALE_LINEAR
    return request


NAN, INFINITE = float("nan"), float("inf")
SPACES: dict[str, space_pb2.SearchSpace] = {
    "empty": space_pb2.SearchSpace(),
    "no kind": _spec(),
    "reversed": _spec(float=space_pb2.FloatRange(low=1.0, high=0.0)),
    "equal ends": _spec(float=space_pb2.FloatRange(low=1.0, high=1.0)),
    "NaN": _spec(float=space_pb2.FloatRange(low=NAN, high=1.0)),
    "infinite": _spec(float=space_pb2.FloatRange(low=0.0, high=INFINITE)),
    "log of zero": _spec(float=space_pb2.FloatRange(high=1.0, scale=space_pb2.SCALE_LOG)),
    "unknown scale": _spec(float=space_pb2.FloatRange(high=1.0, scale=99)),  # type: ignore[arg-type]
    "wide integer": _spec(integer=space_pb2.IntegerRange(low=-(2**63), high=2**63 - 1)),
    "no values": _spec(discrete=space_pb2.DiscreteValues()),
    "unset value": _spec(discrete=space_pb2.DiscreteValues(values=[space_pb2.ParameterValue()])),
    "no categories": _spec(categorical=space_pb2.Categories()),
    "only fixed": _spec(fixed=space_pb2.ParameterValue(integer=1)),
    "fixed NaN": _spec(fixed=space_pb2.ParameterValue(number=NAN)),
    "many categories": _spec(
        categorical=space_pb2.Categories(
            values=[space_pb2.ParameterValue(integer=place) for place in range(1001)]
        )
    ),
    "large": _spec(fixed=space_pb2.ParameterValue(text="x" * 300_000)),
    "NUL": space_to_wire({"parameters": [{"type": "fixed", "name": "a\0", "value": "b"}]}),
    "NUL value": space_to_wire(
        {"parameters": [*SPACE["parameters"], {"type": "fixed", "name": "a", "value": "b\0"}]}
    ),
    "long name": space_to_wire(
        {"parameters": [{"type": "float", "name": "n" * 256, "low": 0.0, "high": 1.0}]}
    ),
    "names repeat": space_to_wire({"parameters": [*SPACE["parameters"], SPACE["parameters"][0]]}),
}


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_a_space_that_is_none_is_refused(service: Service, space: space_pb2.SearchSpace) -> None:
    """With the field named, and nothing stored."""
    message = study_message()
    message.space.CopyFrom(space)

    with pytest.raises(InvalidArgumentError) as refused:
        _open(service, message)
    assert refused.value.field in ("study.space", "parameters")
    assert not service.send(wire.ListStudiesRequest(parent=service.parent)).studies


@pytest.mark.parametrize("depth", [33, 60, 400])
def test_a_space_that_is_too_deep_is_refused(service: Service, depth: int) -> None:
    """By the limit of the messages, or by ours."""
    with pytest.raises(InvalidArgumentError):
        service.send(_nested(service, depth))


def test_a_deep_space_is_read_back(service: Service) -> None:
    """Thirty levels of conditional parameters are stored, listed and exported."""
    request = _nested(service, 30)
    given = space_pb2.SearchSpace.FromString(request.study.space.SerializeToString())

    created = service.send(request)

    study = Studied(service, created.name)
    assert study.get().space == given
    assert wire.ExportStudyResponse.FromString(study.export()[0]).study.space == given
    (listed,) = service.send(wire.ListStudiesRequest(parent=service.parent)).studies
    assert listed.space == given


@pytest.mark.parametrize(
    "study_id",
    ["", " ", "-a", ".a", "_a", "a/b", "../a", "a b", "a" * 64, "ä", "a\0", "a;b", "a'b", "a%00"],
)
def test_a_study_id_is_well_formed(service: Service, study_id: str) -> None:
    """A letter or digit, then letters, digits, dots, underscores and hyphens."""
    with pytest.raises(InvalidArgumentError) as refused:
        service.create(study_id)
    assert refused.value.field == "study_id"


@pytest.mark.parametrize("study_id", ["a", "0", "A.b_c-d", "a" * 63, "a..", "9" * 63])
def test_every_well_formed_study_id_is_taken(service: Service, study_id: str) -> None:
    """And the study is found by it."""
    assert service.create(study_id).get().name.endswith(f"/{study_id}")


@pytest.mark.parametrize(
    "parent", ["", "p", "projects/", "projects//", "projects/a/b", "/projects/a", "projects/a b"]
)
def test_a_project_is_well_formed(service: Service, parent: str) -> None:
    """Anything else is refused by its field."""
    for request in (
        wire.CreateStudyRequest(parent=parent, study_id="s", study=study_message()),
        wire.ListStudiesRequest(parent=parent),
    ):
        with pytest.raises(InvalidArgumentError) as refused:
            service.send(request)
        assert refused.value.field == "parent"


def test_a_study_that_is_not_there_is_not_found(service: Service) -> None:
    """By every call that needs one, naming it."""
    name = f"{service.parent}/studies/none"
    missing = Studied(service, name)
    calls = (
        missing.get,
        missing.ask,
        missing.add,
        lambda: missing.update(display_name="x"),
        lambda: service.send(wire.DeleteStudyRequest(name=name)),
        lambda: service.send(wire.ListTrialsRequest(parent=name)),
        lambda: service.send(wire.PredictRequest(name=name, points=[wire.Configuration()])),
        lambda: service.send(wire.GetPriorReportRequest(name=name)),
        lambda: service.send(
            wire.CheckEarlyStoppingRequest(name=f"{name}/trials/1"),
        ),
        lambda: list(service.stream(wire.WatchStudyRequest(name=name))),
    )
    for call in calls:
        with pytest.raises(NotFoundError) as refused:
            call()
        assert refused.value.resource == name


def test_the_same_name_may_be_used_again_after_deletion(service: Service) -> None:
    """With another space; nothing of the old study is left in it."""
    study = service.create()
    study.finished(0.5)
    service.send(wire.DeleteStudyRequest(name=study.name, force=True))

    again = service.create(space=COIN_SPACE)

    assert again.get().trial_counts == study_pb2.TrialCounts()
    assert set(again.ask()[0].parameters) == {"side"}
