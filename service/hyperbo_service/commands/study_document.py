"""A study with all its trials as one JSON document, to be kept or taken to another server."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from hyperbo_service.client import Measurement, StudyExport, StudyRecord, TrialRecord
from hyperbo_service.commands.documents import document
from hyperbo_service.errors import TrialsFileError

FORMAT, FORMAT_VERSION = "hyperbo.study", 1

_STUDY_TIMES = ("created", "updated", "ended")
_TRIAL_TIMES = ("created", "started", "ended", "updated", "lease_expires")


def to_document(export: StudyExport) -> dict[str, Any]:
    """The document of a study; `from_document` gives the study back."""
    return {"format": FORMAT, "format_version": FORMAT_VERSION, **document(export)}


def from_document(content: Any, path: Path) -> StudyExport:
    """The study of a document.

    Args:
        content: The document.
        path: Where it was read, for messages.

    Raises:
        TrialsFileError: If it is none, or of a newer release.
    """
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise TrialsFileError(
            f"{path} is no exported study; wanted what `hyperbo study export NAME FILE.json` wrote."
        )
    if content.get("format_version") != FORMAT_VERSION:
        raise TrialsFileError(
            f"{path} has format version {content.get('format_version')!r}; this release reads "
            f"{FORMAT_VERSION}. Use the release that wrote it."
        )
    try:
        study = StudyRecord(**_fields(content["study"], _STUDY_TIMES, "id"))
        trials = tuple(_trial(each) for each in content["trials"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TrialsFileError(f"{path} is not as it was written: {error}. Export anew.") from None
    return StudyExport(study, trials)


def _trial(content: Mapping[str, Any]) -> TrialRecord:
    fields = _fields(content, _TRIAL_TIMES, "number")
    fields["measurements"] = tuple(Measurement(**each) for each in content["measurements"])
    return TrialRecord(**fields)


def _fields(content: Mapping[str, Any], times: tuple[str, ...], extra: str) -> dict[str, Any]:
    """The record's fields: times read, and what is told only for people left out."""
    fields = {name: value for name, value in content.items() if name != extra}
    for name in times:
        text = fields[name]
        fields[name] = None if text is None else datetime.fromisoformat(text)
    return fields
