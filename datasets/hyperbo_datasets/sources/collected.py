"""The bundled tables of real training runs, collected by `hyperbo data collect`.

What they hold, how they were made and what they are not good for: `tables/DATASHEET.md`.
"""

from importlib.resources import files
from pathlib import Path

from hyperbo_datasets.schema import TuningTable
from hyperbo_datasets.store import StoredTable, load, read_manifest

NAMES = ("pd1-mini", "adamw-mini")
"""Over PD1's four parameters, and over AdamW's five."""


def read(name: str) -> TuningTable:
    """A bundled table.

    Raises:
        TableNotFoundError: If it is missing from the installation.
        TableDamagedError: If its rows are not those that its manifest was written for.
    """
    return load(folder(name))


def entry(name: str) -> StoredTable:
    """What a bundled table says of itself, without reading its rows.

    Raises:
        TableNotFoundError: If it is missing from the installation.
        TableDamagedError: If its manifest is not understood.
    """
    return StoredTable(name, folder(name), read_manifest(folder(name)))


def folder(name: str) -> Path:
    """Where a bundled table lies."""
    return Path(str(files("hyperbo_datasets") / "tables" / name))
