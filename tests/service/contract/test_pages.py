"""Pages: lists of any length are read part by part, each within one message."""

from collections.abc import Callable
from typing import Any

import pytest

from hyperbo_service import trials
from hyperbo_service.client import requests
from hyperbo_service.errors import InvalidArgumentError, NotFoundError
from hyperbo_service.listing import write_token
from hyperbo_service.rpc import parts
from hyperbo_service.rpc.v1 import prior_service_pb2 as priors
from hyperbo_service.rpc.v1 import trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from tests.service.contract.services import (
    Service,
    Studied,
    curve,
    metric_value,
    numbers,
)

FULL = trial_pb2.TRIAL_VIEW_FULL


def _pages(service: Service, request: Any) -> list[Any]:
    """All pages of a list."""
    found = [service.send(request)]
    while found[-1].next_page_token:
        request.page_token = found[-1].next_page_token
        found.append(service.send(request))
    return found


def _fill(study: Studied, count: int, **fields: Any) -> None:
    """Import so many completed trials."""
    trial = trial_pb2.Trial(
        parameters=study.add().parameters,
        state=trial_pb2.Trial.STATE_COMPLETED,
        values=[metric_value(0.5)],
        **fields,
    )
    service = study.service
    service.send(wire.DeleteTrialRequest(name=f"{study.name}/trials/1"))
    for start in range(0, count, 1000):
        many = [trial] * min(1000, count - start)
        service.send(wire.ImportTrialsRequest(parent=study.name, trials=many))


def test_studies_are_listed_by_pages_in_the_order_they_were_made(service: Service) -> None:
    """Ten studies in pages of three: each once, also those made at the same moment."""
    for place in range(10):
        service.create(f"s{9 - place}")
        service.clock.pass_by(place % 2)

    pages = _pages(service, wire.ListStudiesRequest(parent=service.parent, page_size=3))

    assert [len(page.studies) for page in pages] == [3, 3, 3, 1]
    ids = [study.name.rpartition("/")[2] for page in pages for study in page.studies]
    assert ids == [f"s{9 - place}" for place in range(10)]


def test_listed_studies_count_their_trials(service: Service) -> None:
    """As a study that is read alone does."""
    study = service.create()
    study.finished(0.5)
    study.add()

    (page,) = _pages(service, wire.ListStudiesRequest(parent=service.parent))

    assert list(page.studies) == [study.get()]


def test_projects_do_not_see_each_other(service: Service) -> None:
    """A list holds the studies of its own project."""
    service.create()
    other = service.alone()

    assert not service.alone().send(wire.ListStudiesRequest(parent=other.parent)).studies
    with pytest.raises(NotFoundError):
        other.send(wire.GetStudyRequest(name=f"{other.parent}/studies/s"))


