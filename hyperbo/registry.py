"""The registry: pre-trained priors on disk, by name and version, hashed and never half written.

A prior is the folder `<root>/<name>/<version>/` with `manifest.json` and `weights.safetensors`;
`hyperbo.prior_manifest` and `hyperbo.prior_file` describe the two. A folder is written under a
temporary name, flushed, and renamed, which also claims its version: of several processes that save
under one name at once, each gets a version of its own. A stored prior is never changed.
"""

import difflib
import errno
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from hyperbo.errors import (
    PriorDamagedError,
    PriorError,
    PriorNameError,
    PriorNotFoundError,
)
from hyperbo.files import flush_folder, write_flushed
from hyperbo.prior_files import PriorFiles, StoredPrior
from hyperbo.prior_manifest import Manifest, PriorReference, TrainingData, check_name
from hyperbo.space import SearchSpace
from hyperbo.surrogates import Expert, HierarchicalPrior

__all__ = [
    "MANIFEST",
    "WEIGHTS",
    "PriorFiles",
    "Registry",
    "RegistryEntry",
    "StoredPrior",
    "default_root",
]

MANIFEST = "manifest.json"
WEIGHTS = "weights.safetensors"

_LARGEST_MANIFEST = 16 * 2**20
_LARGEST_WEIGHTS = 256 * 2**20
_VERSION = re.compile(r"[1-9][0-9]{0,8}")
_TAKEN = (errno.ENOTEMPTY, errno.EEXIST)


@dataclass(frozen=True)
class RegistryEntry:
    """One line of the registry's list.

    Attributes:
        reference: The prior's name and version.
        manifest: What is said of it; None if it cannot be used.
        problem: Why it cannot be used; None if it can.
    """

    reference: PriorReference
    manifest: Manifest | None
    problem: str | None


def default_root() -> Path:
    """The user's own registry: `$HYPERBO_HOME/priors`, or the platform's folder for user data."""
    home = os.environ.get("HYPERBO_HOME")
    return (Path(home) if home else platformdirs.user_data_path("hyperbo")) / "priors"


