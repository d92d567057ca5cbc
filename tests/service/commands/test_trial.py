"""`hyperbo trial`: trials from the shell."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from hyperbo_service.choices import FormatName
from hyperbo_service.client import Client, Float
from hyperbo_service.commands.trial_formats import written
from hyperbo_service.errors import CommandError

Cli = Callable[..., Result]
Refusal = Callable[..., str]


@pytest.fixture
def held(cli: Cli, study: str) -> dict[str, str]:
    """The environment that `ask --format env` makes."""
    result = cli("trial", "ask", study, "--format", "env")
    assert result.exit_code == 0, result.output
    return evaluated(result.stdout)


def evaluated(lines: str) -> dict[str, str]:
    """What a shell has in its environment after evaluating lines."""
    ended = subprocess.run(
        ["bash", "-c", 'eval "$LINES_TO_EVALUATE"; env -0'],
        env={"PATH": os.environ["PATH"], "LINES_TO_EVALUATE": lines},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(each.split("=", 1) for each in ended.stdout.split("\0") if each)


def test_a_trial_from_the_shell(cli: Cli, client: Client, study: str, held: dict[str, str]) -> None:
    """Asked for, reported on and completed by three processes, with the token of the first."""
    name, token = held["HYPERBO_TRIAL"], held["HYPERBO_FENCING_TOKEN"]
    environment = {"HYPERBO_FENCING_TOKEN": token}
    cli("trial", "report", name, "0.5", "--step", "1", "--elapsed", "3", **environment)
    report = cli("trial", "report", name, "0.625", "--step", "2", "--json", **environment)
    ended = cli("trial", "complete", name, "--cost", "1.5", **environment)

    trial = client.study(study).trial(1)
    assert json.loads(report.stdout)["measurements"] == 2
    assert ended.exit_code == 0, ended.output
    assert (trial.state, trial.value, trial.cost) == ("completed", 0.625, 1.5)
    assert [each.step for each in trial.measurements] == [1, 2]
    assert trial.measurements[0].elapsed == 3.0


def test_environment_has_the_parameters(client: Client, study: str, held: dict[str, str]) -> None:
    """The variables are the trial's parameters, to the last digit."""
    parameters = client.study(study).trial(1).parameters

    for name, value in parameters.items():
        text = held[name]
        assert text == str(value).lower() if isinstance(value, bool) else type(value)(text) == value
        assert f"--{name}={text}" in held["HYPERBO_ARGS"].split()


def test_no_value_can_run_anything(tmp_path: Path) -> None:
    """Quotes, dollars, semicolons and lines in a category stay what they are."""
    nasty = f"a'b\"c $(touch {tmp_path}/ran) `touch {tmp_path}/ran`; touch {tmp_path}/ran\n& \\ *"
    lines = written("s/1", 3, {"kind": nasty}, FormatName.ENV, "")

    assert evaluated(lines)["kind"] == nasty
    assert list(tmp_path.iterdir()) == []


def test_arguments_survive_the_shell() -> None:
    """Arguments are quoted one by one."""
    line = written("s/1", 3, {"lr": 0.1, "kind": "a b"}, FormatName.ARGS, "")
    ended = subprocess.run(
        ["bash", "-c", f"printf '%s\\n' {line}"], capture_output=True, text=True, check=True
    )

    assert ended.stdout.splitlines() == ["--kind=a b", "--lr=0.1"]


@pytest.mark.parametrize("name", ["PATH", "ld_preload", "IFS", "BASH_ENV", "HYPERBO_TRIAL", "1x"])
def test_variables_with_a_meaning_are_not_set(name: str) -> None:
    """A parameter that would change what a shell runs is refused, until it has a prefix."""
    with pytest.raises(CommandError, match="--prefix"):
        written("s/1", 1, {name: 1}, FormatName.ENV, "")

    assert f"export hp_{name}=1" in written("s/1", 1, {name: 1}, FormatName.ENV, "hp_")


def test_two_names_of_one_variable() -> None:
    """Two parameters whose names differ only in what no variable may hold are refused."""
    with pytest.raises(CommandError, match="Two parameters"):
        written("s/1", 1, {"a.b": 1, "a-b": 2}, FormatName.ENV, "")


def test_no_trial_is_leased_that_cannot_be_written(refusal: Refusal, client: Client) -> None:
    """A study with a parameter `PATH` is refused before a trial is handed out."""
    space = {"PATH": Float(0.0, 1.0)}
    study = client.study("paths", space=space, metric="loss", goal="minimize", prior="none")

    assert "--prefix" in refusal("trial", "ask", "paths", "--format", "env")
    assert list(study.history()) == []


def test_negative_values(cli: Cli, client: Client, study: str, held: dict[str, str]) -> None:
    """A value below zero is a value, and no option."""
    environment = {"HYPERBO_FENCING_TOKEN": held["HYPERBO_FENCING_TOKEN"]}
    cli("trial", "report", f"{study}/1", "-2.5", "--step", "1", **environment)
    result = cli("trial", "complete", f"{study}/1", "-.5", **environment)

    trial = client.study(study).trial(1)
    assert result.exit_code == 0, result.output
    assert (trial.measurements[0].value, trial.value) == (-2.5, -0.5)


