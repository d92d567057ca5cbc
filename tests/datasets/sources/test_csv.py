"""Any CSV file with a small space file."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hyperbo_datasets.errors import DatasetError, SourceError, TableError
from hyperbo_datasets.sources import csv
from hyperbo_datasets.to_tasks import to_pools

ROWS = """dataset,learning rate,schedule,score,outcome,started_at
x,0.1,None,90,done,monday
x,0.01,cosine,80,done,monday
x,0.1,None,92,done,tuesday
y,0.01,cosine,50,done,tuesday
y,1.0,None,,crashed,tuesday
"""
SPACE: dict[str, Any] = {
    "name": "mine",
    "parameters": [
        {"type": "float", "name": "lr", "low": 1e-4, "high": 1.0, "scale": "log"},
        {"type": "categorical", "name": "schedule", "categories": ["None", "cosine"]},
    ],
    "metric": {
        "name": "score",
        "goal": "maximise",
        "warp": {"kind": "negative_log_error", "scale": 100, "epsilon": 0.01},
    },
    "columns": {"task": "dataset", "lr": "learning rate", "status": "outcome"},
    "ignore": ["started_at"],
}


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """The rows as a CSV file."""
    path = tmp_path / "runs.csv"
    path.write_text(ROWS)
    return path


@pytest.fixture
def space(tmp_path: Path) -> Path:
    """The space file."""
    return written(tmp_path)


def written(folder: Path, **changes: Any) -> Path:
    """The space file with some keys changed; None leaves a key out."""
    path = folder / "space.json"
    document = {key: value for key, value in (SPACE | changes).items() if value is not None}
    path.write_text(json.dumps(document))
    return path


def test_a_csv_file_becomes_a_table(rows: Path, space: Path) -> None:
    """Columns are renamed, repeats become seeds, a crashed run bears the worst value."""
    first, second = to_pools(csv.load(rows, space))

    assert (first.name, second.name) == ("x", "y")
    np.testing.assert_allclose(first.values, -np.log(np.array([0.1, 0.2, 0.08]) + 0.01))
    assert first.config_ids[0] == first.config_ids[2]
    assert first.seeds.tolist() == [0, 0, 1]
    np.testing.assert_allclose(second.native, [50.0, 50.0])


def test_a_category_called_none_is_a_category(rows: Path, space: Path) -> None:
    """`None` in a CSV file is a value, not a gap."""
    assert csv.load(rows, space).frame["schedule"].tolist()[0] == "None"


def test_parquet_and_gzip_read_alike(rows: Path, space: Path, tmp_path: Path) -> None:
    """The same rows in any of the formats give the same table."""
    frame = pd.read_csv(rows, keep_default_na=False, na_values=[""])
    frame.to_parquet(tmp_path / "runs.parquet")
    frame.to_csv(tmp_path / "runs.csv.gz", index=False)
    wanted = csv.load(rows, space).frame

    assert csv.load(tmp_path / "runs.parquet", space).frame.equals(wanted)
    assert csv.load(tmp_path / "runs.csv.gz", space).frame.equals(wanted)


def test_without_a_task_column_the_file_is_the_task(rows: Path, tmp_path: Path) -> None:
    """One file of one task needs no task column."""
    columns = {"lr": "learning rate", "status": "outcome"}
    space = written(tmp_path, columns=columns, ignore=["started_at", "dataset"])

    assert csv.load(rows, space).tasks == ("runs",)


def test_lost_runs_without_a_status_column_are_refused(rows: Path, tmp_path: Path) -> None:
    """A gap in the metric could be anything; the remedy is to say what happened."""
    columns = {"task": "dataset", "lr": "learning rate"}
    space = written(tmp_path, columns=columns, ignore=["started_at", "outcome"])

    with pytest.raises(TableError, match=r"row 4 .*'diverged' or 'failed'"):
        csv.load(rows, space)


def test_unknown_columns_are_refused(rows: Path, tmp_path: Path) -> None:
    """A column neither declared nor ignored could be a forgotten parameter."""
    with pytest.raises(TableError, match="started_at"):
        csv.load(rows, written(tmp_path, ignore=[]))


def test_absent_columns_are_named(rows: Path, tmp_path: Path) -> None:
    """A column the space file speaks of but the rows lack is named, with those there are."""
    with pytest.raises(SourceError, match=r"'data set'.*'dataset'"):
        csv.load(rows, written(tmp_path, columns={"task": "data set"}))


def test_unknown_outcomes_are_refused(rows: Path, space: Path) -> None:
    """How a run ended is never guessed."""
    rows.write_text(ROWS.replace("crashed", "meh"))

    with pytest.raises(TableError, match=r"unknown status.*'meh'"):
        csv.load(rows, space)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": None},
        {"extra": 1},
        {"metric": "score"},
        {"metric": {"name": "score", "goal": "up"}},
        {"parameters": [{"type": "float"}]},
        {"parameters": "lr"},
        {"columns": ["task"]},
        {"ignore": "started_at"},
        {"ignore": [["started_at"]]},
        {"columns": {"task": ["dataset"]}},
        {"columns": {"task": "dataset", "status": "dataset"}},
        {"columns": {"score": "outcome"}},
    ],
)
def test_bad_space_files_are_refused(rows: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
    """Missing, unknown or wrong keys get the package's own error."""
    with pytest.raises(DatasetError):
        csv.load(rows, written(tmp_path, **changes))


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_space_files_must_be_json_objects(rows: Path, tmp_path: Path, text: str) -> None:
    """Anything but an object is refused."""
    path = tmp_path / "space.json"
    path.write_text(text)

    with pytest.raises(SourceError):
        csv.load(rows, path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "cannot be read"),
        (ROWS.splitlines()[0] + "\n", "is empty"),
        ("a\n1,2\n3", "more fields"),
    ],
)
def test_files_without_rows_are_refused(
    rows: Path, space: Path, content: str, message: str
) -> None:
    """An empty file, a lone header, ragged lines: one clear error each."""
    rows.write_text(content)

    with pytest.raises(DatasetError, match=message):
        csv.load(rows, space)


def test_other_kinds_of_file_are_refused(space: Path, tmp_path: Path) -> None:
    """The ending decides; a spreadsheet is not read."""
    (tmp_path / "runs.xlsx").write_bytes(b"")

    with pytest.raises(SourceError, match="neither CSV"):
        csv.load(tmp_path / "runs.xlsx", space)


def test_a_truncated_gzip_is_a_source_error(rows: Path, space: Path, tmp_path: Path) -> None:
    """A compressed file cut short is told as such."""
    path = tmp_path / "cut.csv.gz"
    pd.read_csv(rows).to_csv(path, index=False)
    path.write_bytes(path.read_bytes()[:30])

    with pytest.raises(SourceError, match="truncated"):
        csv.load(path, space)
