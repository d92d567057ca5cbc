"""`hyperbo data`."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from hyperbo_datasets.catalogue import resolve

Run = Callable[..., Result]
Refused = Callable[..., str]


def test_list_names_bundled_and_imported(run: Run) -> None:
    """The list has the bundled table and the imported one, with their sizes."""
    rows = {row["name"]: row for row in json.loads(run("data", "list", "--json").stdout)}

    assert rows["lcbench"]["is_bundled"]
    assert rows["lcbench"]["tasks"] == 35
    assert (rows["toy"]["tasks"], rows["toy"]["rows"]) == (6, 180)


def test_list_names_damage(run: Run, home: Path) -> None:
    """A damaged table is listed with what is wrong with it; the others are not hidden by it."""
    (home / "tables" / "toy" / "manifest.json").write_text("{")

    result = run("data", "list")

    assert result.exit_code == 0
    assert "damaged:" in result.stdout
    assert "lcbench" in result.stdout


def test_describe_gives_native_ranges(run: Run, written: Path) -> None:
    """Each task's best is the smallest error in the file, since the metric is minimised."""
    summary = json.loads(run("data", "describe", "toy", "--json").stdout)

    lines = [line.split(",") for line in (written / "runs.csv").read_text().splitlines()[1:]]
    smallest = min(float(line[4]) for line in lines if line[0] == "ants")
    assert summary["by_task"][0]["task"] == "ants"
    assert summary["by_task"][0]["best"] == smallest


def test_describe_shows_space_and_tasks(run: Run) -> None:
    """People see the parameters' ranges and every task."""
    shown = run("data", "describe", "toy").stdout

    assert "0.0001 to 1" in shown
    assert all(task in shown for task in ("ants", "bees", "flat"))


def test_unknown_table_is_guessed(refused: Refused) -> None:
    """A misspelt table is answered with the one that was meant."""
    assert "Did you mean 'toy'?" in refused("data", "describe", "toi")


def test_import_keeps_every_number(run: Run, written: Path) -> None:
    """What is imported under another name holds the very values of the file."""
    space = written / "space.json"
    result = run(
        "data", "import", "csv", written / "runs.csv", "--space", space, "--name", "again", "--json"
    )

    folder = Path(json.loads(result.stdout)[0]["folder"])
    table = resolve(str(folder))
    lines = [line.split(",") for line in (written / "runs.csv").read_text().splitlines()[1:]]
    np.testing.assert_array_equal(table.frame["error"], [float(line[4]) for line in lines])


def test_import_does_not_replace_unasked(run: Run, refused: Refused, written: Path) -> None:
    """A table of the same name is replaced only where that is asked for."""
    arguments = ("data", "import", "csv", written / "runs.csv", "--space", written / "space.json")

    assert "already holds a table" in refused(*arguments)
    assert run(*arguments, "--replace").exit_code == 0


def test_import_refuses_bundled_name(refused: Refused, written: Path) -> None:
    """The bundled table's name cannot be taken: the imported one could never be reached."""
    message = refused(
        "data", "import", "csv", written / "runs.csv", "--space", written / "space.json",
        "--name", "lcbench",
    )  # fmt: skip

    assert "comes with HyperBO" in message


def test_import_needs_a_space_file(refused: Refused, written: Path) -> None:
    """A CSV file alone does not say what its columns mean."""
    assert "--space FILE" in refused("data", "import", "csv", written / "runs.csv")


def test_import_of_unknown_layout(refused: Refused, written: Path) -> None:
    """A misspelt layout is answered with the one that was meant."""
    assert "Did you mean 'hpob'?" in refused("data", "import", "hpo-b", written / "runs.csv")


def test_import_of_missing_file(refused: Refused, written: Path) -> None:
    """A file that is not there is named."""
    space = written / "space.json"
    message = refused("data", "import", "csv", written / "none.csv", "--space", space)

    assert "none.csv" in message


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ("ants,0,0.01,2,nan\n", "not a finite number"),
        ("ants,0,5.0,2,0.5\n", "outside the search space"),
        ("", "is empty"),
    ],
)
def test_import_of_bad_rows_stores_nothing(
    refused: Refused, home: Path, tmp_path: Path, written: Path, change: str, wanted: str
) -> None:
    """NaN metrics, values outside the space and empty tables are refused, and nothing is stored."""
    path = tmp_path / "bad.csv"
    path.write_text(f"task,config_id,rate,layers,error\n{change}")

    message = refused(
        "data", "import", "csv", path, "--space", written / "space.json", "--name", "bad"
    )

    assert wanted in message
    assert not (home / "tables" / "bad").exists()


def test_check_names_warnings(run: Run) -> None:
    """The constant task is a warning, and the table is usable all the same."""
    report = json.loads(run("data", "check", "toy", "--json").stdout)

    assert report["is_usable"]
    assert [finding["code"] for finding in report["findings"]] == ["constant_task"]


def test_check_of_a_bad_file_finds_all(run: Run, tmp_path: Path, written: Path) -> None:
    """Every error of a file is found at once, and the code is 2."""
    path = tmp_path / "bad.csv"
    path.write_text(
        "task,config_id,rate,layers,error\na,0,0.01,2,nan\na,1,5.0,2,0.5\na,2,1,1,0.3\n"
    )

    result = run("data", "check", path, "--space", written / "space.json", "--json")

    assert result.exit_code == 2
    codes = {finding["code"] for finding in json.loads(result.stdout)["findings"]}
    assert {"metric_not_finite", "outside_space"} <= codes


def test_check_of_a_file_without_space(refused: Refused, written: Path) -> None:
    """A file needs its space file to be checked."""
    assert "--space FILE" in refused("data", "check", written / "runs.csv")
