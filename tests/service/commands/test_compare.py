"""`hyperbo study`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

import hyperbo.jobs.slurm_executor  # noqa: F401 - its logs would be bound to a command's output
from hyperbo.benchmark import load_evaluations
from hyperbo.benchmark.trained_methods import hyperbo_recipe
from hyperbo_service.choices import MethodName
from hyperbo_service.offline.methods import METHODS

Run = Callable[..., Result]
Refused = Callable[..., str]


@pytest.fixture
def arguments(tmp_path: Path) -> tuple[str | Path, ...]:
    """A study of few trials in this process."""
    return (
        "study", "toy", "--folds", "3", "--seeds", "1", "--trials", "3",
        "--workers", "0", "--out", tmp_path / "study",
    )  # fmt: skip


def test_writes_table_and_report(run: Run, arguments: tuple[str, ...], tmp_path: Path) -> None:
    """Every evaluation is stored, all tasks are held out once, and a report is written."""
    result = run(*arguments, "--methods", "portfolio,gp,random", "--json")

    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    table = load_evaluations(tmp_path / "study" / "evaluations.parquet")
    assert len(table) == 3 * 6 * 3
    assert set(table["problem"]) == {"ants", "bees", "cats", "dogs", "elks", "flat"}
    assert document["method"] == "portfolio"
    assert document["reference"] == "GP from scratch"
    assert (tmp_path / "study" / "report.html").stat().st_size > 10_000


def test_report_draws_the_prior(
    run: Run, arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the default method, the report shows its prior against what it learned from."""
    monkeypatch.setitem(METHODS, MethodName.HYPERBO, lambda: hyperbo_recipe(steps=30))
    result = run(*arguments, "--methods", "hyperbo,random")

    page = (tmp_path / "study" / "report.html").read_text()
    assert result.exit_code == 0, result.stderr
    assert "HyperBO needs" in result.stdout
    assert "A prior against its data" in page
    assert "it never saw ants, dogs" in page


def test_resumes_and_grows(run: Run, arguments: tuple[str, ...], tmp_path: Path) -> None:
    """The same command computes nothing anew; one more method computes only that one."""
    first = run(*arguments, "--methods", "random,portfolio", "--no-report")
    results = tmp_path / "study" / "results"
    before = {path.name: path.stat().st_mtime_ns for path in results.iterdir()}

    again = run(*arguments, "--methods", "random,portfolio", "--no-report")
    more = run(*arguments, "--methods", "random,portfolio,sobol", "--no-report")

    after = {path.name: path.stat().st_mtime_ns for path in results.iterdir()}
    assert (first.exit_code, again.exit_code, more.exit_code) == (0, 0, 0)
    assert "6 of 6 jobs were done before" in again.stderr
    assert len(after) == len(before) + 3
    assert before.items() <= after.items()
    assert "sobol" in more.stdout


def test_fewer_methods_show_only_those(run: Run, arguments: tuple[str, ...]) -> None:
    """A folder that holds more than was asked for shows what was asked for."""
    run(*arguments, "--methods", "random,sobol", "--no-report")

    result = run(*arguments, "--methods", "random", "--json")

    document = json.loads(result.stdout)
    assert {row["method"] for row in document["summary"]} == {"random"}
    assert document["report"] is None
    assert "compares two methods" in result.stderr


def test_folder_of_another_study(refused: Refused, run: Run, arguments: tuple[str, ...]) -> None:
    """A folder is bound to its table, folds, trials and setting."""
    run(*arguments, "--methods", "random", "--no-report")

    message = refused(*arguments, "--methods", "random", "--setting", "same-points")

    assert "setting: stored 'new points', now 'same points'" in message


def test_unknown_method_is_guessed(refused: Refused, arguments: tuple[str, ...]) -> None:
    """A misspelt method is answered with the one that was meant."""
    assert "Did you mean 'portfolio'?" in refused(*arguments, "--methods", "portfolo")


def test_too_many_trials(refused: Refused, arguments: tuple[str, ...]) -> None:
    """A pool of fifteen new points cannot be tried sixteen times."""
    assert "a pool has only 15" in refused(*arguments, "--trials", "16", "--methods", "random")


def test_a_cluster_that_is_not_there(
    refused: Refused, arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no Slurm, the remedy is told."""
    monkeypatch.setenv("PATH", str(tmp_path))

    message = refused(*arguments, "--methods", "random", "--executor", "slurm", "--workers", "2")

    assert "cannot be found on the PATH" in message


@pytest.fixture
def apart(run: Run, written: Path, tmp_path: Path) -> tuple[str | Path, ...]:
    """A study of a table whose tasks share no configuration, as old searches' logs do not."""
    lines = ["task,rate,layers,error"]
    for number, task in enumerate(("ants", "bees", "cats", "dogs", "elks", "flies")):
        lines += [
            f"{task},{0.001 * (row + 1 + 10 * number):.4f},{row % 8 + 1},0.{row + number:02d}"
            for row in range(10)
        ]
    (tmp_path / "apart.csv").write_text("\n".join(lines) + "\n")
    space = written / "space.json"
    imported = run(
        "data", "import", "csv", tmp_path / "apart.csv", "--space", space, "--name", "apart"
    )
    assert imported.exit_code == 0, imported.output
    return (
        "study", "apart", "--folds", "2", "--seeds", "1", "--trials", "2",
        "--workers", "0", "--out", tmp_path / "study", "--no-report",
    )  # fmt: skip


def test_methods_that_need_shared_configurations_are_left_out(
    run: Run, apart: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no method is named, those that can learn are compared, and a note says which cannot."""
    monkeypatch.setitem(METHODS, MethodName.HYPERBO, lambda: hyperbo_recipe(steps=30))

    result = run(*apart)

    assert result.exit_code == 0, result.output
    assert "apart share no configuration, from which portfolio would learn: left out" in (
        " ".join(result.stderr.split())
    )
    assert "GP from scratch" in result.stdout
    assert "portfolio" not in result.stdout


def test_named_methods_that_cannot_learn_are_refused(
    refused: Refused, apart: tuple[str, ...], tmp_path: Path
) -> None:
    """Before any job, with the line that would do."""
    message = refused(*apart, "--methods", "portfolio-gp,gp,hyperbo-ekl,random")

    assert "from which portfolio-gp, hyperbo-ekl would learn" in message
    assert message.endswith("Leave out: --methods gp,random.")
    assert not (tmp_path / "study").exists()
