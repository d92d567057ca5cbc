"""Opening files of tuning results: frames, JSON and JSON lines, compressed or in an archive."""

import gzip
import json
import tarfile
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

import pandas as pd

from hyperbo_datasets.errors import SourceError

# What a CSV file writes for a missing value. "None" is none of it: optimisers and schedules are
# called so.
_MISSING = ("", "nan", "NaN", "NA", "N/A", "null", "NULL")


def read_frame(path: Path) -> pd.DataFrame:
    """A CSV file (also gzipped) or a parquet file as a frame.

    Raises:
        SourceError: If it is missing, of another kind, or cannot be parsed.
    """
    _refuse_missing(path)
    name = path.name.lower()
    try:
        if name.endswith((".parquet", ".pq")):
            return pd.read_parquet(path)
        if name.endswith((".csv", ".csv.gz")):
            return _read_csv(path)
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise SourceError(
            f"{path} cannot be read: {error}. Repair it; it may have been truncated."
        ) from None
    raise SourceError(f"{path} is neither CSV (.csv, .csv.gz) nor parquet (.parquet, .pq).")


def read_json(path: Path) -> Any:
    """The content of a JSON file, gzipped or not.

    Raises:
        SourceError: If it is missing or not JSON.
    """
    _refuse_missing(path)
    with _opened(path) as file:
        return parse_json(str(path), file)


def parse_json(name: str, file: BinaryIO) -> Any:
    """The content of an open JSON file.

    Raises:
        SourceError: If it is not JSON, or truncated.
    """
    try:
        return json.load(file)
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{name} is not readable as JSON: {error}.") from None


def open_files(path: Path, suffixes: tuple[str, ...]) -> Iterator[tuple[str, BinaryIO]]:
    """Name and open file of each matching file: the path itself, or those in a folder or .tar.gz.

    Gzipped files are opened decompressed, and their names lose `.gz`. Nothing is unpacked to disk.

    Raises:
        SourceError: If there is nothing at the path, or the archive is damaged.
    """
    _refuse_missing(path)
    if path.name.endswith((".tar.gz", ".tgz", ".tar")):
        yield from _archived(path, suffixes)
        return
    paths = sorted(path.rglob("*")) if path.is_dir() else [path]
    for each in paths:
        name = each.name.removesuffix(".gz")
        if each.is_file() and name.endswith(suffixes):
            with _opened(each) as file:
                yield name, file


def json_lines(name: str, file: BinaryIO) -> Iterator[dict[str, Any]]:
    """The objects of a file with one JSON object a line; blank lines are skipped.

    Raises:
        SourceError: If a line is not a JSON object, or the file is truncated.
    """
    number = 0
    try:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            row = json.loads(line)
            if not isinstance(row, dict):
                raise SourceError(f"Line {number} of {name} is not a JSON object.")
            yield row
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise SourceError(
            f"{name} cannot be read at line {max(number, 1)}: {error}. It may be truncated; fetch "
            "it again."
        ) from None


def _read_csv(path: Path) -> pd.DataFrame:
    """A CSV file, no line of which has more fields than the header."""
    with warnings.catch_warnings():
        # By default pandas takes the first field of longer lines for a label and shifts the rest;
        # told not to, it drops the last fields with a warning, which must not be overlooked.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            return pd.read_csv(
                path,
                index_col=False,
                keep_default_na=False,
                na_values=list(_MISSING),
                low_memory=False,
            )
        except pd.errors.ParserWarning:
            raise ValueError("some lines have more fields than the header") from None


def _archived(path: Path, suffixes: tuple[str, ...]) -> Iterator[tuple[str, BinaryIO]]:
    """The matching members of a tar archive."""
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                name = PurePosixPath(member.name).name.removesuffix(".gz")
                file = archive.extractfile(member) if member.isfile() else None
                if file is None or not name.endswith(suffixes):
                    continue
                if member.name.endswith(".gz"):
                    with gzip.open(file) as unzipped:
                        yield name, cast(BinaryIO, unzipped)
                else:
                    yield name, cast(BinaryIO, file)
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise SourceError(f"The archive {path} is damaged: {error}. Fetch it again.") from None


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The file, decompressed if its name ends in .gz."""
    if path.name.endswith(".gz"):
        with gzip.open(path) as unzipped:
            yield cast(BinaryIO, unzipped)
    else:
        with path.open("rb") as file:
            yield file


def _refuse_missing(path: Path) -> None:
    if not path.exists():
        raise SourceError(f"There is no file or folder {path}. Correct the path.")
