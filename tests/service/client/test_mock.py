"""The mock service keeps the rules of the real one."""

import pytest

from hyperbo_service.client import Categorical, Client, Discrete, Fixed, Float, Integer
from hyperbo_service.client.mock import MockTransport
from hyperbo_service.errors import (
    IllegalMoveError,
    InvalidArgumentError,
    OutsideSpaceError,
    RequestReusedError,
    UnavailableError,
    UnsupportedError,
)
from hyperbo_service.rpc.v1 import tuning_service_pb2 as tuning
from tests.service.client.support import SPACE


def test_points_from_the_space() -> None:
    """Without suggestions, points are drawn from the search space, conditions kept."""
    mock = MockTransport()
    below = {"sgd": {"momentum": Float(0.5, 0.99, "reverse_log")}}
    space = {
        "lr": Float(1e-5, 1.0, "log"),
        "layers": Integer(1, 8),
        "batch": Discrete([16, 32.5]),
        "optimizer": Categorical(["adam", "sgd"], below),
        "epochs": Fixed(10),
    }
    study = Client(transport=mock).study("s", space=space, metric="m", goal="maximize")
    configs = [trial.parameters for trial in study.ask(50)]

    assert len({config["lr"] for config in configs}) == 50
    assert all(1e-5 <= float(config["lr"]) <= 1.0 for config in configs)
    assert {config["optimizer"] for config in configs} == {"adam", "sgd"}
    assert all(("momentum" in each) == (each["optimizer"] == "sgd") for each in configs)
    for config in configs:
        study.tell(config, 0.5)


def test_suggestion_outside_the_space() -> None:
    """A suggestion that the study's space does not admit is found out."""
    study = Client(transport=MockTransport([{"lr": 2.0, "layers": 1}])).study(
        "s", space=SPACE, metric="m", goal="maximize"
    )
    with pytest.raises(OutsideSpaceError, match="lr"):
        study.ask()


@pytest.mark.parametrize(
    "config",
    [
        {"lr": 0.1},
        {"lr": 0.1, "layers": 1.0},
        {"lr": 0.1, "layers": True},
        {"lr": "0.1", "layers": 1},
        {"lr": 0.1, "layers": 1, "width": 3},
    ],
)
def test_configurations_are_checked(config: dict[str, object]) -> None:
    """Missing and unknown parameters and values of another kind are refused."""
    study = Client(transport=MockTransport()).study("s", space=SPACE, metric="m", goal="maximize")
    with pytest.raises(OutsideSpaceError):
        study.enqueue(config)


def test_request_id_of_another_call(mock: MockTransport) -> None:
    """A request id cannot be used for another call."""
    request = tuning.CreateStudyRequest(parent="projects/default", study_id="a")
    with pytest.raises(InvalidArgumentError, match="request id"):
        mock.call("CreateStudy", request)
    Client(transport=mock).study("a", space=SPACE, metric="m", goal="maximize")
    used = mock.calls[-1].request
    assert isinstance(used, tuning.CreateStudyRequest)
    other = tuning.DeleteStudyRequest(name="x", request_id=used.request_id)
    with pytest.raises(RequestReusedError):
        mock.call("DeleteStudy", other)


def test_failure_of_one_method(mock: MockTransport) -> None:
    """A failure waits for its method."""
    mock.fail_next(UnavailableError("down"), method="DeleteStudy")
    client = Client(transport=mock, patience=0.0)
    study = client.study("a", space=SPACE, metric="m", goal="maximize")
    with pytest.raises(UnavailableError):
        study.delete()
    study.delete()


def test_failure_before_and_after(mock: MockTransport) -> None:
    """A call fails before anything is done, or after all of it is."""
    client = Client(transport=mock, patience=0.0)
    for after in (False, True):
        mock.fail_next(UnavailableError("down"), after=after)
        with pytest.raises(UnavailableError):
            client.study("a", space=SPACE, metric="m", goal="maximize")
        assert len(list(client.studies())) == after


def test_finished_trial_does_not_change(mock: MockTransport) -> None:
    """A finished trial cannot be given up by another."""
    study = Client(transport=mock).study("a", space=SPACE, metric="m", goal="maximize")
    with study.ask() as trial:
        trial.report(0.5)
    again = tuning.AbandonTrialRequest(name=trial.name, request_id="0123456789")
    with pytest.raises(IllegalMoveError, match="completed"):
        mock.call("AbandonTrial", again)


def test_filters_are_refused(mock: MockTransport) -> None:
    """What the mock does not do, it says."""
    with pytest.raises(UnsupportedError, match="filter"):
        list(Client(transport=mock).studies("state = ACTIVE"))
