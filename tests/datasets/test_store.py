"""Stored tables come back as they were, or not at all."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hyperbo.space import CategoricalParameter, FloatParameter, SearchSpace
from hyperbo_datasets.errors import (
    StoreError,
    TableDamagedError,
    TableError,
    TableNotFoundError,
)
from hyperbo_datasets.metric import Metric, Minimise
from hyperbo_datasets.schema import TuningTable, make_table
from hyperbo_datasets.store import (
    checked_name,
    content_digest,
    folder_for,
    list_tables,
    load,
    save,
    tables_folder,
)

Make = Callable[[pd.DataFrame], TuningTable]


def snapshot(folder: Path) -> dict[str, bytes]:
    """Name and content of every file below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_table_comes_back_as_it_was(table: TuningTable, tmp_path: Path) -> None:
    """Rows, types, space, metric and provenance survive."""
    save(table, tmp_path / "small")
    again = load(tmp_path / "small")

    pd.testing.assert_frame_equal(again.frame, table.frame)
    assert (again.name, again.space, again.metric) == (table.name, table.space, table.metric)
    assert again.provenance == table.provenance
    assert content_digest(again) == content_digest(table)


def test_categories_of_mixed_kinds_come_back(tmp_path: Path) -> None:
    """Text, truth values and integers may be categories of one parameter."""
    space = SearchSpace((CategoricalParameter("kind", ("auto", True, 3)),))
    frame = pd.DataFrame(
        {"task": "t", "config_id": [0, 1, 2], "kind": ["auto", True, 3], "loss": [1.0, 2.0, 3.0]}
    )
    save(make_table("mixed", space, Metric("loss", Minimise()), frame), tmp_path / "mixed")

    assert load(tmp_path / "mixed").frame["kind"].tolist() == ["auto", True, 3]


def test_categories_that_read_alike_are_refused(tmp_path: Path) -> None:
    """Written as text, 1 and '1' could not be told apart."""
    space = SearchSpace((CategoricalParameter("kind", ("1", 1)),))
    frame = pd.DataFrame({"task": "t", "config_id": [0, 1], "kind": ["1", 1], "loss": [1.0, 2.0]})

    with pytest.raises(StoreError, match="read alike"):
        save(make_table("alike", space, Metric("loss", Minimise()), frame), tmp_path / "alike")


def test_the_manifest_says_what_there_is(table: TuningTable, tmp_path: Path) -> None:
    """Sizes, tasks, hashes, versions and creation time can be read without the rows."""
    manifest = json.loads(save(table, tmp_path / "small").read_text())

    assert (manifest["rows"], manifest["tasks"]) == (6, ["a", "b"])
    assert manifest["content_sha256"] == content_digest(table)
    assert set(manifest["versions"]) == {"hyperbo", "pandas", "pyarrow"}
    assert manifest["created"].endswith("+00:00")


def test_an_existing_table_is_not_overwritten(table: TuningTable, tmp_path: Path) -> None:
    """Saving twice is refused, and nothing changes."""
    save(table, tmp_path / "small")
    before = snapshot(tmp_path)

    with pytest.raises(StoreError, match="already holds a table"):
        save(table, tmp_path / "small")
    assert snapshot(tmp_path) == before


def test_a_table_can_be_replaced(
    table: TuningTable, frame: pd.DataFrame, make: Make, tmp_path: Path
) -> None:
    """Replacing leaves the new table and no trace of the old one."""
    save(table, tmp_path / "small")
    save(make(frame.iloc[:2]), tmp_path / "small", replace=True)

    assert len(load(tmp_path / "small").frame) == 2
    assert len(snapshot(tmp_path)) == 2


def test_a_bad_table_is_not_stored(frame: pd.DataFrame, make: Make, tmp_path: Path) -> None:
    """What `load` would refuse is refused before a file is made."""
    frame.loc[0, "error"] = np.nan

    with pytest.raises(TableError):
        save(make(frame), tmp_path / "small")
    assert snapshot(tmp_path) == {}


