"""The check of a database: names every inconsistency, and what to do about it; changes nothing."""

import sqlite3
from collections.abc import Callable, Iterator

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, Table, func, select, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError, SQLAlchemyError

from hyperbo_service.errors import PreconditionError
from hyperbo_service.storage import check_rows, check_trials, engines, schema
from hyperbo_service.storage.check_rows import VerifyPrior
from hyperbo_service.storage.findings import RESTORE, Finding, Names
from hyperbo_service.storage.models import JOURNAL, PRIORS, STUDIES, TOKENS, Base

__all__ = ["Finding", "check"]

Report = Callable[[str], None]
"""Told what is looked at next."""

_COUNTED = ((STUDIES, "id"), (PRIORS, "id"), (TOKENS, "id"), (JOURNAL, "sequence"))


def check(url: URL, verify: VerifyPrior, report: Report = lambda _: None) -> Iterator[Finding]:
    """What is wrong with a database, as it is at one moment; servers may go on working on it.

    Args:
        url: The database.
        verify: Says what is wrong with a stored prior.
        report: Told what is looked at next.

    Raises:
        UnavailableError: If the database cannot be reached.
    """
    engine = engines.connect(url, is_writer=False)
    try:
        with engine.connect() as connection:
            yield from _guarded(connection, "database file", lambda: _check_file(connection))
            problem = _misfit(engine)
            if problem is None:
                yield from _guarded(connection, "schema", lambda: _check_schema(connection))
                content = _check_content(connection, verify, report)
                yield from _guarded(connection, "studies", lambda: content)
            else:
                yield problem
    except DatabaseError as error:
        # What SQLite itself cannot do is operational; anything else is a file that is none.
        if not isinstance(error.orig, sqlite3.DatabaseError) or isinstance(
            error.orig, sqlite3.OperationalError
        ):
            raise engines.unavailable(error) from error
        yield Finding("database file", f"it cannot be read: {error.orig}", RESTORE)
    except SQLAlchemyError as error:
        raise engines.unavailable(error) from error
    finally:
        engine.dispose()


def _check_content(
    connection: Connection, verify: VerifyPrior, report: Report
) -> Iterator[Finding]:
    names = Names(connection)
    parts: dict[str, Callable[[], Iterator[Finding]]] = {
        "studies": lambda: check_rows.check_studies(connection, names),
        "trials": lambda: check_trials.check_trials(connection, names),
        "rows that belong to nothing": lambda: check_rows.check_orphans(connection, names),
        "priors in use": lambda: check_rows.check_used_priors(connection, names),
        "priors": lambda: check_rows.check_priors(connection, verify),
        "tokens": lambda: check_rows.check_tokens(connection),
        "journal": lambda: check_rows.check_journal(connection),
        "keys": lambda: _check_keys(connection),
    }
    for name, part in parts.items():
        report(name)
        yield from _guarded(connection, name, part)


def _guarded(
    connection: Connection, name: str, part: Callable[[], Iterator[Finding]]
) -> Iterator[Finding]:
    """What a part finds, also that it cannot be read at all; the next part goes on."""
    try:
        with connection.begin_nested():
            yield from part()
    except (SQLAlchemyError, ValueError, TypeError, LookupError) as error:
        cause = str(getattr(error, "orig", None) or error).partition("\n")[0]
        yield Finding(name, f"it holds what cannot be read: {cause}", RESTORE)


def _check_file(connection: Connection) -> Iterator[Finding]:
    """What SQLite itself finds; PostgreSQL checks its pages whenever it reads them."""
    if connection.dialect.name != "sqlite":
        return
    for row in connection.exec_driver_sql("PRAGMA integrity_check"):
        if row[0] != "ok":
            yield Finding("database file", str(row[0]), RESTORE)
    for table, _, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        yield Finding(f"table {table}", f"a row of it belongs to no row of {parent}", RESTORE)


def _misfit(engine: Engine) -> Finding | None:
    """That the tables are not of this release's version; then nothing else can be said."""
    try:
        version = schema.current(engine)
    except PreconditionError as error:
        return Finding("schema", str(error), "Name another database.")
    if version is None:
        return Finding("schema", "it holds no tables", "Start `hyperbo serve`, which makes them.")
    if version != schema.newest():
        return Finding(
            "schema",
            f"it has version {version}; this release works with {schema.newest()}",
            "Stop every server, run `hyperbo db backup`, then `hyperbo db upgrade`.",
        )
    return None


def _check_schema(connection: Connection) -> Iterator[Finding]:
    """That tables, columns and indexes are those of the version."""
    context = MigrationContext.configure(connection, opts={"compare_type": False})
    for difference in compare_metadata(context, Base.metadata):
        yield Finding("schema", f"it differs by {_shown(difference)}", RESTORE)


def _shown(difference: object) -> str:
    """A difference of schemas in one line."""
    parts = difference if isinstance(difference, tuple) else (difference,)
    named = (getattr(part, "name", None) or part for part in parts if part is not None)
    return " ".join(map(str, named)).replace("_", " ", 1)


def _check_keys(connection: Connection) -> Iterator[Finding]:
    """Keys that the database would give out once more."""
    for table, column in _COUNTED:
        largest = connection.scalar(select(func.max(table.c[column]))) or 0
        last = _last_key(connection, table, column)
        if last is not None and last < largest:
            yield Finding(
                f"table {table.name}",
                f"its next key is {last + 1}, but there is a row with {largest}",
                _advance(connection, table, column, largest),
            )


def _last_key(connection: Connection, table: Table, column: str) -> int | None:
    """The last key that was given out; None where the database looks for the largest itself."""
    if connection.dialect.name == "postgresql":
        names = {"table": table.name, "column": column}
        return connection.scalar(_LAST_VALUE, names) or 0
    if table is not STUDIES:
        return None
    return connection.scalar(_LAST_STUDY) or 0


def _advance(connection: Connection, table: Table, column: str, largest: int) -> str:
    if connection.dialect.name == "postgresql":
        sequence = f"pg_get_serial_sequence('{table.name}', '{column}')"
        return f"Run in the database: SELECT setval({sequence}, {largest});"
    return (
        f"Run in the database: UPDATE sqlite_sequence SET seq = {largest} WHERE name = "  # noqa: S608
        f"'{table.name}';"
    )


_LAST_VALUE = text(
    "SELECT pg_sequence_last_value(CAST(pg_get_serial_sequence(:table, :column) AS regclass))"
)
_LAST_STUDY = text("SELECT seq FROM sqlite_sequence WHERE name = 'studies'")
