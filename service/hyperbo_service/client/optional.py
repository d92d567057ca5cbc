"""Modules that the client loads only when they are asked for, as they need more than it does."""

from __future__ import annotations

import importlib
from types import ModuleType

from hyperbo.errors import MissingExtraError


def load(module: str, purpose: str, remedy: str) -> ModuleType:
    """A module, imported now.

    Raises:
        MissingExtraError: If something that it needs is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{purpose} needs {error.name or 'a library'}, which is not installed: {remedy}"
        ) from error
