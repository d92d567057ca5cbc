"""A search space as people read it."""

import json
from collections.abc import Iterator
from typing import Any

from rich.table import Table
from rich.text import Text

from hyperbo_service.console import number, table


def space_table(space_json: str) -> Table:
    """A row for each parameter; conditional ones stand indented below the one they hang on.

    Args:
        space_json: The space in its canonical JSON.
    """
    rows = table("parameter", "kind", "values", "scale")
    for cells in _rows(json.loads(space_json)["parameters"], ""):
        rows.add_row(*(Text(cell) for cell in cells))
    return rows


def _rows(parameters: list[dict[str, Any]], indent: str) -> Iterator[tuple[str, str, str, str]]:
    for parameter in parameters:
        yield (
            indent + parameter["name"],
            parameter["type"],
            _values(parameter),
            parameter.get("scale", "-"),
        )
        for child in parameter.get("children", []):
            yield (f"{indent}  if {child['category']}:", "", "", "")
            yield from _rows(child["parameters"], indent + "    ")


def _values(parameter: dict[str, Any]) -> str:
    if "low" in parameter:
        return f"{number(parameter['low'])} to {number(parameter['high'])}"
    listed = parameter.get("categories") or parameter.get("values") or [parameter.get("value")]
    return ", ".join(str(value) for value in listed)
