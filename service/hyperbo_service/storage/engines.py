"""Connections to SQLite and PostgreSQL, and what their errors mean."""

import sqlite3
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import StaticPool

from hyperbo_service.errors import InvalidArgumentError, UnavailableError

MEMORY = "sqlite://"
_DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}
_PRAGMAS = (
    "foreign_keys=ON",
    "journal_mode=WAL",
    "synchronous=FULL",  # what is acknowledged is on the disk
    "wal_autocheckpoint=8000",  # pages: 32 MB are moved into the file at once
    "cache_size=-65536",  # KB
)
_BUSY_SECONDS = 30.0
_SERIALISATION, _DEADLOCK = "40001", "40P01"


def parse_url(text: str) -> URL:
    """The address of a database: `sqlite:///file` or `postgresql://user@host/name`.

    Raises:
        InvalidArgumentError: If it is neither.
    """
    try:
        url = make_url(text)
        drivername = _DRIVERS[url.drivername.partition("+")[0]]
    except (ArgumentError, KeyError, ValueError):
        raise InvalidArgumentError(
            f"The database {text!r} is not understood; wanted sqlite:///path/to/file.db or "
            "postgresql://user:password@host:5432/name.",
            field="database",
        ) from None
    return url.set(drivername=drivername)


def connect(url: URL, *, is_writer: bool) -> Engine:
    """An engine for one of the two sides of a store; nothing is connected yet.

    A writer's transaction takes SQLite's one write lock when it begins, so that it never has to
    give up in the middle.
    """
    if url.get_backend_name() == "sqlite":
        return _connect_sqlite(url, is_writer=is_writer)
    isolation: Any = "READ COMMITTED" if is_writer else "REPEATABLE READ"
    return create_engine(
        url,
        isolation_level=isolation,
        pool_size=8,
        max_overflow=8,
        pool_recycle=1800,
        pool_pre_ping=not is_writer,
        connect_args={"connect_timeout": 5, "options": "-c timezone=UTC"},
    )


def is_memory(url: URL) -> bool:
    """Whether a database lives in this process's memory only."""
    return url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")


def _connect_sqlite(url: URL, *, is_writer: bool) -> Engine:
    pool: dict[str, Any] = (
        {"poolclass": StaticPool} if is_memory(url) else {"pool_size": 8, "max_overflow": 120}
    )
    engine = create_engine(
        url,
        connect_args={"check_same_thread": False, "timeout": _BUSY_SECONDS},
        **pool,
    )
    begin = "BEGIN IMMEDIATE" if is_writer or is_memory(url) else "BEGIN"

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, record: Any) -> None:  # noqa: ARG001 - SQLAlchemy calls it so
        connection.isolation_level = None  # transactions are begun below, not by the driver
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine


def is_passing(error: DBAPIError) -> bool:
    """Whether the same transaction may succeed if it is run again at once."""
    state = getattr(error.orig, "sqlstate", None)
    if state in (_SERIALISATION, _DEADLOCK):
        return True
    return isinstance(error.orig, sqlite3.OperationalError) and "locked" in str(error.orig)


def unavailable(error: Exception) -> UnavailableError:
    """What a caller is told of a database that does not answer as it should."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    first = str(cause).strip().partition("\n")[0]
    if "full" in first or "No space" in first:
        remedy = "Make room on its disk; nothing was changed."
    else:
        remedy = "The call may be repeated with the same request id."
    return UnavailableError(f"The database does not answer: {first}. {remedy}", retry_after=1.0)