def test_same_client_gets_its_trial_back(cli: Cli, study: str) -> None:
    """Under a client id a script that starts again has its trial; another gets another."""
    names = [
        json.loads(cli("trial", "ask", study, "--client-id", worker).stdout)["trial"]
        for worker in ("one", "one", "two")
    ]

    assert names[0] == names[1] != names[2]


def test_same_request_changes_nothing_twice(cli: Cli, client: Client, study: str) -> None:
    """A command repeated under one request id is answered as at first."""
    first, again = (
        json.loads(cli("trial", "ask", study, "--request-id", "ask-of-script-1").stdout)
        for _ in range(2)
    )
    token = ("--fencing-token", first["fencing_token"], "--request-id", "done-of-script-1")
    codes = [cli("trial", "complete", first["trial"], "0.5", *token).exit_code for _ in range(2)]

    assert first == again
    assert codes == [0, 0]
    assert client.study(study).info().trial_counts["completed"] == 1


def test_request_id_of_something_else(cli: Cli, refusal: Refusal, study: str) -> None:
    """A request id that another command bore is refused."""
    cli("trial", "ask", study, "--request-id", "ask-of-script-1")

    message = refusal("trial", "abandon", f"{study}/1", "--request-id", "ask-of-script-1")
    assert "ask-of-script-1" in message


def test_reports_need_the_token(refusal: Refusal, study: str, held: dict[str, str]) -> None:
    """Who does not say under which token is told how."""
    assert held["HYPERBO_TRIAL"].endswith("/1")
    assert "--fencing-token" in refusal("trial", "report", f"{study}/1", "0.5", "--step", "1")


def test_late_report_changes_nothing(
    cli: Cli, refusal: Refusal, client: Client, study: str
) -> None:
    """Under the token of a lease that is over nothing is taken in."""
    ask = ("trial", "ask", study, "--client-id", "one")
    old = json.loads(cli(*ask).stdout)
    new = json.loads(cli(*ask).stdout)
    assert new["fencing_token"] > old["fencing_token"]
    before = client.study(study).trial(1)

    late = ("--fencing-token", old["fencing_token"])
    refusal("trial", "complete", old["trial"], "0.9", *late)
    refusal("trial", "report", old["trial"], "0.9", "--step", "1", *late)
    refusal("trial", "fail", old["trial"], *late)

    assert client.study(study).trial(1) == before


@pytest.mark.parametrize(("command", "state"), [("fail", "failed"), ("infeasible", "infeasible")])
def test_ends_with_a_reason(
    cli: Cli, client: Client, study: str, held: dict[str, str], command: str, state: str
) -> None:
    """A trial that gave no result ends with the reason that was told."""
    token = ("--fencing-token", held["HYPERBO_FENCING_TOKEN"], "--reason", "out of memory")
    result = cli("trial", command, f"{study}/1", *token, "--json")

    trial = client.study(study).trial(1)
    assert json.loads(result.stdout)["state"] == state
    assert (trial.state, trial.reason) == (state, "out of memory")


def test_given_up_without_a_token(cli: Cli, client: Client, study: str) -> None:
    """Anyone may give a trial up; it does not count against the budget."""
    client.study(study).update(max_trials=1)
    cli("trial", "ask", study)
    assert cli("trial", "ask", study).exit_code == 4

    assert cli("trial", "abandon", f"{study}/1").exit_code == 0
    assert cli("trial", "ask", study).exit_code == 0


@pytest.mark.parametrize(("value", "word"), [("nan", "finite"), ("-inf", "finite")])
def test_what_is_no_result(
    refusal: Refusal, study: str, held: dict[str, str], value: str, word: str
) -> None:
    """A result that is no finite number is refused with the remedy."""
    token = ("--fencing-token", held["HYPERBO_FENCING_TOKEN"])

    assert word in refusal("trial", "complete", f"{study}/1", value, *token)


def test_nothing_reported(refusal: Refusal, study: str, held: dict[str, str]) -> None:
    """Without a value and a report there is no result."""
    token = ("--fencing-token", held["HYPERBO_FENCING_TOKEN"])

    assert "must be given" in refusal("trial", "complete", f"{study}/1", *token)


@pytest.mark.parametrize("name", ["digits", "digits/x", "a/b/c/d", "digits/0"])
def test_what_names_no_trial(refusal: Refusal, name: str) -> None:
    """A trial is named by its study and number."""
    assert "wanted" in refusal("trial", "show", name)


def test_shown_as_arguments(cli: Cli, study: str, held: dict[str, str]) -> None:
    """A trial that was asked for can be written in every format again."""
    shown = cli("trial", "show", held["HYPERBO_TRIAL"], "--format", "args")
    document = json.loads(cli("trial", "show", f"{study}/1").stdout)

    assert shown.stdout.strip() == held["HYPERBO_ARGS"]
    assert document["state"] == "running"


@pytest.mark.parametrize("lease", ["0s", "31d"])
def test_lease_has_bounds(refusal: Refusal, study: str, lease: str) -> None:
    """A lease lasts from a second to thirty days."""
    assert "30 days" in refusal("trial", "ask", study, "--lease", lease)


def test_no_span_of_time(refusal: Refusal, study: str) -> None:
    """A lease that is no time is answered with what one looks like."""
    assert "15m" in refusal("trial", "ask", study, "--lease", "soon")
