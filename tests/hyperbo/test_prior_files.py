"""Priors travel as bytes: out of one registry, under another name, into another registry."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest
from gpjax.kernels import RBF
from gpjax.mean_functions import Zero
from gpjax.parameters import PositiveReal

from hyperbo.errors import (
    PriorDamagedError,
    PriorError,
    PriorFormatError,
    PriorNameError,
    PriorNotFoundError,
)
from hyperbo.prior_files import PriorFiles
from hyperbo.prior_manifest import Manifest, PriorReference, TrainingData, seal
from hyperbo.registry import MANIFEST, WEIGHTS, Registry
from hyperbo.space import FloatParameter, IntegerParameter, SearchSpace
from hyperbo.surrogates import Expert, GaussianProcessPrior, Hierarchy

SPACE = SearchSpace((FloatParameter("dropout", 0.0, 0.8), IntegerParameter("layers", 1, 5)))
REFERENCE = PriorReference("mine", 3)


def expert(noise: float = 0.1) -> Expert:
    """A small prior."""
    prior = GaussianProcessPrior(Zero(), RBF(lengthscale=0.4), PositiveReal(jnp.asarray(noise)))
    return Expert(prior, Hierarchy.fixed(), jnp.ones(prior.log_factor_count))


def files(noise: float = 0.1) -> PriorFiles:
    """The files of `mine@3`."""
    return PriorFiles.of(
        REFERENCE,
        expert(noise),
        space=SPACE,
        metric={"name": "error", "goal": "minimise"},
        training=TrainingData("", (), 0),
        scores={},
        notes={},
    )


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """An empty registry."""
    return Registry(tmp_path / "priors")


def everything(root: Path) -> dict[Path, bytes]:
    """All files below a folder."""
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_opened_files_are_the_prior() -> None:
    """The model comes back bit by bit, under the name and version it was given."""
    stored = files().open()

    assert stored.reference == REFERENCE
    leaves = zip(jax.tree.leaves(stored.model), jax.tree.leaves(expert()), strict=True)
    assert all((ours == theirs).all() for ours, theirs in leaves)


def test_registry_gives_out_what_it_keeps(registry: Registry) -> None:
    """The files read are the bytes on the disk, and open as `load` does."""
    reference = registry.add("mine", files())
    folder = registry.root / "mine" / "1"

    read = registry.read_files("mine@latest")

    assert read == PriorFiles((folder / MANIFEST).read_bytes(), (folder / WEIGHTS).read_bytes())
    assert read.open().manifest == registry.load(reference).manifest
    with pytest.raises(PriorNotFoundError):
        registry.read_files("mine@2")


def test_added_prior_is_the_same_under_its_new_name(registry: Registry) -> None:
    """A prior from elsewhere keeps all but its name and version, its time of creation included."""
    ours = files()
    manifest = registry.verify(registry.add("theirs", ours))

    assert manifest.reference == PriorReference("theirs", 1)
    assert replace(manifest, reference=REFERENCE) == Manifest.from_bytes(ours.manifest)


def test_added_twice_is_stored_once(registry: Registry) -> None:
    """The same prior, under whatever name it comes, is found again and nothing is written."""
    first = registry.add("mine", files())
    other = registry.add("mine", files(noise=0.2))
    before = everything(registry.root)

    renamed = registry.read_files(first).renamed(PriorReference("copy", 9))

    assert registry.add("mine", renamed) == first
    assert registry.add("mine", registry.read_files(other)) == other == PriorReference("mine", 2)
    assert everything(registry.root) == before


def test_added_by_many_at_once_is_stored_once(registry: Registry) -> None:
    """Threads that add one prior at the same time all get the one reference."""
    same = files()
    with ThreadPoolExecutor(4) as pool:
        references = set(pool.map(lambda _: registry.add("mine", same), range(8)))

    assert references == {PriorReference("mine", 1)}
    assert len(everything(registry.root)) == 2


def test_damaged_copy_does_not_count(registry: Registry) -> None:
    """Where the copy that stands is damaged, the prior is stored anew."""
    first = registry.add("mine", files())
    intact = registry.read_files(first)
    (registry.root / "mine" / "1" / WEIGHTS).write_bytes(b"")

    assert registry.add("mine", intact) == PriorReference("mine", 2)


def test_identity_tells_priors_apart_but_not_their_names() -> None:
    """A renamed copy has the same identity and weights; another model has another identity."""
    ours = files()
    renamed = ours.renamed(PriorReference("copy", 7))

    assert renamed.identity() == ours.identity() != files(noise=0.2).identity()
    assert renamed.weights == ours.weights
    assert renamed.open().reference == PriorReference("copy", 7)
    assert renamed.manifest_only().content_hash() != ours.manifest_only().content_hash()


def test_renamed_back_is_byte_for_byte_the_same() -> None:
    """Renaming loses nothing."""
    ours = files()
    assert ours.renamed(PriorReference("copy", 7)).renamed(REFERENCE) == ours


@pytest.mark.parametrize("ask", [PriorFiles.open, PriorFiles.identity, PriorFiles.manifest_only])
def test_any_changed_file_is_refused(ask: object) -> None:
    """A byte changed in either file, or a file of another prior, is noticed whatever is asked."""
    ours, theirs = files(), files(noise=0.2)
    assert callable(ask)
    for damaged in (
        replace(ours, manifest=ours.manifest.replace(b"minimise", b"maximise")),
        replace(ours, manifest=b""),
        replace(ours, weights=ours.weights[:-1]),
        replace(ours, weights=theirs.weights),
    ):
        with pytest.raises(PriorDamagedError, match="Restore the prior"):
            ask(damaged)


def test_damaged_files_are_not_added(registry: Registry) -> None:
    """What cannot be opened leaves no trace in the registry, and neither does a bad name."""
    ours = files()
    with pytest.raises(PriorDamagedError):
        registry.add("mine", replace(ours, weights=b""))
    with pytest.raises(PriorNameError):
        registry.add("../mine", ours)
    assert not registry.root.exists()


def test_newer_format_asks_for_an_upgrade() -> None:
    """Files of a later format are not called damaged."""
    document = dict(files().manifest_only().to_json()) | {"format_version": 2}
    newer = PriorFiles(seal(document), files().weights)
    with pytest.raises(PriorFormatError, match="Upgrade hyperbo"):
        newer.open()


def test_prior_that_cannot_be_stored_gets_no_files() -> None:
    """NaN among the parameters is refused before anything is packed."""
    broken = eqx.tree_at(lambda e: e.spread, expert(), jnp.full(2, jnp.nan))
    with pytest.raises(PriorError, match="NaN"):
        PriorFiles.of(
            REFERENCE,
            broken,
            space=SPACE,
            metric={"name": "error", "goal": "minimise"},
            training=TrainingData("", (), 0),
            scores={},
            notes={},
        )