def test_a_write_that_fails_changes_nothing(
    table: TuningTable,
    frame: pd.DataFrame,
    make: Make,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If the disk fails at the manifest, the old table stands and no scraps are left."""
    save(table, tmp_path / "small")
    before = snapshot(tmp_path)
    replace = Path.replace

    def fail_at_manifest(self: Path, target: Path) -> Path:
        if target.name == "manifest.json":
            raise OSError(28, os.strerror(28))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail_at_manifest)
    with pytest.raises(StoreError, match="No space left"):
        save(make(frame.iloc[:2]), tmp_path / "small", replace=True)
    assert snapshot(tmp_path) == before


def test_a_folder_that_cannot_be_made_is_a_store_error(table: TuningTable, tmp_path: Path) -> None:
    """A file in the way gets the store's own error and the remedy."""
    (tmp_path / "in_the_way").write_text("")

    with pytest.raises(StoreError, match="HYPERBO_HOME"):
        save(table, tmp_path / "in_the_way" / "small")


def test_every_truncation_of_the_rows_is_noticed(table: TuningTable, tmp_path: Path) -> None:
    """However much of the rows is lost, loading is refused."""
    save(table, tmp_path)
    (rows,) = tmp_path.glob("rows-*.parquet")
    whole = rows.read_bytes()
    for length in (0, 1, len(whole) // 2, len(whole) - 1):
        rows.write_bytes(whole[:length])
        with pytest.raises(TableDamagedError, match="does not match its manifest"):
            load(tmp_path)


def test_a_flipped_bit_is_noticed(table: TuningTable, tmp_path: Path) -> None:
    """One altered bit in the middle of the rows is enough."""
    save(table, tmp_path)
    (rows,) = tmp_path.glob("rows-*.parquet")
    content = bytearray(rows.read_bytes())
    content[len(content) // 2] ^= 1
    rows.write_bytes(content)

    with pytest.raises(TableDamagedError, match="altered"):
        load(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 99}', '{"format": 1}', '{"format": 1, "file": 3}']
)
def test_damaged_manifests_are_refused(table: TuningTable, tmp_path: Path, text: str) -> None:
    """No JSON, another format, or missing fields: never a stack trace."""
    save(table, tmp_path).write_text(text)

    with pytest.raises(TableDamagedError):
        load(tmp_path)


@pytest.mark.parametrize("key", ["name", "space", "metric", "provenance"])
def test_manifests_that_lack_a_field_are_refused(
    table: TuningTable, tmp_path: Path, key: str
) -> None:
    """Each field is needed to read the table back."""
    path = save(table, tmp_path)
    manifest = json.loads(path.read_text())
    del manifest[key]
    path.write_text(json.dumps(manifest))

    with pytest.raises(TableDamagedError, match=key):
        load(tmp_path)


def test_a_manifest_cannot_point_out_of_its_folder(table: TuningTable, tmp_path: Path) -> None:
    """A path in place of a file name is cut to its last part, which is not there."""
    path = save(table, tmp_path / "small")
    (rows,) = (tmp_path / "small").glob("rows-*.parquet")
    rows.rename(tmp_path / "outside.parquet")
    manifest = json.loads(path.read_text())
    manifest["file"]["name"] = "../outside.parquet"
    path.write_text(json.dumps(manifest))

    with pytest.raises(TableDamagedError, match="cannot be read"):
        load(tmp_path / "small")


def test_no_table_is_not_a_damaged_one(tmp_path: Path) -> None:
    """An empty folder holds no table."""
    with pytest.raises(TableNotFoundError):
        load(tmp_path)


@pytest.mark.parametrize("name", ["", "..", ".hidden", "a/b", "../up", "a\\b", "a b", "x" * 101])
def test_names_cannot_leave_the_store(name: str) -> None:
    """Names that could be paths, or that some file system cannot hold, are refused."""
    with pytest.raises(StoreError, match="cannot name a table"):
        checked_name(name)


def test_the_users_folder_follows_the_environment(home: Path) -> None:
    """HYPERBO_HOME moves the store."""
    assert folder_for("runs-2.1") == home / "tables" / "runs-2.1"


def test_without_the_variable_the_platform_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default is the platform's folder for user data."""
    monkeypatch.delenv("HYPERBO_HOME", raising=False)

    assert tables_folder().parts[-2:] == ("hyperbo", "tables")


def test_one_damaged_table_does_not_hide_the_others(table: TuningTable, home: Path) -> None:
    """A list says what is wrong with the damaged table and shows the others."""
    save(table, folder_for("good"))
    save(table, folder_for("bad")).write_text("{")
    (home / "tables" / "unfinished").mkdir()

    bad, good = list_tables()
    assert (bad.name, good.name) == ("bad", "good")
    assert bad.problem is not None
    assert good.problem is None
    assert good.manifest["rows"] == 6


def test_a_digest_depends_on_content_alone(
    table: TuningTable, frame: pd.DataFrame, make: Make
) -> None:
    """The same rows give the same digest; any changed value gives another."""
    changed = frame.copy()
    changed.loc[5, "error"] = 0.31
    other = make_table("renamed", table.space, table.metric, frame)

    assert content_digest(other) == content_digest(table)
    assert content_digest(make(changed)) != content_digest(table)


def test_a_digest_depends_on_the_space(table: TuningTable, frame: pd.DataFrame) -> None:
    """Wider bounds make another dataset of the same rows."""
    narrow, optimizer = table.space.parameters
    space = SearchSpace((FloatParameter(narrow.name, 1e-5, 1.0), optimizer))

    other = make_table(table.name, space, table.metric, frame)
    assert content_digest(other) != content_digest(table)
