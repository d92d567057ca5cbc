"""`hyperbo study list`, `show`, `trials`, `best`, `predict`, `prior-report` and `watch`."""

import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import Result

from hyperbo_service.client import Client, Float, MockTransport, StudyChange
from hyperbo_service.commands.study_watch import Picture

Cli = Callable[..., Result]
Refusal = Callable[..., str]


def test_list_and_filter(cli: Cli, client: Client, study: str) -> None:
    """All studies by default, those that a filter lets through else."""
    client.study(study).update(labels={"team": "vision"})

    everyone = json.loads(cli("study", "list", "--json").stdout)
    nobody = json.loads(cli("study", "list", "--filter", 'labels.team = "text"', "--json").stdout)

    assert [each["id"] for each in everyone] == [study]
    assert nobody == []
    assert study in cli("study", "list").stdout


def test_malformed_filter(refusal: Refusal) -> None:
    """A filter that cannot be read is refused."""
    assert "filter" in refusal("study", "list", "--filter", "colour ~ red").lower()


def test_show_tells_state_and_best(cli: Cli, filled: str) -> None:
    """A study is shown with its counts, best trial and space."""
    shown = cli("study", "show", filled).stdout
    document = json.loads(cli("study", "show", filled, "--json").stdout)

    assert "1 completed" in shown
    assert "0.75 in trial 1" in shown
    assert "if sgd" in shown
    assert document["best"]["parameters"]["lr"] == 0.1
    assert document["trial_counts"]["infeasible"] == 1


def test_trials_by_state(cli: Cli, filled: str) -> None:
    """Trials are listed by number, or those in one state."""
    everyone = json.loads(cli("study", "trials", filled, "--json").stdout)
    failed = json.loads(cli("study", "trials", filled, "--state", "failed", "--json").stdout)

    assert [each["number"] for each in everyone] == [1, 2, 3, 4]
    assert [each["reason"] for each in failed] == ["disk full"]
    assert "out of memory" in cli("study", "trials", filled).stdout


def test_curves_only_where_asked_for(cli: Cli, filled: str) -> None:
    """Learning curves are read with `--curves`, and not without."""
    bare = json.loads(cli("study", "trials", filled, "--limit", "1", "--json").stdout)
    full = json.loads(cli("study", "trials", filled, "--limit", "1", "--curves", "--json").stdout)

    assert bare[0]["measurements"] == []
    assert [each["step"] for each in full[0]["measurements"]] == [1, 2]


def test_best_of_none_is_code_4(cli: Cli, study: str) -> None:
    """Where nothing is completed there is no best trial, and the exit code says so."""
    assert cli("study", "best", study).exit_code == 4


def test_predicts_at_pairs_and_at_a_file(cli: Cli, filled: str, tmp_path: Path) -> None:
    """A configuration written as pairs and the same in a file are predicted alike."""
    (tmp_path / "grid.csv").write_text("lr,layers,optimizer,nesterov,epochs\n0.1,2,sgd,true,3\n")
    pairs = ("lr=0.1", "layers=2", "optimizer=sgd", "nesterov=true", "epochs=3")

    one = json.loads(cli("study", "predict", filled, *pairs, "--json").stdout)
    many = cli("study", "predict", filled, "--points", tmp_path / "grid.csv", "--json")

    assert json.loads(many.stdout) == one
    assert one[0]["lower"] < one[0]["median"] < one[0]["upper"]
    assert one[0]["parameters"]["nesterov"] is True


@pytest.mark.parametrize(
    ("pairs", "word"),
    [
        (("lr=0.1", "depth=2"), "no parameter 'depth'"),
        (("lr=fast",), "wanted a number from"),
        (("optimizer=lion",), "one of adam, sgd"),
        (("layers",), "no NAME=VALUE"),
        ((), "Say where to predict"),
    ],
)
def test_what_cannot_be_predicted(
    refusal: Refusal, study: str, pairs: tuple[str, ...], word: str
) -> None:
    """A configuration that is none is refused with what is wanted."""
    assert word in refusal("study", "predict", study, *pairs)


def test_report_without_a_prior(cli: Cli, filled: str) -> None:
    """A study that starts from nothing has nothing to compare, and says so."""
    result = cli("study", "prior-report", filled, "--json")

    assert json.loads(result.stdout)["verdict"] == "nothing_to_compare"
    assert "nothing to compare" in cli("study", "prior-report", filled).stdout


def test_watch_ends_with_the_study(cli: Cli, client: Client, filled: str) -> None:
    """Without a terminal there is a line for each trial, and the end of the study ends it."""
    client.study(filled).finish()

    lines = cli("study", "watch", filled).stdout.splitlines()
    written = cli("study", "watch", filled, "--json").stdout.splitlines()
    events = [json.loads(line) for line in written]

    assert lines[0].startswith("digits: completed")
    assert "trial 1: completed accuracy=0.75" in lines[1]
    assert [each["event"] for each in events] == ["study", *["trial"] * 4]


@pytest.fixture
def changes() -> Iterator[Callable[[], StudyChange]]:
    """All of a mock study of three trials, one of them running, as one change."""
    client = Client(transport=MockTransport([{"x": each} for each in (0.3, 0.1, 0.2)]))
    study = client.study("toy", space={"x": Float(0.0, 1.0)}, metric="loss", goal="minimize")
    first, second, _ = study.ask(3)
    first.complete(0.3)
    second.complete(0.1)

    def change() -> StudyChange:
        return StudyChange(study.info(), tuple(study.history()), (), datetime.now(UTC))

    yield change
    client.close()


def test_picture_shows_the_best(changes: Callable[[], StudyChange]) -> None:
    """The table names the best trial by the study's own direction."""
    picture = Picture()
    picture.take(changes())
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(picture.table())

    assert picture.best.number == 2
    assert "best loss: 0.1 in trial 2" in console.export_text()


def test_picture_forgets_what_was_deleted(changes: Callable[[], StudyChange]) -> None:
    """A deleted trial is no longer shown."""
    picture, change = Picture(), changes()
    picture.take(change)
    picture.take(StudyChange(None, (), (change.trials[1].name,), None))

    assert [trial.number for trial in picture.trials.values()] == [1, 3]
    assert picture.best.number == 1
