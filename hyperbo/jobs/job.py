"""Jobs: the pieces that work is done in, each of which can be done anywhere, at any time."""

import hashlib
import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from hyperbo.errors import StudyError


def unchecked(table: pd.DataFrame) -> pd.DataFrame:
    """The table as it is."""
    return table


@dataclass(frozen=True)
class Job:
    """One piece of work: a call that returns a table.

    Attributes:
        settings: All that decides the result, as JSON: the key is computed from it, so that a
            resumed run knows what it has. Two jobs of one run must differ in it.
        function: Called with `arguments`; importable by name, so that workers can be sent it.
        arguments: Keyword arguments of `function`, picklable. What the settings name, they hold.
        check: Given the table, the one that is stored; raises if it is not as it must be.
    """

    settings: Mapping[str, Any]
    function: Callable[..., pd.DataFrame]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    check: Callable[[pd.DataFrame], pd.DataFrame] = unchecked

    @property
    def key(self) -> str:
        """Sixteen hexadecimal digits that stay the same wherever the settings do."""
        return hashlib.sha256(canonical_json(self.settings).encode()).hexdigest()[:16]

    @property
    def label(self) -> str:
        """The settings in one line, for people."""
        return ", ".join(f"{name} {value}" for name, value in self.settings.items())


@dataclass(frozen=True)
class Finished:
    """A job that returned its table.

    Attributes:
        job: The job.
        table: Its table, checked.
    """

    job: Job
    table: pd.DataFrame


@dataclass(frozen=True)
class Failed:
    """A job that did not return a table.

    Attributes:
        job: The job.
        reason: What went wrong; a traceback where there is one, its last line the error.
    """

    job: Job
    reason: str


def canonical_json(settings: Mapping[str, Any]) -> str:
    """Settings as JSON text that depends neither on the order of keys nor on the platform.

    Raises:
        StudyError: If a value is not one that JSON knows.
    """
    try:
        return json.dumps(settings, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise StudyError(
            f"Settings must be plain JSON values, so that they can be compared later: {error}. "
            f"Got {dict(settings)!r}."
        ) from error


def attempt(job: Job) -> Finished | Failed:
    """Run a job here and now; an exception becomes a failure, an interrupt passes through."""
    try:
        return Finished(job, job.check(job.function(**job.arguments)))
    except Exception:  # noqa: BLE001 - whatever a method raises must not end the other jobs
        return Failed(job, traceback.format_exc())
