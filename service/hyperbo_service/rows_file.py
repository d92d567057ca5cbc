"""Rows of a CSV or JSON file, read with what the base install has."""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hyperbo_service.errors import TrialsFileError

Row = Mapping[str, Any]


def read_rows(path: Path) -> list[Row]:
    """The rows of a file by column: texts of a CSV file with a header, or a JSON list of objects.

    A file without text has no rows.

    Raises:
        TrialsFileError: If it is missing, of another kind, or not in this layout.
    """
    if path.suffix.lower() not in (".csv", ".json"):
        raise TrialsFileError(f"{path} is neither CSV (.csv) nor JSON (.json).")
    text = _read_text(path)
    if not text.strip():
        return []
    return _json_rows(path, text) if path.suffix.lower() == ".json" else _csv_rows(path, text)


def read_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        TrialsFileError: If it is missing or no JSON.
    """
    return _parsed(path, _read_text(path))


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise TrialsFileError(f"There is no file {path}. Correct the path.") from None
    except UnicodeDecodeError as error:
        raise TrialsFileError(f"{path} is no text in UTF-8: {error}. Save it so.") from None


def _parsed(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TrialsFileError(f"{path} is no JSON: {error}.") from None


def _json_rows(path: Path, text: str) -> list[Row]:
    document = _parsed(path, text)
    if not isinstance(document, list) or not all(isinstance(row, dict) for row in document):
        raise TrialsFileError(f"{path} must hold a list of objects, one a trial.")
    return document


def _csv_rows(path: Path, text: str) -> list[Row]:
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
    except csv.Error as error:
        raise TrialsFileError(f"{path} is no CSV: {error}.") from None
    header = [name.strip() for name in lines[0]]
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise TrialsFileError(f"{path} has the columns {repeated} more than once.")
    for number, line in enumerate(lines[1:], start=1):
        if len(line) != len(header):
            raise TrialsFileError(
                f"{path}, trial {number}: {len(line)} cells in a table of {len(header)} columns. "
                "Quote cells that hold commas, and write an empty cell where there is no value."
            )
    return [dict(zip(header, (cell.strip() for cell in line), strict=True)) for line in lines[1:]]
