"""Tables on disk: one folder each, holding a parquet file and a manifest that vouches for it."""

import hashlib
import io
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import platformdirs

from hyperbo.errors import SpaceError
from hyperbo.files import write_atomically
from hyperbo.space import CategoricalParameter, SearchSpace
from hyperbo_datasets.checks import validate
from hyperbo_datasets.errors import (
    DatasetError,
    StoreError,
    TableDamagedError,
    TableNotFoundError,
)
from hyperbo_datasets.metric import metric_from_dict
from hyperbo_datasets.parameter_columns import parameters_by_name
from hyperbo_datasets.schema import Provenance, TuningTable, make_table

MANIFEST = "manifest.json"
HOME_VARIABLE = "HYPERBO_HOME"
_FORMAT = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class StoredTable:
    """One entry of a store.

    Attributes:
        name: The table's name, which is its folder's.
        folder: Where it lies.
        manifest: What it says of itself; empty if it is damaged.
        problem: Why its manifest cannot be read, if so.
    """

    name: str
    folder: Path
    manifest: Mapping[str, Any]
    problem: str | None = None


def tables_folder() -> Path:
    """The user's folder of tables: below `HYPERBO_HOME`, or the platform's place for user data."""
    home = os.environ.get(HOME_VARIABLE)
    base = Path(home) if home else platformdirs.user_data_path("hyperbo")
    return base / "tables"


def folder_for(name: str) -> Path:
    """The folder of the table of that name in the user's store.

    Raises:
        StoreError: If the name could lead out of the store, or is not portable.
    """
    return tables_folder() / checked_name(name)


def checked_name(name: str) -> str:
    """The name, if it can be a folder's.

    Raises:
        StoreError: If it holds anything but letters, digits, dots, dashes and underscores.
    """
    if not _NAME.fullmatch(name):
        raise StoreError(
            f"{name!r} cannot name a table: use 1 to 100 letters, digits, dots, dashes and "
            "underscores, beginning with a letter or digit."
        )
    return name


def save(table: TuningTable, folder: Path, *, replace: bool = False) -> Path:
    """Write a table to its folder and return the manifest's path.

    The rows go to a file named after their hash, then the manifest is renamed into place: at every
    instant the folder holds the old table or the new one, and after a refusal it is as before.

    Args:
        table: The table.
        folder: The table's own folder; made if need be.
        replace: Whether a table that is there already may be replaced.

    Raises:
        TableError: If the table is not usable.
        StoreError: If the name cannot be a folder's, the folder holds a table already, or it
            cannot be written.
    """
    checked_name(table.name)
    validate(table)
    if not replace and (folder / MANIFEST).exists():
        raise StoreError(
            f"{folder} already holds a table. Choose another name, or ask for it to be replaced."
        )
    content = _to_parquet(table)
    digest = hashlib.sha256(content).hexdigest()
    rows = f"rows-{digest[:16]}.parquet"
    manifest = _manifest(table, rows, digest, len(content))
    is_new = not (folder / rows).exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / rows, lambda unfinished: unfinished.write_bytes(content))
        text = json.dumps(manifest, indent=2)
        write_atomically(folder / MANIFEST, lambda unfinished: unfinished.write_text(text))
    except OSError as error:
        if is_new and folder.is_dir():
            (folder / rows).unlink(missing_ok=True)
        raise StoreError(
            f"The table cannot be written to {folder}: {error}. Free the path, or set "
            f"{HOME_VARIABLE} to a folder you may write to."
        ) from error
    for stale in folder.glob("rows-*.parquet"):
        if stale.name != rows:
            stale.unlink(missing_ok=True)
    return folder / MANIFEST


def load(folder: Path) -> TuningTable:
    """Read a table, having checked that its rows are the ones its manifest was written for.

    Raises:
        TableNotFoundError: If there is no table in the folder.
        TableDamagedError: If a file is missing, truncated, altered, or not understood.
    """
    manifest = read_manifest(folder)
    content = _read_rows(folder, manifest)
    try:
        table = make_table(
            str(manifest["name"]),
            SearchSpace.from_json(json.dumps(manifest["space"])),
            metric_from_dict(manifest["metric"]),
            pd.read_parquet(io.BytesIO(content)),
            Provenance(**manifest["provenance"]),
        )
        return validate(table)
    except (KeyError, TypeError, ValueError, SpaceError, DatasetError) as error:
        raise TableDamagedError(
            f"The table in {folder} cannot be read back: {error}. Import it anew."
        ) from error