@dataclass(frozen=True)
class Registry:
    """Stored priors under one folder, which need not exist before the first is saved.

    References are texts: `name@3`, or `name` and `name@latest` for the newest version.

    Attributes:
        root: The folder.
    """

    root: Path

    def save(
        self,
        name: str,
        model: Expert | HierarchicalPrior,
        *,
        space: SearchSpace | None,
        metric: Mapping[str, object] | None,
        training: TrainingData,
        scores: Mapping[str, object],
        notes: Mapping[str, object],
    ) -> PriorReference:
        """Store a prior under the next free version of its name; on failure leave nothing.

        Args:
            name: Lower-case letters, digits, dots, underscores and hyphens.
            model: The prior.
            space: The search space it was trained on and serves; None for a hierarchical prior,
                which serves any.
            metric: `name`, `goal` and warping of the objective, plain JSON; None likewise.
            training: The tasks it was trained on.
            scores: How well it did, e.g. on held-out tasks, plain JSON.
            notes: Lineage, settings, comments, plain JSON.

        Returns:
            Where it stands.

        Raises:
            PriorNameError: If the name is not well formed.
            PriorError: If the prior does not fit the space, holds NaN, or a class that cannot be
                stored; if it is too large; if the disk refuses.
        """
        files = PriorFiles.of(
            PriorReference(name, 1),
            model,
            space=space,
            metric=metric,
            training=training,
            scores=scores,
            notes=notes,
        )
        return self._place(name, files, lambda: None)

    def add(self, name: str, files: PriorFiles) -> PriorReference:
        """Store a prior that came as files under the next free version of a name.

        What already stands intact under that name is not stored again, whoever added it; the
        reference is then that of the older copy. On failure nothing is left.

        Args:
            name: As for `save`; the name in the files does not matter.
            files: The prior.

        Returns:
            Where it stands.

        Raises:
            PriorNameError: If the name is not well formed.
            PriorError: If the files are damaged or of a newer release; if they are too large; if
                the disk refuses.
        """
        check_name(name)
        identity = files.open().manifest.identity()
        known = self._find(name, identity)
        return known or self._place(name, files, lambda: self._find(name, identity))

    def read_files(self, reference: str | PriorReference) -> PriorFiles:
        """A prior's files as they were written; their hashes are checked, no model is built.

        Raises:
            PriorNameError: If the reference is not well formed.
            PriorNotFoundError: If there is no such prior.
            PriorDamagedError: If a byte of it is not as it was written, or a file is missing.
            PriorFormatError: If a newer release wrote it.
        """
        return self._read(self.resolve(reference))[1]

    def load(
        self, reference: str | PriorReference, *, space: SearchSpace | None = None
    ) -> StoredPrior:
        """Read a prior; its hashes are always checked.

        Args:
            reference: Which prior.
            space: The search space it shall serve, if that is to be checked.

        Raises:
            PriorNameError: If the reference is not well formed.
            PriorNotFoundError: If there is no such prior.
            PriorDamagedError: If a byte of it is not as it was written, or a file is missing.
            PriorFormatError: If a newer release wrote it.
            PriorMismatchError: If it serves another search space; the message names the parameters
                that differ.
        """
        manifest, files = self._read(self.resolve(reference))
        if space is not None:
            manifest.check_space(space)
        return files.open()

    def verify(self, reference: str | PriorReference) -> Manifest:
        """Check a prior as thoroughly as `load` does, and give its manifest.

        Raises:
            PriorError: As `load`.
        """
        return self.load(reference).manifest

    def list(self) -> tuple[RegistryEntry, ...]:
        """Every prior by name and version; the hashes of each are checked.

        One that is damaged, unreadable or of a newer release is listed with its problem.

        Raises:
            PriorError: If the registry's folder cannot be read.
        """
        references = (
            PriorReference(name, version)
            for name in self._names()
            for version in self._versions(name)
        )
        return tuple(self._entry(reference) for reference in references)

    def resolve(self, reference: str | PriorReference) -> PriorReference:
        """The name and version a text refers to.

        Raises:
            PriorNameError: If the text is not well formed.
            PriorNotFoundError: If there is no such prior.
        """
        if isinstance(reference, PriorReference):
            name, wanted = reference.name, str(reference.version)
        else:
            name, _, wanted = reference.partition("@")
        check_name(name)
        if wanted not in ("", "latest") and not _VERSION.fullmatch(wanted):
            raise PriorNameError(
                f"{str(reference)!r} is no reference; wanted 'name', 'name@latest' or 'name@3'."
            )
        versions = self._versions(name)
        if not versions:
            raise PriorNotFoundError(self._advise(name))
        if wanted in ("", "latest"):
            return PriorReference(name, versions[-1])
        if int(wanted) not in versions:
            raise PriorNotFoundError(
                f"Prior {name!r} has no version {wanted} in {self.root}; it has "
                f"{', '.join(map(str, versions))}."
            )
        return PriorReference(name, int(wanted))

    def _entry(self, reference: PriorReference) -> RegistryEntry:
        try:
            manifest, _ = self._read(reference)
        except PriorError as error:
            return RegistryEntry(reference, None, str(error))
        return RegistryEntry(reference, manifest, None)

    def _read(self, reference: PriorReference) -> tuple[Manifest, PriorFiles]:
        """A prior's files as they were written, and what they say of it."""
        folder = self.root / reference.name / str(reference.version)
        try:
            files = PriorFiles(
                _read_file(folder / MANIFEST, _LARGEST_MANIFEST),
                _read_file(folder / WEIGHTS, _LARGEST_WEIGHTS),
            )
            manifest = files.manifest_only()
        except PriorError as error:
            raise type(error)(f"Prior {reference} cannot be used. {error}") from error
        if manifest.reference != reference:
            raise PriorDamagedError(
                f"The folder of prior {reference} holds prior {manifest.reference}; move it to "
                "where it belongs."
            )
        return manifest, files

    def _find(self, name: str, identity: str) -> PriorReference | None:
        """The newest version of a name that holds this prior intact."""
        for version in reversed(self._versions(name)):
            manifest = self._entry(PriorReference(name, version)).manifest
            if manifest is not None and manifest.identity() == identity:
                return manifest.reference
        return None

    def _names(self) -> tuple[str, ...]:
        """Names of which there is at least one version."""
        return tuple(name for name in _folders(self.root) if _is_name(name))

    def _versions(self, name: str) -> tuple[int, ...]:
        """Versions of a name, ascending."""
        found = (text for text in _folders(self.root / name) if _VERSION.fullmatch(text))
        return tuple(sorted(map(int, found)))

    def _advise(self, name: str) -> str:
        names = [each for each in self._names() if self._versions(each)]
        close = difflib.get_close_matches(name, names, n=1)
        if close:
            hint = f"Did you mean {close[0]!r}?"
        elif names:
            hint = f"There are {', '.join(map(repr, names))}."
        else:
            hint = "The registry is empty; pre-train a prior first, or set HYPERBO_HOME."
        return f"No prior {name!r} in {self.root}. {hint}"

    def _place(
        self, name: str, files: PriorFiles, find: Callable[[], PriorReference | None]
    ) -> PriorReference:
        """Write a prior's folder, once `find` finds no reason not to."""
        _check_sizes(len(files.weights), len(files.manifest))
        try:
            return self._claim_version(name, files, find)
        except OSError as error:
            raise PriorError(
                f"Prior {name!r} could not be written below {self.root}: {error}. Make room or "
                "choose another folder, e.g. by setting HYPERBO_HOME."
            ) from error

    def _claim_version(
        self, name: str, files: PriorFiles, find: Callable[[], PriorReference | None]
    ) -> PriorReference:
        """Write a prior's folder and rename it to the first version that is free."""
        partial = self.root / f".{name}.{uuid.uuid4().hex}.partial"
        partial.mkdir(parents=True)
        try:
            write_flushed(partial / WEIGHTS, files.weights)
            for version in self._free_versions(name):
                # Asked after the version was seen free: whoever came before is found here, and
                # whoever comes after holds the version already when it is claimed.
                known = find()
                if known is not None:
                    return known
                place = PriorReference(name, version)
                write_flushed(partial / MANIFEST, files.renamed(place).manifest)
                flush_folder(partial)
                if _claim(partial, self.root / name / str(version)):
                    break
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return place

    def _free_versions(self, name: str) -> Iterator[int]:
        """Versions that are free at the moment they are asked for."""
        while True:
            yield max(self._versions(name), default=0) + 1


