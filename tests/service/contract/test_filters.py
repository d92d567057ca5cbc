"""Filters: comparisons that choose what is listed."""

from typing import Any

import pytest

from hyperbo_service.errors import InvalidArgumentError
from hyperbo_service.rpc.v1 import study_pb2, trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from tests.service.clocks import START
from tests.service.contract.services import COIN_SPACE, Service, Studied, numbers


def _studies(service: Service, where: str) -> list[str]:
    found = service.send(wire.ListStudiesRequest(parent=service.parent, filter=where)).studies
    return [study.name.rpartition("/")[2] for study in found]


def _trials(study: Studied, where: str) -> list[int]:
    return numbers(
        study.service.send(wire.ListTrialsRequest(parent=study.name, filter=where)).trials
    )


@pytest.fixture
def studies(service: Service) -> Service:
    """Three studies: apple, banana and cherry, an hour between each."""
    service.create("apple", display_name='An "apple"', labels={"team": "vision", "gpu": "1"})
    service.clock.pass_by(3600.0)
    service.create("banana", display_name="50% of a_b", labels={"team": "speech"})
    service.clock.pass_by(3600.0)
    service.create("cherry", COIN_SPACE, state=study_pb2.Study.STATE_COMPLETED)
    return service


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("", ["apple", "banana", "cherry"]),
        ("  ", ["apple", "banana", "cherry"]),
        ("state = ACTIVE", ["apple", "banana"]),
        ("state=completed", ["cherry"]),
        ("state != ACTIVE", ["cherry"]),
        ("state = PAUSED", []),
        ("study_id = banana", ["banana"]),
        ("study_id != banana", ["apple", "cherry"]),
        ("study_id < banana", ["apple"]),
        ("study_id <= banana", ["apple", "banana"]),
        ("study_id > banana", ["cherry"]),
        ("study_id >= banana", ["banana", "cherry"]),
        ("study_id : an", ["banana"]),
        ('display_name = "An \\"apple\\""', ["apple"]),
        ('display_name : "%"', ["banana"]),
        ('display_name : "a_b"', ["banana"]),
        ('display_name : "aXb"', []),
        ('labels.team = "vision"', ["apple"]),
        ("labels.team = vision AND labels.gpu = 1", ["apple"]),
        ("labels.team = speech AND labels.gpu = 1", []),
        ("labels.team != vision", ["banana", "cherry"]),
        ("labels.absent = x", []),
        ("prior = none", ["apple", "banana", "cherry"]),
        ("prior = auto", []),
        ("state = ACTIVE AND study_id : b AND prior = none", ["banana"]),
    ],
)
def test_studies_are_chosen(studies: Service, where: str, found: list[str]) -> None:
    """A filter lists those studies of which every comparison holds."""
    assert _studies(studies, where) == found


def test_studies_are_chosen_by_time(studies: Service) -> None:
    """Times are moments, whatever zone they are written in."""
    first = studies.send(wire.GetStudyRequest(name=f"{studies.parent}/studies/apple"))
    moment = first.create_time.ToDatetime(START.tzinfo)
    later = moment.isoformat().replace("+00:00", "Z")

    assert _studies(studies, f'create_time > "{later}"') == ["banana", "cherry"]
    assert _studies(studies, f"create_time <= {later}") == ["apple"]
    assert _studies(studies, f"create_time = {moment.isoformat()}") == ["apple"]
    assert _studies(studies, "create_time < 1900-01-01") == []
    assert len(_studies(studies, "create_time < 9999-12-31T23:59:59Z")) == 3


def test_studies_are_chosen_by_space(studies: Service) -> None:
    """Equal spaces have equal digests, so a filter finds all studies of one space."""
    apple = studies.send(wire.GetStudyRequest(name=f"{studies.parent}/studies/apple"))

    assert _studies(studies, f"space_digest = {apple.space_digest}") == ["apple", "banana"]


