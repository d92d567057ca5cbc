"""Backups: every row of a database in one SQLite file, and back into an empty database.

Rows are copied as the tables have them, whatever their schema's version is, so that a backup can be
made before an upgrade. The file is written under a temporary name, counted, checked, flushed and
renamed: a backup that broke off is never taken for one.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    Table,
    create_engine,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from hyperbo.files import flush_folder, write_atomically
from hyperbo_service.errors import InternalError, PreconditionError
from hyperbo_service.storage import engines, schema

Report = Callable[[str, int, int], None]
"""Told a table's name, how many of its rows are copied, and how many there are."""

_CHUNK = 1000
_VERSIONS = "alembic_version"
_MAGIC = b"SQLite format 3\0"


def back_up(url: URL, file: Path, report: Report = lambda *_: None) -> Mapping[str, int]:
    """Write every row of a database, as it is at one moment, into a new SQLite file.

    Servers may go on working on it meanwhile.

    Args:
        url: The database.
        file: The backup, which must not exist.
        report: Told how far it is.

    Returns:
        Numbers of rows by table.

    Raises:
        PreconditionError: If the file exists, its folder does not, or there is nothing to back up.
        UnavailableError: If the database cannot be read.
    """
    if file.exists():
        raise PreconditionError(f"{file} exists already. Name another file, or move it away.")
    if not file.parent.is_dir():
        raise PreconditionError(f"There is no folder {file.parent}. Make it first.")
    counts: dict[str, int] = {}
    with _opened(engines.connect(url, is_writer=False)) as source:
        version = schema.current(source)
        if version is None:
            raise PreconditionError("The database is empty; there is nothing to back up.")

        def write(temporary: Path) -> None:
            counts.update(_write(source, version, temporary, report))

        write_atomically(file, write)
    flush_folder(file.parent)
    return counts


def restore(file: Path, url: URL, report: Report = lambda *_: None) -> Mapping[str, int]:
    """Fill an empty database with the rows of a backup; all of them or none.

    Afterwards the schema is this release's, also if the backup's was older.

    Args:
        file: The backup.
        url: The database, which must hold nothing.
        report: Told how far it is.

    Returns:
        Numbers of rows by table.

    Raises:
        PreconditionError: If the file is no backup, or damaged, or written by a newer release; if
            the database holds anything.
        UnavailableError: If the database cannot be reached.
    """
    with _opened(_read_only(file)) as source:
        version = _checked_version(source, file)
        with _opened(engines.connect(url, is_writer=True)) as target:
            _prepare_empty(target, version)
            counts = _fill(source, target, report)
            schema.upgrade(target)
    return counts


@contextmanager
def _opened(engine: Engine) -> Iterator[Engine]:
    """The engine, disposed of at the end; its errors are ours."""
    try:
        yield engine
    except SQLAlchemyError as error:
        raise engines.unavailable(error) from error
    finally:
        engine.dispose()


def _write(source: Engine, version: str, file: Path, report: Report) -> Mapping[str, int]:
    """Fill a new file, and leave nothing beside it."""
    beside = [file.with_name(f"{file.name}{ending}") for ending in ("-wal", "-shm", "-journal")]
    url = URL.create("sqlite+pysqlite", database=str(file))
    try:
        with _opened(engines.connect(url, is_writer=True)) as target:
            schema.upgrade(target, version)
            counts = _fill(source, target, report)
            with target.connect() as connection:
                _check_file(connection, "The copy")
                connection.rollback()
                # Out of a transaction; the file is whole by itself from here on.
                raw = connection.connection.dbapi_connection
                assert isinstance(raw, sqlite3.Connection)  # noqa: S101 - its address says so
                raw.execute("PRAGMA journal_mode=DELETE")
    finally:
        for path in beside:
            path.unlink(missing_ok=True)
    return counts


def _read_only(file: Path) -> Engine:
    """An engine on a backup that writes neither to it nor beside it."""
    if not file.is_file():
        raise PreconditionError(f"There is no backup {file}.")
    with file.open("rb") as handle:
        if handle.read(len(_MAGIC)) != _MAGIC:
            raise PreconditionError(
                f"{file} is no backup; wanted a file that `hyperbo db backup` wrote."
            )
    address = f"{file.absolute().as_uri()}?mode=ro&immutable=1"
    return create_engine(
        "sqlite+pysqlite://",
        creator=lambda: sqlite3.connect(address, uri=True, check_same_thread=False),
        poolclass=NullPool,
    )


