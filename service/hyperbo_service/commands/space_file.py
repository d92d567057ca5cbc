"""The space file: what is tuned, and often what is measured, in one JSON object."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyperbo_service.errors import CommandError

_EXAMPLE = (
    '{"parameters": [{"type": "float", "name": "lr", "low": 1e-5, "high": 0.1, "scale": "log"}], '
    '"metric": {"name": "accuracy", "goal": "maximize"}}'
)


@dataclass(frozen=True)
class SpaceFile:
    """A search space and its metric, as a file has them.

    Attributes:
        space: The search space's JSON object.
        metric: The metric's JSON object; empty if the file names none.
    """

    space: Mapping[str, Any]
    metric: Mapping[str, Any]


def read_space_file(path: Path) -> SpaceFile:
    """Read a space file, also one written for `hyperbo data import csv`.

    Raises:
        CommandError: If it cannot be read or holds no search space.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CommandError(f"There is no file {path}. It should hold such as {_EXAMPLE}") from None
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{path} is no JSON: {error}. It should hold {_EXAMPLE}") from None
    if isinstance(content, list):
        content = {"parameters": content}
    if not isinstance(content, dict) or not isinstance(content.get("parameters"), list):
        raise CommandError(f'{path} has no list "parameters"; it should hold such as {_EXAMPLE}')
    metric = content.get("metric") or {}
    if not isinstance(metric, dict):
        raise CommandError(f'In {path}, "metric" must be an object with name and goal.')
    keys = {key: content[key] for key in ("version", "parameters") if key in content}
    return SpaceFile(keys, metric)
