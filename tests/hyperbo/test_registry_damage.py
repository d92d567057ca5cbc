"""A stored prior of which any byte is wrong is refused, with the remedy."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import pytest
from gpjax.kernels import RBF
from gpjax.mean_functions import Zero
from gpjax.parameters import PositiveReal
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperbo import registry as registry_module
from hyperbo.errors import PriorDamagedError, PriorFormatError, PriorMismatchError
from hyperbo.prior_manifest import TrainingData, seal
from hyperbo.registry import MANIFEST, WEIGHTS, Registry
from hyperbo.space import FloatParameter, IntegerParameter, SearchSpace
from hyperbo.surrogates import Expert, GaussianProcessPrior, Hierarchy

SPACE = SearchSpace((FloatParameter("dropout", 0.0, 0.8), IntegerParameter("layers", 1, 5)))


def save(registry: Registry, name: str = "mine") -> None:
    """Save a small prior."""
    prior = GaussianProcessPrior(Zero(), RBF(lengthscale=0.4), PositiveReal(jnp.asarray(0.1)))
    registry.save(
        name,
        Expert(prior, Hierarchy.fixed(), jnp.ones(prior.log_factor_count)),
        space=SPACE,
        metric={"name": "error", "goal": "minimise"},
        training=TrainingData("", (), 0),
        scores={},
        notes={},
    )


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """A registry that holds `mine@1`."""
    registry = Registry(tmp_path)
    save(registry)
    return registry


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """A registry that holds `mine@1`, for tests that mend what they damage."""
    registry = Registry(tmp_path_factory.mktemp("mended"))
    save(registry)
    return registry


def reseal(registry: Registry, edit: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest of `mine@1` and give it the right content hash again."""
    path = registry.root / "mine" / "1" / MANIFEST
    document = json.loads(path.read_text())
    del document["content_hash"]
    edit(document)
    path.write_bytes(seal(document))


@settings(max_examples=60, deadline=None)
@given(data=st.data(), file=st.sampled_from([MANIFEST, WEIGHTS]))
def test_any_changed_byte_is_noticed(mended: Registry, data: st.DataObject, file: str) -> None:
    """Whichever byte of either file changes, to whatever, loading refuses."""
    path = mended.root / "mine" / "1" / file
    content = path.read_bytes()
    position = data.draw(st.integers(0, len(content) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != content[position]))
    path.write_bytes(content[:position] + bytes([byte]) + content[position + 1 :])

    try:
        with pytest.raises(PriorDamagedError, match="Restore the prior"):
            mended.load("mine")
    finally:
        path.write_bytes(content)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), file=st.sampled_from([MANIFEST, WEIGHTS]))
def test_any_truncation_is_noticed(mended: Registry, data: st.DataObject, file: str) -> None:
    """Wherever either file is cut off, loading refuses and the list says so."""
    path = mended.root / "mine" / "1" / file
    content = path.read_bytes()
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])

    try:
        with pytest.raises(PriorDamagedError, match="Restore the prior"):
            mended.verify("mine@1")
        assert mended.list()[0].problem is not None
    finally:
        path.write_bytes(content)


@pytest.mark.parametrize("file", [MANIFEST, WEIGHTS])
def test_missing_file_is_named(registry: Registry, file: str) -> None:
    """A prior without one of its files is damaged, and the message names the file."""
    (registry.root / "mine" / "1" / file).unlink()

    with pytest.raises(PriorDamagedError, match=f"{file} is missing"):
        registry.load("mine")


def test_file_too_large_is_not_read(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file beyond the largest size is refused before it is parsed."""
    monkeypatch.setattr(registry_module, "_LARGEST_WEIGHTS", 100)

    with pytest.raises(PriorDamagedError, match="larger than the 100 bytes"):
        registry.load("mine")


def test_unknown_class_is_refused(registry: Registry) -> None:
    """A model that names a class outside the catalogue is not built, however it is sealed."""
    reseal(registry, lambda d: d["model"]["fields"]["prior"].update({"class": "os.system"}))

    with pytest.raises(PriorDamagedError, match=r"'os.system', which this release does not know"):
        registry.load("mine")


def test_model_that_is_no_prior_is_refused(registry: Registry) -> None:
    """A catalogued class in the wrong place is refused at loading, not at the first suggestion."""
    kernel = registry.verify("mine").model["fields"]["prior"]["fields"]["kernel"]
    reseal(registry, lambda d: d["model"]["fields"]["prior"]["fields"].update(warp=kernel))

    with pytest.raises(PriorDamagedError, match="mine@1 is damaged"):
        registry.load("mine")


def test_newer_format_asks_for_an_upgrade(registry: Registry) -> None:
    """A prior of a later format is not called damaged; the remedy is a newer release."""
    reseal(registry, lambda d: d.update(format_version=2, novelty=1))

    with pytest.raises(PriorFormatError, match=r"format version 2.*Upgrade hyperbo"):
        registry.load("mine")


def test_moved_folder_is_refused(registry: Registry) -> None:
    """A folder renamed to another version is not taken for that version."""
    (registry.root / "mine" / "1").rename(registry.root / "mine" / "7")

    with pytest.raises(PriorDamagedError, match="holds prior mine@1"):
        registry.load("mine@7")


def test_other_space_names_the_parameters(registry: Registry) -> None:
    """A prior is not lent to another space, and the message says where the spaces part."""
    other = SearchSpace((SPACE.parameters[0], IntegerParameter("layers", 1, 8)))

    with pytest.raises(PriorMismatchError, match=r"'layers' is .*high=5.*high=8") as caught:
        registry.load("mine", space=other)

    assert "dropout" not in str(caught.value)


def test_list_survives_a_damaged_entry(registry: Registry) -> None:
    """The list shows every prior in order, the damaged one with its problem."""
    save(registry, "b")
    save(registry, "b")
    save(registry, "a")
    (registry.root / "b" / "1" / WEIGHTS).write_bytes(b"")
    (registry.root / "b" / "notes.txt").write_text("not a version")

    entries = registry.list()

    assert [str(entry.reference) for entry in entries] == ["a@1", "b@1", "b@2", "mine@1"]
    assert [entry.manifest is None for entry in entries] == [False, True, False, False]
    assert "0 bytes" in str(entries[1].problem)
