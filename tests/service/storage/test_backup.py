"""Backups: what goes in comes out, from either database into either, and nothing half written."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.engine import URL

from hyperbo_service.errors import PreconditionError, UnavailableError
from hyperbo_service.resources import StudyName
from hyperbo_service.storage import backup, engines, schema
from hyperbo_service.storage.models import Base
from hyperbo_service.storage.sql import SqlStore
from tests.service.populated import DONE, OPEN, populate

KINDS = ("sqlite", "postgresql")
NEW = StudyName("red", "new")
Rows = dict[str, list[tuple[Any, ...]]]


@pytest.fixture
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], URL]:
    """The address of a new database of a kind."""

    def made(kind: str) -> URL:
        if kind == "sqlite":
            return engines.parse_url(f"sqlite:///{tmp_path}/service.db")
        url: str = request.getfixturevalue("postgres_url")
        return engines.parse_url(url)

    return made


@pytest.fixture
def filled(tmp_path: Path) -> URL:
    """A SQLite database with a row of every kind."""
    url = engines.parse_url(f"sqlite:///{tmp_path}/filled.db")
    _fill(url)
    return url


def _fill(url: URL) -> None:
    store = SqlStore(url)
    populate(store)
    store.close()


def _rows(url: URL) -> Rows:
    """Everything that a database holds."""
    engine = engines.connect(url, is_writer=False)
    with engine.connect() as connection:
        found = {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in Base.metadata.sorted_tables
        }
    engine.dispose()
    return found


@pytest.mark.parametrize("source", KINDS)
@pytest.mark.parametrize("target", KINDS)
def test_every_row_comes_back(
    address: Callable[[str], URL], tmp_path: Path, source: str, target: str
) -> None:
    """A backup of either kind of database, restored into either, holds the same in every table."""
    original = address(source)
    _fill(original)
    before = _rows(original)
    counts = backup.back_up(original, tmp_path / "backup.db")
    if source == target == "postgresql":
        _empty(original)
        copy = original
    else:
        copy = address(target) if source != target else original.set(database=f"{tmp_path}/copy.db")

    restored = backup.restore(tmp_path / "backup.db", copy)

    assert all(before.values())
    assert _rows(copy) == before
    assert counts == restored == {name: len(rows) for name, rows in before.items()}


def _empty(url: URL) -> None:
    engine = engines.connect(url, is_writer=True)
    schema.downgrade(engine, "base")
    engine.dispose()


@pytest.mark.parametrize("kind", KINDS)
def test_keys_go_on_where_they_were(
    address: Callable[[str], URL], filled: URL, tmp_path: Path, kind: str
) -> None:
    """In a restored database a new study gets a key that no study had, deleted ones included."""
    store = SqlStore(filled)
    with store.read() as reader:
        last = reader.study(DONE)
    store.change(lambda writer: writer.delete_study(last))
    store.close()
    backup.back_up(filled, tmp_path / "backup.db")
    copy = address(kind)
    backup.restore(tmp_path / "backup.db", copy)
    keys: list[int] = []

    def work(writer: Any) -> None:
        study = writer.study(OPEN)
        keys.append(writer.add_study(replace(study, key=0, name=NEW)).key)

    store = SqlStore(copy)
    store.change(work)
    _add_token(store)
    store.close()

    assert keys == [last.key + 1]


def _add_token(store: SqlStore) -> None:
    """Add a row under a key that the database counts up."""
    with store.read() as reader:
        (token,) = reader.tokens()
    store.change(lambda writer: writer.add_token(replace(token, name="bob", digest="0" * 64)))


def test_a_backup_is_one_file(filled: URL, tmp_path: Path) -> None:
    """The file is whole by itself and intact; nothing else is left in its folder."""
    folder = tmp_path / "backups"
    folder.mkdir()

    backup.back_up(filled, folder / "backup.db")

    assert [path.name for path in folder.iterdir()] == ["backup.db"]
    with closing(sqlite3.connect(folder / "backup.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_backup_is_a_database(filled: URL, tmp_path: Path) -> None:
    """A server may be started on the backup itself."""
    backup.back_up(filled, tmp_path / "backup.db")

    assert _rows(engines.parse_url(f"sqlite:///{tmp_path}/backup.db")) == _rows(filled)


def test_writers_go_on_meanwhile(filled: URL, tmp_path: Path) -> None:
    """A change in the middle of a backup is made, and is not in the backup: it is of one moment."""
    before = _rows(filled)
    store = SqlStore(filled)
    is_changed = False

    def change(table: str, done: int, total: int) -> None:  # noqa: ARG001
        nonlocal is_changed
        if table == "trials" and not is_changed:
            is_changed = True
            store.change(lambda writer: writer.delete_study(writer.study(DONE)))

    backup.back_up(filled, tmp_path / "backup.db", change)
    store.close()

    assert is_changed
    assert _rows(engines.parse_url(f"sqlite:///{tmp_path}/backup.db")) == before
    assert _rows(filled) != before


def test_progress_is_told(filled: URL, tmp_path: Path) -> None:
    """Every table is reported from none of its rows to all."""
    told: list[tuple[str, int, int]] = []

    counts = backup.back_up(filled, tmp_path / "backup.db", lambda *all_: told.append(all_))

    for name, count in counts.items():
        assert [done for table, done, _ in told if table == name] == [0, count]


def test_a_backup_that_breaks_off_leaves_nothing(filled: URL, tmp_path: Path) -> None:
    """Whatever interrupts it, neither the file nor a part of it stays behind."""
    folder = tmp_path / "backups"
    folder.mkdir()

    def interrupt(table: str, done: int, total: int) -> None:  # noqa: ARG001
        if table == "measurements" and done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backup.back_up(filled, folder / "backup.db", interrupt)

    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_restore_that_breaks_off_leaves_no_row(
    address: Callable[[str], URL], filled: URL, tmp_path: Path, kind: str
) -> None:
    """After an interrupted restore the database is empty, and the restore may be begun anew."""
    backup.back_up(filled, tmp_path / "backup.db")
    copy = address(kind)

    def interrupt(table: str, done: int, total: int) -> None:  # noqa: ARG001
        if table == "measurements" and done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backup.restore(tmp_path / "backup.db", copy, interrupt)
    assert not any(_rows(copy).values())

    backup.restore(tmp_path / "backup.db", copy)
    assert _rows(copy) == _rows(filled)


@pytest.mark.parametrize("kind", KINDS)
def test_only_into_an_empty_database(
    address: Callable[[str], URL], filled: URL, tmp_path: Path, kind: str
) -> None:
    """A database that holds anything is refused, and stays as it was."""
    backup.back_up(filled, tmp_path / "backup.db")
    target = address(kind)
    _fill(target)
    before = _rows(target)

    with pytest.raises(PreconditionError, match=r"not empty: .* rows"):
        backup.restore(tmp_path / "backup.db", target)

    assert _rows(target) == before


def test_not_into_a_database_of_others(filled: URL, tmp_path: Path) -> None:
    """A database with tables that are not HyperBO's is refused."""
    backup.back_up(filled, tmp_path / "backup.db")
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE mine (x)")

    with pytest.raises(PreconditionError, match="not HyperBO's: mine"):
        backup.restore(tmp_path / "backup.db", engines.parse_url(f"sqlite:///{tmp_path}/other.db"))