def _claim(partial: Path, place: Path) -> bool:
    """Rename a folder to its place, or say that another process was faster."""
    place.parent.mkdir(exist_ok=True)
    try:
        # A folder is never renamed onto one that holds files, so no prior is ever replaced.
        partial.rename(place)
    except OSError as error:
        if error.errno in _TAKEN:
            return False
        raise
    flush_folder(place.parent)
    flush_folder(place.parent.parent)
    return True


def _check_sizes(weights: int, manifest: int) -> None:
    for what, size, largest in (
        ("weights", weights, _LARGEST_WEIGHTS),
        ("manifest", manifest, _LARGEST_MANIFEST),
    ):
        if size > largest:
            raise PriorError(
                f"The prior's {what} take {size} bytes; at most {largest} are stored. Use fewer "
                "units, or shorter notes."
            )


def _is_name(text: str) -> bool:
    try:
        check_name(text)
    except PriorNameError:
        return False
    return True


def _folders(parent: Path) -> list[str]:
    """Names of the folders below a folder that may not exist, sorted."""
    try:
        return sorted(entry.name for entry in parent.iterdir() if entry.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise PriorError(
            f"The registry's folder {parent} cannot be read: {error}. Correct its permissions, or "
            "set HYPERBO_HOME."
        ) from error


def _read_file(path: Path, largest: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(largest + 1)
    except FileNotFoundError as error:
        raise PriorDamagedError(
            f"The file {path.name} is missing. Restore the prior from a copy, or pre-train it "
            "again."
        ) from error
    except OSError as error:
        raise PriorError(f"{path} cannot be read: {error}. Correct its permissions.") from error
    if len(content) > largest:
        raise PriorDamagedError(
            f"The file {path.name} is larger than the {largest} bytes of the largest prior. "
            "Restore the prior from a copy, or pre-train it again."
        )
    return content
