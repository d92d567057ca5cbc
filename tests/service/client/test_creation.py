"""Creating studies, and opening those that exist."""

from datetime import timedelta

import pytest

from hyperbo_service.client import Client, MockTransport, Study
from hyperbo_service.errors import (
    AlreadyExistsError,
    InvalidArgumentError,
    StudyDiffersError,
)
from hyperbo_service.rpc.v1 import study_pb2
from tests.service.client.support import SPACE


def test_opening_again(client: Client, study: Study) -> None:
    """A study with the same space and metric is opened, by its id alone or in full."""
    study.ask()
    again = client.study("digits", space=SPACE, metric="accuracy", goal="maximise")

    assert again.name == client.study("digits").name == study.name
    assert again.metric == "accuracy"
    assert client.study("digits").info().trial_counts["running"] == 1


def test_opening_with_another_space(client: Client, study: Study) -> None:
    """A study's id is not reused with another space or metric."""
    for change in ({"space": {"lr": SPACE["lr"]}}, {"metric": "loss"}):
        settings = {"space": SPACE, "metric": "accuracy", "goal": "maximize"} | change
        with pytest.raises(StudyDiffersError):
            client.study(study.id, **settings)  # type: ignore[arg-type]


def test_existing_study_refused(client: Client, study: Study) -> None:
    """A study that must be new is refused where it exists."""
    with pytest.raises(AlreadyExistsError):
        client.study(
            study.id, space=SPACE, metric="accuracy", goal="maximize", allow_existing=False
        )


def test_settings_without_a_space(client: Client, study: Study) -> None:
    """Settings of a new study are not silently dropped where no space is given."""
    with pytest.raises(InvalidArgumentError, match="needs a search space"):
        client.study(study.id, max_trials=5)


def test_no_goal(client: Client) -> None:
    """A new study must say which way is better."""
    with pytest.raises(InvalidArgumentError, match="which way is better"):
        client.study("s", space=SPACE, metric="m")
    with pytest.raises(InvalidArgumentError, match="name of its metric"):
        client.study("s", space=SPACE, goal="maximize")


def test_settings_arrive(client: Client, mock: MockTransport) -> None:
    """Everything that a study is created with is in the request."""
    client.study(
        "s",
        space=SPACE,
        metric="m",
        goal="maximize",
        prior="none",
        max_trials=5,
        max_duration=timedelta(hours=1.5),
        target=0.25,
        early_stopping="successive-halving",
        seed=0,
        labels={"team": "vision"},
        display_name="Digits",
    )

    sent: study_pb2.Study = mock.calls[-1].request.study  # type: ignore[attr-defined]
    assert (sent.prior, sent.seed, sent.display_name) == ("none", 0, "Digits")
    assert sent.HasField("seed")
    assert dict(sent.labels) == {"team": "vision"}
    assert (sent.budget.max_trials, sent.budget.target) == (5, 0.25)
    assert sent.budget.max_duration.seconds == 5400
    assert sent.early_stopping.HasField("successive_halving")


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("median", "median"),
        ("halving", "successive_halving"),
        (study_pb2.MedianRule(min_trials=3), "median"),
        (study_pb2.SuccessiveHalving(min_step=2), "successive_halving"),
        (None, ""),
    ],
)
def test_stopping_rules(client: Client, rule: object, kind: str) -> None:
    """A stopping rule is given by name, as a message, or not at all."""
    study = client.study(
        "s",
        space=SPACE,
        metric="m",
        goal="maximize",
        early_stopping=rule,  # type: ignore[arg-type]
    )

    assert study.info().early_stopping == kind


def test_unknown_rule(client: Client) -> None:
    """A rule that does not exist is refused."""
    with pytest.raises(InvalidArgumentError, match="'best'"):
        client.study("s", space=SPACE, metric="m", goal="maximize", early_stopping="best")  # type: ignore[arg-type]
