"""Which database a command works on: the one that the server uses, unless another is named."""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from hyperbo_service.config import read_config
from hyperbo_service.errors import CommandError

DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="sqlite:///path/to/file.db or postgresql://user@host/name. Default: the server's.",
        show_default=False,
    ),
]

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="TOML file of the server, which may name the database. Default: $HYPERBO_CONFIG.",
        show_default=False,
    ),
]


def database_url(database: str | None, config_file: Path | None, *, may_be_new: bool) -> Any:
    """The address of the database that is meant.

    Args:
        database: As the user gave it, if at all.
        config_file: The server's configuration, if one is named.
        may_be_new: Whether a file that does not exist will do.

    Raises:
        CommandError: If there is no such file.
        HyperBOError: If the address or the configuration is wrong.
    """
    from hyperbo_service.home import database_of
    from hyperbo_service.storage.engines import is_memory, parse_url

    url = parse_url(database_of(read_config({"database": database}, os.environ, config_file)))
    if url.get_backend_name() == "sqlite" and not (may_be_new or is_memory(url)):
        file = Path(str(url.database))
        if not file.is_file():
            raise CommandError(
                f"There is no database {file}. Name one by --database, or start `hyperbo serve` "
                "to make it."
            )
    return url


@contextmanager
def open_store(
    database: str | None, config_file: Path | None, *, may_be_new: bool = False
) -> Iterator[Any]:
    """A store on that database, closed at the end.

    Raises:
        HyperBOError: If it cannot be opened, or its schema is not this release's.
    """
    from hyperbo_service.storage.sql import SqlStore

    store = SqlStore(database_url(database, config_file, may_be_new=may_be_new))
    try:
        yield store
    finally:
        store.close()


def local_user() -> str:
    """Who runs the command, for the audit log."""
    try:
        return f"local:{getpass.getuser()}"[:128]
    except (KeyError, OSError):  # a container's user may have no name
        return f"local:{os.getuid()}"