def _checked_version(source: Engine, file: Path) -> str:
    """The schema's version of a backup that is intact."""
    try:
        with source.connect() as connection:
            _check_file(connection, str(file))
    except SQLAlchemyError as error:
        raise PreconditionError(f"{file} is damaged: {error}. Use another backup.") from error
    version = schema.current(source)
    if version is None:
        raise PreconditionError(f"{file} holds no tables; wanted a file of `hyperbo db backup`.")
    return version


def _check_file(connection: Connection, what: str) -> None:
    for check in ("integrity_check", "foreign_key_check"):
        found = [tuple(row) for row in connection.exec_driver_sql(f"PRAGMA {check}")]
        if found not in ([], [("ok",)]):
            raise PreconditionError(
                f"{what} is damaged: {found[0]}. Run `hyperbo db check`, or use another backup."
            )


def _prepare_empty(target: Engine, version: str) -> None:
    """Give a database the backup's schema, and refuse one that holds anything."""
    found = schema.current(target)
    if found is None:
        schema.upgrade(target, version)
    elif found != version:
        raise PreconditionError(
            f"The database has schema {found} and the backup {version}. Restore into a database "
            "without any tables."
        )


def _fill(source: Engine, target: Engine, report: Report) -> Mapping[str, int]:
    """Copy all rows in one transaction, from one view of the source."""
    theirs, ours = MetaData(), MetaData()
    with source.connect() as reading, target.begin() as writing:
        theirs.reflect(reading)
        ours.reflect(writing)
        tables = [table for table in theirs.sorted_tables if table.name != _VERSIONS]
        twins = {table.name: ours.tables[table.name] for table in tables}
        _lock_empty(writing, list(twins.values()))
        counts = {
            table.name: _copy(reading, table, writing, twins[table.name], report)
            for table in tables
        }
        for table in tables:
            _keep_last_key(reading, table, writing, twins[table.name])
    return counts


def _lock_empty(target: Connection, tables: list[Table]) -> None:
    for table in tables:
        if target.dialect.name == "postgresql":
            target.execute(text(f'LOCK TABLE "{table.name}" IN ACCESS EXCLUSIVE MODE'))
        count = _count(target, table)
        if count:
            raise PreconditionError(
                f"The database is not empty: {table.name} has {count:,} rows. Restore into a new "
                "database, then let the servers use that."
            )


def _copy(source: Connection, table: Table, target: Connection, twin: Table, report: Report) -> int:
    total, done = _count(source, table), 0
    statement = select(table).execution_options(yield_per=_CHUNK)
    report(table.name, 0, total)
    for part in source.execute(statement).mappings().partitions():
        target.execute(insert(twin), [dict(row) for row in part])
        done += len(part)
        report(table.name, done, total)
    copied = _count(target, twin)
    if not total == done == copied:
        raise InternalError(
            f"Of {total} rows of {table.name} {copied} were copied. Nothing was written; try "
            "again, and report it if it happens again."
        )
    return copied


def _count(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0


def _keep_last_key(source: Connection, table: Table, target: Connection, twin: Table) -> None:
    """Let the copy count on where the original stands, also past rows that were deleted."""
    key = _counted_key(table)
    if key is None:
        return
    largest: int = source.scalar(select(func.max(key))) or 0
    last = max(largest, _last_key(source, table, key))
    if not last:
        return
    if target.dialect.name == "postgresql":
        target.execute(_SET_SEQUENCE, {"table": twin.name, "column": key.name, "last": last})
    elif _counts_for_ever(target, twin):
        target.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": twin.name})
        target.execute(
            text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"),
            {"name": twin.name, "last": last},
        )


def _counted_key(table: Table) -> "Column[int] | None":
    """The key that the database itself counts up, if the table has one."""
    columns = list(table.primary_key.columns)
    if len(columns) == 1 and isinstance(columns[0].type, Integer):
        return columns[0]
    return None


def _last_key(connection: Connection, table: Table, key: "Column[int]") -> int:
    if connection.dialect.name == "postgresql":
        names = {"table": table.name, "column": key.name}
        return int(connection.scalar(_LAST_VALUE, names) or 0)
    if not _counts_for_ever(connection, table):
        return 0
    last = connection.scalar(
        text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table.name}
    )
    return int(last or 0)


def _counts_for_ever(connection: Connection, table: Table) -> bool:
    """Whether SQLite never gives a key of this table twice."""
    made = connection.scalar(
        text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name"),
        {"name": table.name},
    )
    return "AUTOINCREMENT" in str(made).upper()


_LAST_VALUE = text(
    "SELECT pg_sequence_last_value(CAST(pg_get_serial_sequence(:table, :column) AS regclass))"
)
_SET_SEQUENCE = text("SELECT setval(pg_get_serial_sequence(:table, :column), :last)")
