"""A stored prior as the bytes of its two files, wherever they are kept: a folder, a database."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version as installed_version

from hyperbo.errors import PriorDamagedError, PriorError
from hyperbo.prior_file import describe, pack, rebuild, unpack
from hyperbo.prior_manifest import Manifest, PriorReference, TrainingData, WeightsFile
from hyperbo.space import SearchSpace
from hyperbo.surrogates import Expert, HierarchicalPrior

_LIBRARIES = ("hyperbo", "jax", "gpjax", "equinox")


@dataclass(frozen=True)
class StoredPrior:
    """A prior read back from its files, with all that is said of it."""

    manifest: Manifest
    model: Expert | HierarchicalPrior

    @property
    def reference(self) -> PriorReference:
        """Its name and version."""
        return self.manifest.reference

    def expert(self, dimension: int) -> Expert:
        """The prior for a search space of `dimension` coordinates: its own, or any."""
        return self.model.expert(dimension)


@dataclass(frozen=True)
class PriorFiles:
    """The two files of a stored prior; nothing is checked before they are asked for something.

    Attributes:
        manifest: Content of `manifest.json`, see `hyperbo.prior_manifest`.
        weights: Content of `weights.safetensors`, see `hyperbo.prior_file`.
    """

    manifest: bytes
    weights: bytes

    @classmethod
    def of(
        cls,
        reference: PriorReference,
        model: Expert | HierarchicalPrior,
        *,
        space: SearchSpace | None,
        metric: Mapping[str, object] | None,
        training: TrainingData,
        scores: Mapping[str, object],
        notes: Mapping[str, object],
    ) -> "PriorFiles":
        """The files of a prior that is stored now; see `Registry.save` for the arguments.

        Raises:
            PriorError: If the prior does not fit the space, holds NaN, or a class that cannot be
                stored.
        """
        _check_model(model, space)
        structure, arrays = describe(model)
        weights = pack(arrays)
        manifest = Manifest(
            reference=reference,
            created=datetime.now(UTC),
            libraries={library: installed_version(library) for library in _LIBRARIES},
            space=space,
            metric=metric,
            training=training,
            scores=scores,
            notes=notes,
            model=structure,
            weights=WeightsFile.of(weights),
        )
        return cls(manifest.to_bytes(), weights)

    def manifest_only(self) -> Manifest:
        """What is said of the prior, once the hashes of both files are right; no model is built.

        Raises:
            PriorDamagedError: If a byte of either file is not as it was written.
            PriorFormatError: If a newer release wrote it.
        """
        manifest = Manifest.from_bytes(self.manifest)
        manifest.weights.check(self.weights)
        return manifest

    def open(self) -> StoredPrior:
        """Check all hashes and build the model.

        Raises:
            PriorDamagedError: If a byte of either file is not as it was written, or the model they
                describe cannot be built or evaluated in its space.
            PriorFormatError: If a newer release wrote it.
        """
        manifest = self.manifest_only()
        try:
            model = _build(manifest, self.weights)
        except PriorError as error:
            raise PriorDamagedError(f"Prior {manifest.reference} is damaged. {error}") from error
        return StoredPrior(manifest, model)

    def renamed(self, reference: PriorReference) -> "PriorFiles":
        """The same prior under another name or version; only the manifest differs.

        Raises:
            PriorError: As `manifest_only`.
        """
        manifest = replace(self.manifest_only(), reference=reference)
        return PriorFiles(manifest.to_bytes(), self.weights)

    def identity(self) -> str:
        """SHA-256 over all that the prior is but its name and version; equal in renamed copies.

        Raises:
            PriorError: As `manifest_only`.
        """
        return self.manifest_only().identity()


def _build(manifest: Manifest, weights: bytes) -> Expert | HierarchicalPrior:
    """The model, which can be evaluated in the prior's space."""
    model = rebuild(manifest.model, unpack(weights))
    if not isinstance(model, Expert | HierarchicalPrior):
        raise PriorDamagedError(
            f"Its model is a {type(model).__name__}; wanted an Expert or a HierarchicalPrior. "
            "Pre-train it again."
        )
    _check_model(model, manifest.space)
    return model


def _check_model(model: Expert | HierarchicalPrior, space: SearchSpace | None) -> None:
    if isinstance(model, HierarchicalPrior) != (space is None):
        raise PriorError(
            f"A {type(model).__name__} was given {'no' if space is None else 'a'} search space; a "
            "hierarchical prior serves any, every other one its own. Name the space accordingly."
        )
    model.check(1 if space is None else space.dimension)
