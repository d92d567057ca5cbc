"""The manifest of a stored prior: where it comes from, what it serves, and hashes over all of it.

The file is JSON in plain ASCII with sorted keys, an indent of two and a final newline; it is read
only if it is written exactly so, which leaves no byte that could change unnoticed.

| key | meaning |
| --- | --- |
| `format`, `format_version` | `"hyperbo.prior"` and 1 |
| `name`, `version` | the prior's name and version, which are also its folders' |
| `created` | when it was stored, UTC, ISO 8601 |
| `libraries` | versions of the libraries that wrote it |
| `space`, `space_digest` | the search space it serves, and its digest; null if it serves any |
| `metric` | name, goal and warping of the objective, as the caller describes them; null if any |
| `training` | digest and sizes of the tasks it was trained on, and their names |
| `scores` | how well it did, by name |
| `notes` | anything else: lineage, settings, comments |
| `model` | the model's structure, see `hyperbo.prior_file` |
| `weights` | size in bytes and SHA-256 of `weights.safetensors` |
| `content_hash` | SHA-256 of the canonical JSON (sorted, no white space) of all other keys |

Every future version keeps `format_version`, `content_hash` and the way both are written.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from hyperbo.errors import (
    PriorDamagedError,
    PriorError,
    PriorFormatError,
    PriorMismatchError,
    PriorNameError,
    SpaceError,
)
from hyperbo.space import SearchSpace, describe_differences
from hyperbo.tasks import Task

FORMAT = "hyperbo.prior"
FORMAT_VERSION = 1

Json = Mapping[str, object]
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_RESTORE = "Restore the prior from a copy, or pre-train it again."


@dataclass(frozen=True, order=True)
class PriorReference:
    """A stored prior's name and version, written `name@version`.

    Attributes:
        name: Lower-case letters, digits, dots, underscores and hyphens; at most 64 of them, the
            first a letter or digit.
        version: Counts up from one.

    Raises:
        PriorNameError: If either is not well formed.
    """

    name: str
    version: int

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.version < 1:
            raise PriorNameError(f"Version {self.version} of {self.name!r}: versions start at 1.")

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


@dataclass(frozen=True)
class TrainingData:
    """What a prior was trained on.

    Attributes:
        digest: SHA-256 over names, points and values of the tasks.
        tasks: The tasks' names.
        points: Number of points of all tasks together.
    """

    digest: str
    tasks: tuple[str, ...]
    points: int

    @classmethod
    def of(cls, tasks: Sequence[Task]) -> "TrainingData":
        """Describe tasks; the digest depends on their order."""
        digest = hashlib.sha256()
        for task in tasks:
            shape = json.dumps([task.name, *task.inputs.shape])
            digest.update(f"{len(shape)}:{shape}".encode())
            for array in (task.inputs, task.values):
                digest.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
        names = tuple(task.name for task in tasks)
        return cls(digest.hexdigest(), names, sum(task.size for task in tasks))


@dataclass(frozen=True)
class WeightsFile:
    """Size in bytes and SHA-256 of a prior's weights."""

    size: int
    digest: str

    @classmethod
    def of(cls, content: bytes) -> "WeightsFile":
        """Describe the content of a weights file."""
        return cls(len(content), hashlib.sha256(content).hexdigest())

    def check(self, content: bytes) -> None:
        """Refuse any other content.

        Raises:
            PriorDamagedError: If size or hash differ.
        """
        if len(content) != self.size:
            raise PriorDamagedError(
                f"The weights have {len(content)} bytes; the manifest says {self.size}. {_RESTORE}"
            )
        if WeightsFile.of(content) != self:
            raise PriorDamagedError(f"The weights do not have the manifest's SHA-256. {_RESTORE}")