def read_manifest(folder: Path) -> dict[str, Any]:
    """What a stored table says of itself.

    Raises:
        TableNotFoundError: If there is no manifest in the folder.
        TableDamagedError: If it is not a manifest this version reads.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise TableNotFoundError(f"There is no table in {folder}; it has no {MANIFEST}.") from None
    except (OSError, ValueError) as error:
        raise TableDamagedError(f"{path} cannot be read: {error}. Import the table anew.") from None
    if not isinstance(manifest, dict) or manifest.get("format") != _FORMAT:
        found = manifest.get("format") if isinstance(manifest, dict) else type(manifest).__name__
        raise TableDamagedError(
            f"{path} has format {found!r}; this version of HyperBO reads {_FORMAT}. Import the "
            "table anew, or use the version that wrote it."
        )
    return manifest


def list_tables(root: Path | None = None) -> tuple[StoredTable, ...]:
    """The tables of a store (default: the user's), by name; damaged ones say what is wrong."""
    root = tables_folder() if root is None else root
    if not root.is_dir():
        return ()
    return tuple(
        _entry(folder) for folder in sorted(root.iterdir()) if (folder / MANIFEST).exists()
    )


def content_digest(table: TuningTable) -> str:
    """SHA-256 of what a table says, whatever file format or library version holds it.

    It covers the space, the metric and every row in order; not the name or the provenance.
    """
    digest = hashlib.sha256()
    digest.update(table.space.digest().encode())
    digest.update(json.dumps(table.metric.to_dict(), sort_keys=True).encode())
    for name in table.columns:
        column = table.frame[name]
        digest.update(name.encode() + b"\0")
        if pd.api.types.is_integer_dtype(column):
            digest.update(column.to_numpy(dtype="<i8").tobytes())
        elif pd.api.types.is_float_dtype(column):
            digest.update(column.to_numpy(dtype="<f8").tobytes())
        else:
            digest.update(json.dumps([str(value) for value in column]).encode())
    return digest.hexdigest()


def _entry(folder: Path) -> StoredTable:
    try:
        return StoredTable(folder.name, folder, read_manifest(folder))
    except TableDamagedError as error:
        return StoredTable(folder.name, folder, {}, str(error))


def _manifest(table: TuningTable, rows: str, digest: str, size: int) -> dict[str, Any]:
    """All that a manifest holds."""
    libraries = ("hyperbo", "pandas", "pyarrow")
    return {
        "format": _FORMAT,
        "name": table.name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "provenance": asdict(table.provenance),
        "space": json.loads(table.space.to_json()),
        "metric": table.metric.to_dict(),
        "rows": len(table.frame),
        "tasks": list(table.tasks),
        "file": {"name": rows, "sha256": digest, "bytes": size},
        "content_sha256": content_digest(table),
        "versions": {library: version(library) for library in libraries},
    }


def _to_parquet(table: TuningTable) -> bytes:
    """The rows as a parquet file's bytes; categories, which may be of mixed kinds, as text."""
    frame = table.frame
    for name, parameter in parameters_by_name(table.space).items():
        if isinstance(parameter, CategoricalParameter):
            if len({str(category) for category in parameter.categories}) < parameter.width:
                raise StoreError(
                    f"Two categories of {name!r} read alike as text: {parameter.categories}. "
                    "Rename one of them."
                )
            frame = frame.assign(**{name: frame[name].map(str, na_action="ignore")})
    buffer = io.BytesIO()
    frame.to_parquet(buffer, engine="pyarrow", index=False)
    return buffer.getvalue()


def _read_rows(folder: Path, manifest: Mapping[str, Any]) -> bytes:
    """The bytes of the rows file, proven to be the ones the manifest speaks of."""
    try:
        # Only the last part counts, so that no manifest can point out of its folder.
        path = folder / Path(manifest["file"]["name"]).name
        expected = manifest["file"]["sha256"]
        content = path.read_bytes()
    except (KeyError, TypeError) as error:
        raise TableDamagedError(f"The manifest in {folder} lacks {error}. Import anew.") from None
    except OSError as error:
        raise TableDamagedError(
            f"The rows of the table in {folder} cannot be read: {error}. If it was being replaced, "
            "load it again; otherwise import it anew."
        ) from None
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise TableDamagedError(
            f"{path} does not match its manifest: SHA-256 {found[:12]}..., wanted "
            f"{str(expected)[:12]}... ({len(content)} bytes). It was truncated or altered; import "
            "the table anew."
        )
    return content
