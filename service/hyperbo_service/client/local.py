"""The transport to a local database file, which the server's package provides by an entry point."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import cast

from hyperbo.errors import MissingExtraError
from hyperbo_service.client.transport import Transport

GROUP = "hyperbo.transports"
NAME = "local"


def open_local(path: str | None) -> Transport:
    """A transport that carries calls to a database file in this process.

    Raises:
        MissingExtraError: If the server's part of the package is not installed.
    """
    found = entry_points(group=GROUP, name=NAME)
    try:
        opener = next(iter(found)).load()
    except (StopIteration, ImportError) as error:
        missing = getattr(error, "name", None) or "the server"
        raise MissingExtraError(
            f"Client.local() needs {missing}, which is not installed: pip install 'hyperbo[server]'"
        ) from error
    return cast("Transport", opener(path))
