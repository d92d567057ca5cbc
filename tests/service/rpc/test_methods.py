"""The table of methods: all that the services have, and what each is like."""

import pytest

from hyperbo_service.app import open_backend
from hyperbo_service.rpc.methods import METHODS, SERVICES, Method

MUTATING = {
    "AbandonTrial",
    "CompleteTrial",
    "CreateStudy",
    "CreateTrial",
    "DeleteStudy",
    "DeleteTrial",
    "FailTrial",
    "ImportTrials",
    "MarkTrialInfeasible",
    "ReportMeasurement",
    "RetirePrior",
    "SuggestTrials",
    "UpdateStudy",
    "UploadPrior",
}


def test_there_are_two_services_and_their_methods() -> None:
    """Each method once, by its own name and full path."""
    assert SERVICES == ("hyperbo.v1.TuningService", "hyperbo.v1.PriorService")
    assert len(METHODS) == 29
    assert all(method.path.endswith(f"/{name}") for name, method in METHODS.items())


def test_what_changes_something_carries_a_request_id() -> None:
    """And nothing else does, but a heartbeat, which may be repeated without harm."""
    assert {name for name, method in METHODS.items() if method.is_mutating} == MUTATING


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_the_api_has_every_method(method: Method) -> None:
    """Under its name."""
    backend = open_backend("sqlite://")
    found = backend.api._methods[method.name]
    backend.close()

    assert callable(found)
    assert found.__name__ == method.name