@dataclass(frozen=True)
class Manifest:
    """Everything said of a stored prior beside its weights; the module tells the fields' meaning.

    Raises:
        PriorError: If a mapping holds what JSON cannot, or the metric has no name or goal.
    """

    reference: PriorReference
    created: datetime
    libraries: Mapping[str, str]
    space: SearchSpace | None
    metric: Json | None
    training: TrainingData
    scores: Json
    notes: Json
    model: Json
    weights: WeightsFile

    def __post_init__(self) -> None:
        for field in ("libraries", "metric", "scores", "notes", "model"):
            value = getattr(self, field)
            object.__setattr__(self, field, None if value is None else _plain(field, value))
        if (self.space is None) != (self.metric is None):
            raise PriorError("A prior for any space serves any metric; give both, or neither.")
        if self.metric is None:
            return
        missing = [key for key in ("name", "goal") if key not in self.metric]
        if missing:
            raise PriorError(f"The prior's metric lacks {missing!r}; describe it with both.")

    def check_space(self, space: SearchSpace) -> None:
        """Refuse any other search space than the prior's own, if it has one.

        Raises:
            PriorMismatchError: If they differ; the message names the parameters.
        """
        if self.space is None or self.space.digest() == space.digest():
            return
        differences = describe_differences(self.space, space, ("the prior", "the given space"))
        raise PriorMismatchError(
            f"Prior {self.reference} serves another search space: {'; '.join(differences)}. Use "
            "the prior's own space, or pre-train a prior on this one."
        )

    def to_json(self) -> Json:
        """All keys of the file but the content hash."""
        training = {
            "digest": self.training.digest,
            "task_count": len(self.training.tasks),
            "point_count": self.training.points,
            "tasks": list(self.training.tasks),
        }
        return {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "name": self.reference.name,
            "version": self.reference.version,
            "created": self.created.astimezone(UTC).isoformat(),
            "libraries": self.libraries,
            "space": None if self.space is None else json.loads(self.space.to_json()),
            "space_digest": None if self.space is None else self.space.digest(),
            "metric": self.metric,
            "training": training,
            "scores": self.scores,
            "notes": self.notes,
            "model": self.model,
            "weights": {"size": self.weights.size, "sha256": self.weights.digest},
        }

    def content_hash(self) -> str:
        """SHA-256 over all that the prior is; the weights enter by their own hash."""
        return _hash(self.to_json())

    def identity(self) -> str:
        """SHA-256 over all that the prior is but its name and version; equal in renamed copies."""
        document = self.to_json()
        return _hash({key: document[key] for key in document if key not in ("name", "version")})

    def to_bytes(self) -> bytes:
        """The content of the manifest's file."""
        return seal(self.to_json())

    @classmethod
    def from_bytes(cls, content: bytes) -> "Manifest":
        """Read the content of a manifest's file.

        Raises:
            PriorDamagedError: If a byte is not as it was written.
            PriorFormatError: If a newer release wrote it.
        """
        document = _unseal(content)
        version = document.get("format_version")
        if isinstance(version, int) and version > FORMAT_VERSION:
            raise PriorFormatError(
                f"The prior has format version {version}; this release reads up to "
                f"{FORMAT_VERSION}. Upgrade hyperbo."
            )
        try:
            manifest = cls._from_document(document)
            faithful = manifest.to_bytes() == content
        except (KeyError, TypeError, ValueError, AttributeError, SpaceError, PriorError) as error:
            raise PriorDamagedError(
                f"The manifest is not in format version {FORMAT_VERSION}: {error!r}. {_RESTORE}"
            ) from error
        if not faithful:
            raise PriorDamagedError(
                f"The manifest has keys or values that format version {FORMAT_VERSION} does not "
                f"know. {_RESTORE}"
            )
        return manifest

    @classmethod
    def _from_document(cls, document: dict[str, object]) -> "Manifest":
        training, weights = _object(document, "training"), _object(document, "weights")
        return cls(
            reference=PriorReference(_text(document, "name"), _integer(document, "version")),
            created=datetime.fromisoformat(_text(document, "created")),
            libraries={key: str(value) for key, value in _object(document, "libraries").items()},
            space=(
                None
                if document["space"] is None
                else SearchSpace.from_json(json.dumps(document["space"]))
            ),
            metric=None if document["metric"] is None else _object(document, "metric"),
            training=TrainingData(
                _text(training, "digest"),
                tuple(str(name) for name in _list(training, "tasks")),
                _integer(training, "point_count"),
            ),
            scores=_object(document, "scores"),
            notes=_object(document, "notes"),
            model=_object(document, "model"),
            weights=WeightsFile(_integer(weights, "size"), _text(weights, "sha256")),
        )


def check_name(name: str) -> None:
    """Refuse what is no prior's name.

    Raises:
        PriorNameError: If it is not well formed.
    """
    if not _NAME.fullmatch(name):
        raise PriorNameError(
            f"{name!r} is no name of a prior; wanted 1 to 64 lower-case letters, digits, dots, "
            "underscores or hyphens, the first a letter or a digit."
        )


def seal(document: Json) -> bytes:
    """The bytes of a manifest file with this content and the hash over it."""
    sealed = {**document, "content_hash": _hash(document)}
    return (json.dumps(sealed, sort_keys=True, indent=2, allow_nan=False) + "\n").encode()


def _unseal(content: bytes) -> dict[str, object]:
    """The content of a manifest file without its hash, which is right.

    Raises:
        PriorDamagedError: If one byte is not as `seal` writes it.
    """
    try:
        document = json.loads(content.decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise PriorDamagedError(f"The manifest is no JSON: {error}. {_RESTORE}") from error
    if not isinstance(document, dict):
        raise PriorDamagedError(f"The manifest is no JSON object. {_RESTORE}")
    document.pop("content_hash", None)
    try:
        intact = seal(document) == content
    except (ValueError, RecursionError):
        intact = False
    if not intact:
        raise PriorDamagedError(
            f"The manifest was changed after it was written: its content hash is wrong. {_RESTORE}"
        )
    return document


def _hash(document: Json) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(field: str, mapping: Json) -> Json:
    """A copy of the mapping as JSON would give it back."""
    try:
        text = json.dumps(mapping, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise PriorError(
            f"The prior's {field} cannot be written as JSON: {error}. Give plain dicts, lists, "
            "strings and finite numbers; None where there is no number."
        ) from error
    plain: Json = json.loads(text)
    return plain


def _object(document: Json, key: str) -> dict[str, object]:
    value = document[key]
    if not isinstance(value, dict):
        raise TypeError(f"{key} is no object")
    return value


def _list(document: Json, key: str) -> list[object]:
    value = document[key]
    if not isinstance(value, list):
        raise TypeError(f"{key} is no list")
    return value


def _text(document: Json, key: str) -> str:
    value = document[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} is no string")
    return value


def _integer(document: Json, key: str) -> int:
    value = document[key]
    if type(value) is not int:
        raise TypeError(f"{key} is no integer")
    return value
