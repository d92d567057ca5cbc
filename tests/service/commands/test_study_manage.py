"""`hyperbo study create`, `pause`, `resume`, `finish` and `delete`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from hyperbo_service.client import Client
from hyperbo_service.errors import NotFoundError

Cli = Callable[..., Result]
Refusal = Callable[..., str]


def test_metric_and_settings_reach_the_study(cli: Cli, client: Client, space_file: Path) -> None:
    """The metric comes from the space file, the rest from options."""
    result = cli(
        "study", "create", "digits", "--space", space_file, "--prior", "none",
        "--max-trials", "9", "--max-duration", "2h", "--target", "0.99", "--early-stopping",
        "halving", "--seed", "7", "--label", "team=vision", "--display-name", "Digits",
    )  # fmt: skip

    record = client.study("digits").info()
    assert result.exit_code == 0, result.output
    assert (record.metric, record.goal) == ("accuracy", "maximize")
    assert (record.max_trials, record.max_duration, record.target) == (9, 7200.0, 0.99)
    assert (record.early_stopping, record.seed) == ("successive_halving", 7)
    assert (record.labels, record.display_name) == ({"team": "vision"}, "Digits")


def test_created_twice_is_one(cli: Cli, client: Client, study: str, space_file: Path) -> None:
    """The same study again is the one there is."""
    again = cli("study", "create", study, "--space", space_file, "--json")

    assert json.loads(again.stdout)["id"] == study
    assert [each.id for each in client.studies()] == [study]


def test_new_refuses_what_there_is(refusal: Refusal, study: str, space_file: Path) -> None:
    """With `--new` a study of that name is refused."""
    assert "digits" in refusal("study", "create", study, "--space", space_file, "--new")


def test_other_space_is_refused(
    refusal: Refusal, client: Client, study: str, tmp_path: Path
) -> None:
    """A study's id is not reused with another search space, and the study stays as it was."""
    before = client.study(study).info()
    other = {"parameters": [{"type": "float", "name": "x", "low": 0, "high": 1}]}
    (tmp_path / "other.json").write_text(json.dumps(other))
    arguments = ("--space", tmp_path / "other.json", "--metric", "accuracy", "--goal", "maximize")

    assert "another" in refusal("study", "create", study, *arguments)
    assert client.study(study).info() == before


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        ('{"parameters": []', "is no JSON"),
        ('{"name": "lr"}', 'has no list "parameters"'),
        ('[{"type": "float", "name": "x", "low": 0, "high": 1}]', "Give --metric NAME"),
        ('[{"type": "float", "name": "x", "low": 0}]', "Give --metric NAME"),
    ],
)
def test_bad_space_file_says_what_is_wanted(
    refusal: Refusal, tmp_path: Path, content: str, remedy: str
) -> None:
    """A space file that cannot be used is answered with what it should hold."""
    (tmp_path / "bad.json").write_text(content)

    assert remedy in refusal("study", "create", "digits", "--space", tmp_path / "bad.json")


def test_paused_study_gives_no_trials(cli: Cli, study: str) -> None:
    """A paused study has no trial just now (4), a resumed one has, a finished one never (3)."""
    codes = []
    for command in ("pause", "resume", "finish"):
        assert cli("study", command, study).exit_code == 0
        codes.append(cli("trial", "ask", study).exit_code)

    assert codes == [4, 0, 3]


def test_resumed_with_a_larger_budget(cli: Cli, client: Client, study: str) -> None:
    """A study that has used its budget goes on with a larger one."""
    client.study(study).update(max_trials=1)
    for code in (0, 3):
        ended = cli("trial", "ask", study, "--format", "json")
        assert ended.exit_code in (code, 4)
        if code == 0:
            trial = json.loads(ended.stdout)
            token = str(trial["fencing_token"])
            cli("trial", "complete", trial["trial"], "0.5", "--fencing-token", token)

    resumed = cli("study", "resume", study, "--max-trials", "2")

    assert resumed.exit_code == 0, resumed.output
    assert cli("trial", "ask", study).exit_code == 0


def test_delete_needs_force(cli: Cli, refusal: Refusal, client: Client, filled: str) -> None:
    """A study with trials is deleted only if that is said in so many words."""
    assert "force" in refusal("study", "delete", filled)
    assert client.study(filled).info().state == "active"

    assert cli("study", "delete", filled, "--force").exit_code == 0
    with pytest.raises(NotFoundError):
        client.study(filled)


def test_unknown_study(refusal: Refusal) -> None:
    """A study that there is not is named."""
    assert "There is no study" in refusal("study", "finish", "nowhere")


def test_label_without_value(refusal: Refusal, space_file: Path) -> None:
    """A label is a pair."""
    message = refusal("study", "create", "digits", "--space", space_file, "--label", "vision")

    assert "KEY=VALUE" in message
