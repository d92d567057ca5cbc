"""`hyperbo study export` and `import`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from hyperbo_datasets.sources.csv import load
from hyperbo_service.client import Client

Cli = Callable[..., Result]
Refusal = Callable[..., str]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_exported_table_is_read_as_tuning_results(
    cli: Cli, filled: str, tmp_path: Path, suffix: str
) -> None:
    """The table and the space file beside it are what `hyperbo data import csv` reads."""
    path = tmp_path / f"out{suffix}"
    result = cli("study", "export", filled, path)

    table = load(path, tmp_path / "out.space.json")
    rows = table.frame.sort_values("lr", ascending=False).to_dict("records")
    assert result.exit_code == 0, result.output
    assert "left out, as not finished: 1 trial" in result.stderr
    assert table.tasks == (filled,)
    assert [row["status"] for row in rows] == ["completed", "infeasible", "failed"]
    assert [row["nesterov"] for row in rows] == [None, True, False]
    assert (rows[0]["accuracy"], rows[0]["layers"], rows[0]["epochs"]) == (0.75, 2, 3)
    assert all(row["cost"] >= 0.0 for row in rows)


def test_exported_study_is_the_same_elsewhere(
    cli: Cli, client: Client, filled: str, tmp_path: Path
) -> None:
    """An exported study is made anew with its trials, curves, times, costs and state."""
    opened, path = client.study(filled), tmp_path / "digits.json"
    opened.update(labels={"team": "vision"}, max_trials=20)
    opened.finish()
    cli("study", "export", filled, path)

    result = cli("study", "import", path, "--into", "copy")

    copy = client.study("copy")
    old = [each for each in opened.history(measurements=True) if each.state != "waiting"]
    new = list(copy.history(measurements=True))
    assert result.exit_code == 0, result.output
    assert copy.info().state == "completed"
    assert (copy.info().labels, copy.info().max_trials) == ({"team": "vision"}, 20)
    for field in ("state", "parameters", "values", "measurements", "reason", "cost", "ended"):
        assert [getattr(each, field) for each in new] == [getattr(each, field) for each in old]


def test_same_file_twice_adds_nothing(
    cli: Cli, client: Client, filled: str, tmp_path: Path
) -> None:
    """An import that is repeated adds no trial twice, unless it is said to be another batch."""
    path = tmp_path / "digits.json"
    cli("study", "export", filled, path)
    for batch in ("", "", "more"):
        assert cli("study", "import", path, "--into", "copy", "--batch", batch).exit_code == 0

    assert len(list(client.study("copy").history())) == 6


def test_table_of_trials_is_imported(cli: Cli, client: Client, study: str, tmp_path: Path) -> None:
    """Columns become parameters, metric and status; what a status says is kept."""
    path = tmp_path / "old.csv"
    path.write_text(
        "task,lr,layers,optimizer,nesterov,epochs,accuracy,status,started\n"
        "a,0.1,2.0,adam,,3,0.9,,monday\n"
        'b,0.01,3,"sgd",TRUE,3,,diverged,tuesday\n'
    )
    refused = cli("study", "import", path, "--into", study)
    path.write_text(path.read_text().replace("TRUE", "true"))
    result = cli("study", "import", path, "--into", study, "--ignore", "started")

    assert "column 'started' is neither" in refused.stderr
    assert result.exit_code == 0, result.output
    first, second = client.study(study).history()
    assert (first.state, first.value, first.parameters["layers"]) == ("completed", 0.9, 2)
    assert (second.state, second.parameters["nesterov"]) == ("infeasible", True)


def test_exported_table_comes_back(cli: Cli, client: Client, filled: str, tmp_path: Path) -> None:
    """What was exported as a table can be imported as one."""
    cli("study", "export", filled, tmp_path / "digits.csv")

    assert cli("study", "import", tmp_path / "digits.csv", "--into", filled).exit_code == 0
    trials = list(client.study(filled).history())
    assert [each.parameters for each in trials[4:]] == [each.parameters for each in trials[:3]]
    assert [each.cost for each in trials[4:]] == [2.5, None, None]


def test_one_bad_row_imports_nothing(
    refusal: Refusal, client: Client, study: str, tmp_path: Path
) -> None:
    """A row that cannot be read is named, and none of the others is added."""
    path = tmp_path / "old.csv"
    head = "lr,layers,optimizer,epochs,accuracy\n0.1,2,adam,3,0.9\n"
    for row, word in (
        ("fast,2,adam,3,0.9", "row 2: lr is 'fast'"),
        ("0.1,2,adam,3,", "row 2: there is no accuracy"),
        ("0.1,2,adam,3,high", "wanted a number"),
        ("7,2,adam,3,0.5", "lr"),
        ("0.1,2,adam,3", "4 cells"),
    ):
        path.write_text(head + row + "\n")
        assert word in refusal("study", "import", path, "--into", study)

    assert list(client.study(study).history()) == []


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("{", "is no JSON"),
        ('{"trials": []}', "is no exported study"),
        ('{"format": "hyperbo.study", "format_version": 9}', "Use the release that wrote it"),
        ('{"format": "hyperbo.study", "format_version": 1, "study": {}}', "not as it was written"),
    ],
)
def test_what_is_no_export(refusal: Refusal, tmp_path: Path, content: str, word: str) -> None:
    """A JSON file that no export wrote is refused."""
    (tmp_path / "digits.json").write_text(content)

    assert word in refusal("study", "import", tmp_path / "digits.json")


def test_failed_export_leaves_the_old_file(refusal: Refusal, tmp_path: Path) -> None:
    """Where there is no such study, the file that was there stays, and nothing beside it."""
    path = tmp_path / "digits.json"
    path.write_text("older")
    refusal("study", "export", "nowhere", path)

    assert path.read_text() == "older"
    assert [each.name for each in tmp_path.iterdir() if each.suffix != ""] == ["digits.json"]


def test_parameter_named_like_a_column(
    cli: Cli, refusal: Refusal, client: Client, tmp_path: Path
) -> None:
    """A study with a parameter `seed` cannot be a table; it is referred to JSON, which works."""
    space = {"parameters": [{"type": "integer", "name": "seed", "low": 1, "high": 9}]}
    client.study("seeds", space=space, metric="loss", goal="minimize", prior="none")

    assert "Export it to a .json" in refusal("study", "export", "seeds", tmp_path / "seeds.csv")
    assert cli("study", "export", "seeds", tmp_path / "seeds.json").exit_code == 0
    assert json.loads((tmp_path / "seeds.json").read_text())["study"]["id"] == "seeds"


def test_unknown_suffix(refusal: Refusal, study: str, tmp_path: Path) -> None:
    """The format is told by the suffix."""
    assert "wanted .json, .csv or .parquet" in refusal("study", "export", study, tmp_path / "a.xls")


def test_table_needs_a_study(refusal: Refusal, tmp_path: Path) -> None:
    """A table does not say which study it is of."""
    (tmp_path / "old.csv").write_text("lr\n0.1\n")

    assert "--into STUDY" in refusal("study", "import", tmp_path / "old.csv")