def test_thousands_of_trials_are_listed_by_pages(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2,500 trials: full pages of a thousand, each trial once and in order."""
    study = service.create()
    monkeypatch.setattr(trials, "check_configuration", lambda study, given, field: dict(given))  # noqa: ARG005 - so many would take long
    _fill(study, 2500)

    pages = _pages(service, wire.ListTrialsRequest(parent=study.name, page_size=5000))

    assert [len(page.trials) for page in pages] == [1000, 1000, 500]
    found = numbers(trial for page in pages for trial in page.trials)
    assert found == list(range(2, 2502))


def test_a_page_has_a_hundred_unless_told_otherwise(service: Service) -> None:
    """Zero stands for the default; a whole number of pages ends without an empty one."""
    study = service.create()
    _fill(study, 200)

    pages = _pages(service, wire.ListTrialsRequest(parent=study.name))

    assert [len(page.trials) for page in pages] == [100, 100]


def test_trials_may_come_and_go_between_pages(service: Service) -> None:
    """What is deleted is not shown, what is added is, and nothing is shown twice."""
    study = service.create()
    for _ in range(5):
        study.add()
    request = wire.ListTrialsRequest(parent=study.name, page_size=2)
    first = service.send(request)
    for number in (2, 3):
        service.send(wire.DeleteTrialRequest(name=f"{study.name}/trials/{number}"))
    study.add()
    request.page_token = first.next_page_token

    rest = _pages(service, request)

    assert numbers(trial for page in rest for trial in page.trials) == [4, 5, 6]


def test_the_basic_view_counts_measurements_and_the_full_one_shows_them(service: Service) -> None:
    """Otherwise both say the same."""
    study = service.create()
    study.add(state=trial_pb2.Trial.STATE_INFEASIBLE, measurements=curve(0.1, 0.2))
    request = wire.ListTrialsRequest(parent=study.name)
    (basic,) = service.send(request).trials
    request.view = FULL
    (full,) = service.send(request).trials

    assert basic.measurement_count == full.measurement_count == len(full.measurements) == 2
    full.ClearField("measurements")
    assert basic == full


def test_a_study_larger_than_a_message_is_read_by_pages(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages end before they grow too large: by bytes, and by measurements before they are read."""
    study = service.create()
    _fill(study, 30, measurements=curve(*[0.5] * 40), reason="r" * 500)
    whole = service.send(wire.ListTrialsRequest(parent=study.name, view=FULL)).trials
    monkeypatch.setattr(parts, "LARGEST_PART", 4 * 2**10)
    request = wire.ListTrialsRequest(parent=study.name, page_size=1000)

    basic = _pages(service, request)
    request.view, request.page_token = FULL, ""
    full = _pages(service, request)
    monkeypatch.setattr(parts, "LARGEST_PART", 2**20)
    monkeypatch.setattr(parts, "MOST_MEASUREMENTS", 100)
    request.page_token = ""
    measured = _pages(service, request)

    assert max(page.ByteSize() for page in basic) < 5 * 2**10
    assert [len(page.trials) for page in measured] == [2] * 15
    for pages in (full, measured):
        assert [trial for page in pages for trial in page.trials] == list(whole)
    assert numbers(t for page in basic for t in page.trials) == numbers(whole)


def test_an_export_of_a_large_study_comes_in_parts(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No part is too large, the parts hold every trial once, and the study comes first."""
    study = service.create()
    _fill(study, 30, measurements=curve(*[0.5] * 40))
    monkeypatch.setattr(parts, "LARGEST_PART", 4 * 2**10)

    found = [wire.ExportStudyResponse.FromString(part) for part in study.export()]

    assert found[0].study == study.get()
    assert not any(part.HasField("study") for part in found[1:])
    assert numbers(t for part in found for t in part.trials) == list(range(2, 32))
    assert max(part.ByteSize() for part in found[1:]) < 8 * 2**10


def test_studies_larger_than_a_message_are_listed_by_pages(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page of studies ends early too; one that is too large alone still comes."""
    for place in range(4):
        service.create(f"s{place}", display_name="d" * 200)
    monkeypatch.setattr(parts, "LARGEST_PART", 100)

    pages = _pages(service, wire.ListStudiesRequest(parent=service.parent))

    assert [len(page.studies) for page in pages] == [1, 1, 1, 1]


LISTS: dict[str, Callable[[Studied], Any]] = {
    "studies": lambda study: wire.ListStudiesRequest(parent=study.service.parent, page_size=1),
    "trials": lambda study: wire.ListTrialsRequest(parent=study.name, page_size=1),
    "priors": lambda study: priors.ListPriorsRequest(parent=study.service.parent, page_size=1),
}


def test_a_token_belongs_to_one_list(service: Service) -> None:
    """Of another study, another kind of list or with another filter it is refused."""
    study, other = service.create("a"), service.create("b")
    for each in (study, other):
        each.add()
        each.add()
    lists = [
        wire.ListTrialsRequest(parent=study.name, page_size=1),
        wire.ListTrialsRequest(parent=other.name, page_size=1),
        wire.ListTrialsRequest(parent=study.name, page_size=1, filter="state = WAITING"),
        wire.ListStudiesRequest(parent=service.parent, page_size=1),
    ]
    tokens = [service.send(request).next_page_token for request in lists]
    assert all(tokens)

    for request in lists:
        for token in tokens:
            if token == tokens[lists.index(request)]:
                continue
            request.page_token = token
            with pytest.raises(InvalidArgumentError) as refused:
                service.send(request)
            assert refused.value.field == "page_token"


@pytest.mark.parametrize("make", LISTS.values(), ids=LISTS)
def test_a_token_that_was_never_given_is_refused(service: Service, make: Any) -> None:
    """Damaged, cut or invented ones, whatever they decode to."""
    study = service.create()
    study.add()
    request = make(study)
    for token in ("x", "AAAA", "e30", "bnVsbA", "WzEsMl0", "W10", "'; DROP TABLE trials; --", "😀"):
        request.page_token = token
        with pytest.raises(InvalidArgumentError) as refused:
            service.send(request)
        assert refused.value.field == "page_token"


@pytest.mark.parametrize(
    "place",
    [
        ["x\0", 1],
        ["\ud800", 1],
        ["x", 2**63],
        ["x", -(2**63)],
        ["2026-01-01T00:00:00+00:00\0", 1],
        [1.5, 1],
        ["x", True],
        [None, 1],
        ["x", 1, 1],
        {"a": 1},
        "x1",
        [["x"], 1],
    ],
)
def test_a_forged_token_is_refused_or_harmless(service: Service, place: Any) -> None:
    """Also one that bears the list's own digest; the database never sees what it cannot store."""
    study = service.create()
    study.add()
    for request, listed in (
        (wire.ListStudiesRequest(parent=service.parent), ("studies", service.project, "")),
        (wire.ListTrialsRequest(parent=study.name), ("trials", study.name, "")),
        (priors.ListPriorsRequest(parent=service.parent), ("priors", service.project, "")),
    ):
        request.page_token = write_token(place, *listed)
        with pytest.raises(InvalidArgumentError):
            service.send(request)


@pytest.mark.parametrize("make", LISTS.values(), ids=LISTS)
def test_a_page_size_is_not_negative(service: Service, make: Any) -> None:
    """A negative size is refused."""
    request = make(service.create())
    request.page_size = -1

    with pytest.raises(InvalidArgumentError) as refused:
        service.send(request)
    assert refused.value.field == "page_size"


def test_an_unknown_view_is_refused(service: Service) -> None:
    """In lists, of single trials and of the best."""
    study = service.create()
    trial = study.add()
    for request in (
        wire.ListTrialsRequest(parent=study.name, view=99),
        wire.GetTrialRequest(name=trial.name, view=99),
        wire.ListBestTrialsRequest(parent=study.name, view=99),
    ):
        with pytest.raises(InvalidArgumentError) as refused:
            service.send(request)
        assert refused.value.field == "view"


def test_the_client_reads_all_pages(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the public client: a history longer than a page is one loop."""
    monkeypatch.setattr(requests, "PAGE", 10)
    study = service.create()
    _fill(study, 25)
    with service.client() as client:
        found = [trial.number for trial in client.study("s").history()]

    assert found == list(range(2, 27))