def test_trials_are_chosen(service: Service) -> None:
    """By state, client, origin and times."""
    study = service.create()
    for _ in range(3):
        study.add()
    (one,) = study.ask(client_id="ann's")
    study.ask(client_id="bob")
    service.clock.pass_by(10.0)
    study.complete(one, 0.5)
    study.service.send(
        wire.ImportTrialsRequest(
            parent=study.name,
            trials=[trial_pb2.Trial(parameters=one.parameters, state=trial_pb2.Trial.STATE_FAILED)],
        )
    )
    now = service.clock().isoformat()

    assert _trials(study, "state = RUNNING") == [2]
    assert _trials(study, "state != WAITING") == [1, 2, 4]
    assert _trials(study, 'client_id = "ann\'s"') == [1]
    assert _trials(study, "origin = IMPORTED") == [4]
    assert _trials(study, "origin = created AND state = WAITING") == [3]
    assert _trials(study, f"update_time >= {now}") == [1, 4]
    assert _trials(study, f"create_time < {now} AND update_time = {now}") == [1]


def test_a_filter_holds_on_every_page(service: Service) -> None:
    """Pages of a filtered list hold what the filter chooses and nothing else."""
    study = service.create()
    for _ in range(6):
        study.add()
    study.ask(3)
    request = wire.ListTrialsRequest(parent=study.name, filter="state = WAITING", page_size=2)
    first = service.send(request)
    request.page_token = first.next_page_token
    second = service.send(request)

    assert numbers([*first.trials, *second.trials]) == [4, 5, 6]
    assert not second.next_page_token


WRONG = [
    "state",
    "state =",
    "= ACTIVE",
    "state == ACTIVE",
    "state = ACTIVE OR state = PAUSED",
    "state = ACTIVE AND",
    "state = ACTIVE study_id = a",
    "state = ACTIVE ANDstudy_id = a",
    "NOT state = ACTIVE",
    "(state = ACTIVE)",
    "state = SLEEPING",
    "state > ACTIVE",
    "state : ACTIVE",
    "nothing = 1",
    "space = {}",
    "id = 1",
    "labels = x",
    "labels. = x",
    "labels.a.b = x",
    "study_id.x = y",
    'study_id = "unclosed',
    'study_id = "a" "b"',
    "space_digest : abc",
    "labels.team : vis",
    "create_time = yesterday",
    "create_time = 2026-13-45",
    "create_time : 2026",
    'study_id = "nul\0"',
    "study_id = nul\0",
    "x" * 5000,
    "study_id = a AND " * 300 + "study_id = a",
    "💥",
]


@pytest.mark.parametrize("where", WRONG)
def test_a_filter_that_is_not_understood_is_refused(service: Service, where: str) -> None:
    """With the field named, whatever the list."""
    study = service.create()
    for request in (
        wire.ListStudiesRequest(parent=service.parent, filter=where),
        wire.ListTrialsRequest(parent=study.name, filter=where),
    ):
        with pytest.raises(InvalidArgumentError) as refused:
            service.send(request)
        assert refused.value.field == "filter"


def test_a_filter_names_the_fields_there_are(service: Service) -> None:
    """A misspelt field is answered with the right ones."""
    with pytest.raises(InvalidArgumentError, match=r"labels\.KEY"):
        _studies(service, "label.team = vision")


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({"": "x"}, "no name"),
        ({"a b": "x"}, "no name"),
        ({'a"b': "x"}, "no name"),
        ({"x" * 64: "x"}, "no name"),
        ({"a.b": "x"}, "no name"),
        ({"a": "x" * 256}, "255"),
        ({"a": "nul\0"}, "NUL"),
        ({f"k{place}": "x" for place in range(65)}, "at most 64"),
    ],
)
def test_labels_have_bounds(service: Service, labels: Any, said: str) -> None:
    """Few, short, and with keys that a filter can name."""
    with pytest.raises(InvalidArgumentError, match=said) as refused:
        service.create(labels=labels)
    assert refused.value.field == "study.labels"


def test_every_label_can_be_found(service: Service) -> None:
    """Whatever key is stored, a filter finds the study by it; values may hold anything."""
    value = 'é "quoted" \\ 100%_\'; --'
    written = value.replace("\\", "\\\\").replace('"', '\\"')
    for key in ("a", "A-1_b", "0", "_", "-"):
        service.create(f"s-{ord(key[0])}", labels={key: value})
        assert len(_studies(service, f'labels.{key} = "{written}"')) == 1
    with pytest.raises(InvalidArgumentError):
        service.create("umlaut", labels={"schlüssel": "x"})
