"""`hyperbo db`: upgrade, check, backup, restore and log, as a user types them."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hyperbo_service.cli import app
from hyperbo_service.storage import engines, schema
from hyperbo_service.storage.sql import SqlStore
from tests.service.populated import populate

Invoke = Callable[..., Result]


@pytest.fixture
def db(runner: CliRunner) -> Invoke:
    """Run `hyperbo db` in the empty home."""
    return lambda *arguments: runner.invoke(app, ["db", *map(str, arguments)])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home, whose database has a row of every kind."""
    store = SqlStore(engines.parse_url(f"sqlite:///{tmp_path}/service.db"))
    populate(store)
    store.close()
    return tmp_path


def _change(home: Path, statement: str) -> None:
    with closing(sqlite3.connect(home / "service.db")) as connection:
        connection.execute(statement)
        connection.commit()


def test_a_sound_database_ends_with_0(db: Invoke, home: Path) -> None:  # noqa: ARG001
    """Nothing wrong is said in one line, and as an empty list for scripts."""
    result = db("check")

    assert result.exit_code == 0
    assert "Nothing is wrong" in result.stdout
    assert json.loads(db("check", "--json").stdout) == []


def test_what_is_wrong_ends_with_1(db: Invoke, home: Path) -> None:
    """Row, problem and remedy are printed, for people and for scripts."""
    _change(home, "UPDATE trials SET measurement_count = 7 WHERE study_id = 1 AND number = 3")

    result, as_json = db("check"), db("check", "--json")

    assert (result.exit_code, as_json.exit_code) == (1, 1)
    assert "projects/red/studies/open/trials/3: it counts 7" in result.stdout
    (found,) = json.loads(as_json.stdout)
    assert set(found) == {"row", "problem", "remedy"}
    assert found["remedy"] in result.stdout


def test_a_priors_columns_must_be_those_of_its_files(db: Invoke, home: Path) -> None:
    """A prior that is filed under another space than it serves is found."""
    _change(home, "UPDATE priors SET space_digest = 'x'")

    assert "its space or goal" in db("check").stdout


def test_backup_and_restore(db: Invoke, home: Path) -> None:
    """A backup restored into a new file is a sound database with the same numbers of rows."""
    copy = f"sqlite:///{home}/copy.db"
    saved = db("backup", home / "monday.db")
    restored = db("restore", home / "monday.db", "--database", copy)

    assert saved.exit_code == restored.exit_code == 0
    assert "9 trials" in saved.stdout
    assert saved.stdout.partition(": ")[2] == restored.stdout.partition(": ")[2]
    assert db("check", "--database", copy).exit_code == 0


def test_restore_on_postgres(db: Invoke, home: Path, postgres_url: str) -> None:
    """A SQLite database moves to PostgreSQL by a backup."""
    db("backup", home / "monday.db")

    assert db("restore", home / "monday.db", "--database", postgres_url).exit_code == 0
    assert db("check", "--database", postgres_url).exit_code == 0


def test_refusals_end_with_2(db: Invoke, home: Path) -> None:
    """A file that exists, a database that is not empty, and one that is missing are refused."""
    db("backup", home / "monday.db")
    missing = f"sqlite:///{home}/none.db"
    for arguments, said in (
        (("backup", home / "monday.db"), "exists already"),
        (("restore", home / "monday.db"), "not empty"),
        (("restore", home / "none.db", "--database", missing), "no backup"),
        (("check", "--database", missing), "There is no database"),
        (("backup", home / "x.db", "--database", missing), "There is no database"),
        (("log", "--database", missing), "There is no database"),
        (("upgrade", "--database", missing), "There is no database"),
    ):
        result = db(*arguments)
        assert result.exit_code == 2, arguments
        assert said in result.stderr
    assert not (home / "none.db").exists()


def test_upgrade_says_where_it_stands(db: Invoke, home: Path, postgres_url: str) -> None:
    """A database that is up to date stays; one without tables gets them."""
    newest = schema.newest()

    assert f"schema {newest}, which is this release's" in db("upgrade").stdout
    made = db("upgrade", "--database", postgres_url)
    assert f"from nothing to {newest}" in made.stdout
    _change(home, "UPDATE alembic_version SET version_num = '9999'")
    assert "Upgrade hyperbo" in db("upgrade").stderr


def test_the_log_tells_who_changed_what(db: Invoke, home: Path) -> None:  # noqa: ARG001
    """Entries of a project, newest first, no more than asked for."""
    entries = json.loads(db("log", "--project", "red", "--json").stdout)

    assert [entry["request_id"] for entry in entries] == ["request-2", "request-0"]
    assert {entry["principal"] for entry in entries} == {"ann"}
    assert len(json.loads(db("log", "--project", "red", "--limit", "1", "--json").stdout)) == 1
    assert "CreateStudy" in db("log", "--project", "red").stdout
    assert "Nothing was changed" in db("log").stdout
