"""The schema's version: creating it, moving it up and down, and refusing one that does not fit."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from hyperbo_service.errors import PreconditionError, ServiceError
from hyperbo_service.storage import engines

_MIGRATIONS = Path(__file__).parent / "migrations"


def newest() -> str:
    """The version that this release works with."""
    head = ScriptDirectory(str(_MIGRATIONS)).get_current_head()
    assert head is not None  # noqa: S101 - there is always the first
    return head


def current(engine: Engine) -> str | None:
    """The database's version; None if it holds nothing.

    Raises:
        UnavailableError: If the database cannot be reached.
        PreconditionError: If it holds tables that are not ours, or its file is no database.
    """
    try:
        with engine.connect() as connection:
            version = MigrationContext.configure(connection).get_current_revision()
            tables = set(inspect(connection).get_table_names()) - {"alembic_version"}
    except SQLAlchemyError as error:
        raise _unreadable(error) from error
    if version is None and tables:
        raise PreconditionError(
            f"The database holds tables that are not HyperBO's: {', '.join(sorted(tables)[:5])}. "
            "Name an empty database."
        )
    return version


def upgrade(engine: Engine, version: str = "head") -> None:
    """Move the schema up, creating it where there is none; all or nothing.

    Raises:
        PreconditionError: If a newer release wrote the database.
        UnavailableError: If the database cannot be reached.
    """
    found = current(engine)
    if found is not None and found not in _known():
        raise _too_new(found)
    _run(engine, lambda config: command.upgrade(config, version))


def downgrade(engine: Engine, version: str) -> None:
    """Move the schema down, losing what the older one has no room for; `base` drops all."""
    _run(engine, lambda config: command.downgrade(config, version))


def prepare(engine: Engine) -> None:
    """Make a database ready for this release: create an empty one's schema, refuse a misfit.

    Raises:
        PreconditionError: If the schema is an older or newer one.
        UnavailableError: If the database cannot be reached.
    """
    found = current(engine)
    if found is None:
        upgrade(engine)
    elif found not in _known():
        raise _too_new(found)
    elif found != newest():
        raise PreconditionError(
            f"The database has schema {found}; this release needs {newest()}. Stop every server, "
            "make a backup with `hyperbo db backup`, then run `hyperbo db upgrade`."
        )


def _unreadable(error: SQLAlchemyError) -> ServiceError:
    """What is wrong with a database whose tables cannot be listed."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    # What SQLite itself cannot do is operational; anything else is a file that is none.
    is_damaged = isinstance(cause, sqlite3.DatabaseError)
    if is_damaged and not isinstance(cause, sqlite3.OperationalError):
        return PreconditionError(
            f"The file is no SQLite database, or a damaged one: {cause}. Name another file, or put "
            "a backup in its place with `hyperbo db restore`."
        )
    return engines.unavailable(error)


def _known() -> set[str]:
    return {script.revision for script in ScriptDirectory(str(_MIGRATIONS)).walk_revisions()}


def _too_new(found: str) -> PreconditionError:
    return PreconditionError(
        f"The database has schema {found}, which a newer release wrote; this one knows up to "
        f"{newest()}. Upgrade hyperbo."
    )


def _run(engine: Engine, step: Callable[[Config], Any]) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    try:
        with engine.begin() as connection:
            _lock(connection)
            config.attributes["connection"] = connection
            step(config)
    except SQLAlchemyError as error:
        raise engines.unavailable(error) from error


def _lock(connection: Connection) -> None:
    """Let one process migrate at a time; SQLite's write lock is held already."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7468721)")