def test_a_file_that_is_there_is_not_overwritten(filled: URL, tmp_path: Path) -> None:
    """A backup never replaces a file, nor makes folders."""
    (tmp_path / "taken").write_text("mine")

    with pytest.raises(PreconditionError, match="exists already"):
        backup.back_up(filled, tmp_path / "taken")
    with pytest.raises(PreconditionError, match="no folder"):
        backup.back_up(filled, tmp_path / "none" / "backup.db")
    assert (tmp_path / "taken").read_text() == "mine"


def test_what_is_no_backup_is_refused(filled: URL, tmp_path: Path) -> None:
    """A missing file, a text, a foreign database and a damaged backup are told apart."""
    copy = engines.parse_url(f"sqlite:///{tmp_path}/copy.db")
    (tmp_path / "text").write_text("hello")
    with closing(sqlite3.connect(tmp_path / "bare.db")) as connection:
        connection.execute("PRAGMA user_version = 1")
        connection.commit()
    backup.back_up(filled, tmp_path / "backup.db")
    content = (tmp_path / "backup.db").read_bytes()
    half = len(content) // 2
    (tmp_path / "damaged").write_bytes(content[:half] + b"\xff" * 4096 + content[half + 4096 :])

    for name, said in (
        ("none", "no backup"),
        ("text", "is no backup"),
        ("bare.db", "holds no tables"),
        ("damaged", "damaged"),
    ):
        with pytest.raises(PreconditionError, match=said):
            backup.restore(tmp_path / name, copy)
    assert not (tmp_path / "copy.db").exists()


def test_restoring_does_not_touch_the_backup(filled: URL, tmp_path: Path) -> None:
    """A backup on a disk that cannot be written is restored, and stays the same byte for byte."""
    folder = tmp_path / "backups"
    folder.mkdir()
    backup.back_up(filled, folder / "backup.db")
    content = (folder / "backup.db").read_bytes()

    backup.restore(folder / "backup.db", engines.parse_url(f"sqlite:///{tmp_path}/copy.db"))

    assert (folder / "backup.db").read_bytes() == content
    assert [path.name for path in folder.iterdir()] == ["backup.db"]


def test_an_empty_or_unreachable_database_is_told(tmp_path: Path) -> None:
    """There is nothing to back up in an empty database, and none from one that is down."""
    with pytest.raises(PreconditionError, match="nothing to back up"):
        backup.back_up(engines.parse_url(f"sqlite:///{tmp_path}/empty.db"), tmp_path / "backup.db")
    with pytest.raises(UnavailableError):
        backup.back_up(
            engines.parse_url("postgresql://postgres@127.0.0.1:1/none"), tmp_path / "backup.db"
        )
    assert not (tmp_path / "backup.db").exists()
