"""Where corpora lie: the user's folder, Debian's places, the folders of Python packages."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from hyperbo_datasets.store import tables_folder

Place = Callable[[], Path | None]
"""A file or folder that may be there; None if what it belongs to is not installed."""


def corpora_folder() -> Path:
    """The user's folder of corpora: below `HYPERBO_HOME`, or the platform's place for user data."""
    return tables_folder().parent / "corpora"


def at(path: str) -> Place:
    """A fixed path, such as one a Debian package installs to."""
    return lambda: Path(path)


def in_package(name: str, inside: str) -> Place:
    """A path in a Python package, which is looked for without being imported."""

    def find() -> Path | None:
        found = find_spec(name)
        if found is None or not found.submodule_search_locations:
            return None
        return Path(found.submodule_search_locations[0]) / inside

    return find
