"""Priors are stored, found and given back; a save is whole or leaves nothing."""

import errno
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gpjax.kernels import Matern52
from gpjax.mean_functions import Constant
from gpjax.parameters import PositiveReal, Real

from hyperbo import registry as registry_module
from hyperbo.errors import (
    PriorError,
    PriorNameError,
    PriorNotFoundError,
)
from hyperbo.prior_manifest import PriorReference, TrainingData
from hyperbo.registry import MANIFEST, WEIGHTS, Registry, default_root
from hyperbo.space import FloatParameter, IntegerParameter, Log, SearchSpace
from hyperbo.surrogates import (
    Expert,
    GaussianProcessPrior,
    Hierarchy,
    LinearMean,
    MatrixDistances,
    Trials,
)
from hyperbo.tasks import Task

D = 3
SPACE = SearchSpace(
    (
        FloatParameter("rate", 1e-5, 1.0, Log()),
        FloatParameter("dropout", 0.0, 0.8),
        IntegerParameter("layers", 1, 5),
    )
)
RNG = np.random.default_rng(0)
TRIALS = Trials(RNG.uniform(size=(6, D)), RNG.normal(size=6), np.arange(6) < 5)
NOISE = PositiveReal(jnp.asarray(0.02))
TASKS = [Task(f"task-{i}", RNG.uniform(size=(5, D)), RNG.normal(size=5)) for i in range(2)]


def pretrained(constant: float = 0.4) -> Expert:
    """A pre-trained prior with a constant mean and a grid of three scales and two noises."""
    kernel = Matern52(lengthscale=jnp.asarray([0.3, 0.5, 1.1]), compute_engine=MatrixDistances())
    prior = GaussianProcessPrior(Constant(Real(jnp.asarray(constant))), kernel, NOISE)
    hierarchy = Hierarchy.normal((0.1, 0.5), (0.0, 0.4), noise_factors=(0.3, 3.0), nodes=3)
    return Expert(prior, hierarchy, jnp.ones(prior.log_factor_count))


def save(registry: Registry, prior: Expert, name: str = "mine") -> PriorReference:
    """Save a prior with all that is said of it."""
    return registry.save(
        name,
        prior,
        space=SPACE,
        metric={"name": "error", "goal": "minimise", "warp": {"kind": "log", "eps": 1e-3}},
        training=TrainingData.of(TASKS),
        scores={"held_out_nll": -1.25, "regret": None},
        notes={"parent": None, "seed": 3},
    )


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """An empty registry whose folder does not exist yet."""
    return Registry(tmp_path / "home" / "priors")


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """A registry with `mine@1`, not to be changed by tests."""
    registry = Registry(tmp_path_factory.mktemp("intact"))
    save(registry, pretrained())
    return registry


def files(root: Path) -> list[Path]:
    """All files below a folder."""
    return [path for path in root.rglob("*") if path.is_file()]


def test_loaded_prior_is_conditioned_the_same(registry: Registry) -> None:
    """The posterior of what is loaded is bit by bit the posterior of what was saved."""
    original = pretrained()
    loaded = registry.load(save(registry, original)).model

    conditioned = jax.jit(lambda expert: expert.condition(expert.centre(), TRIALS))

    ours, theirs = conditioned(loaded), conditioned(original)

    np.testing.assert_array_equal(ours.log_evidence, theirs.log_evidence)
    np.testing.assert_array_equal(ours.log_weight, theirs.log_weight)
    np.testing.assert_array_equal(ours.factors, theirs.factors)


def test_loaded_twice_compiles_once(intact: Registry) -> None:
    """Two loads of one prior are the same to JAX, so a program compiled for one serves both."""
    traced = []

    @jax.jit
    def evaluate(prior: Expert) -> jax.Array:
        traced.append(1)
        return prior.prior.noise_variance

    evaluate(intact.load("mine").model)
    evaluate(intact.load("mine").model)

    assert len(traced) == 1


def test_manifest_says_all_that_was_given(registry: Registry) -> None:
    """The manifest gives back space, metric, training data, scores, notes, libraries and time."""
    before = datetime.now(UTC)
    manifest = registry.verify(save(registry, pretrained()))

    assert manifest.space == SPACE
    assert manifest.metric["warp"] == {"kind": "log", "eps": 1e-3}
    assert manifest.training == TrainingData.of(TASKS)
    assert manifest.training.tasks == ("task-0", "task-1")
    assert manifest.training.points == 10
    assert manifest.scores == {"held_out_nll": -1.25, "regret": None}
    assert manifest.notes == {"parent": None, "seed": 3}
    assert set(manifest.libraries) == {"hyperbo", "jax", "gpjax", "equinox"}
    assert manifest.libraries["jax"] == jax.__version__
    assert before <= manifest.created <= datetime.now(UTC)


def test_newest_version_is_the_default(registry: Registry) -> None:
    """A bare name and `@latest` give the newest version, counted as numbers and not as texts."""
    for _ in range(10):
        save(registry, pretrained())

    assert registry.resolve("mine") == registry.resolve("mine@latest") == PriorReference("mine", 10)
    assert registry.resolve("mine@9").version == 9
    assert str(registry.load("mine").reference) == "mine@10"


def test_files_are_no_pickles(intact: Registry) -> None:
    """Weights are a safetensors header and raw numbers; the manifest is JSON."""
    folder = intact.root / "mine" / "1"
    weights = (folder / WEIGHTS).read_bytes()
    length = int.from_bytes(weights[:8], "little")
    header = json.loads(weights[8 : 8 + length])

    assert sorted(path.name for path in folder.iterdir()) == [MANIFEST, WEIGHTS]
    assert header["prior.kernel.lengthscale._unconstrained"]["shape"] == [3]
    ends = [entry["data_offsets"][1] for entry in header.values()]
    assert len(weights) == 8 + length + max(ends)
    assert json.loads((folder / MANIFEST).read_text())["format"] == "hyperbo.prior"


def test_prior_too_large_is_not_stored(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be loaded again is not saved."""
    monkeypatch.setattr(registry_module, "_LARGEST_WEIGHTS", 100)

    with pytest.raises(PriorError, match="at most 100 are stored"):
        save(registry, pretrained())

    assert not files(registry.root)


def test_empty_registry_lists_nothing(registry: Registry) -> None:
    """A registry that was never written to is empty, and says how to fill it."""
    assert registry.list() == ()
    with pytest.raises(PriorNotFoundError, match="registry is empty; pre-train"):
        registry.load("mine")


def test_missing_prior_gets_a_hint(intact: Registry) -> None:
    """A misspelt name is answered with the closest one, a missing version with those there are."""
    with pytest.raises(PriorNotFoundError, match="Did you mean 'mine'"):
        intact.load("mime")
    with pytest.raises(PriorNotFoundError, match=r"no version 2 .* it has 1"):
        intact.load("mine@2")


@pytest.mark.parametrize("name", ["", "..", "a/b", "../a", "A", ".a", "-a", "a\n", "a" * 65, "a@b"])
def test_names_cannot_leave_the_registry(registry: Registry, name: str) -> None:
    """A name that could be a path, or be mistaken for a reference, is refused at both doors."""
    with pytest.raises(PriorNameError, match="wanted"):
        registry.load(name)
    with pytest.raises(PriorNameError, match="wanted 1 to 64"):
        save(registry, pretrained(), name)
    assert not registry.root.exists()


@pytest.mark.parametrize("version", ["0", "-1", "01", "1/..", "newest", "1.0", "9" * 10])
def test_references_are_checked(intact: Registry, version: str) -> None:
    """A version is a plain number from one."""
    with pytest.raises(PriorNameError, match="wanted 'name', 'name@latest' or 'name@3'"):
        intact.load(f"mine@{version}")


@pytest.mark.parametrize("allowed", range(3))
def test_full_disk_leaves_nothing(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, allowed: int
) -> None:
    """When the disk is full at any step of a save, no file stays behind and old priors live."""
    save(registry, pretrained())
    before = sorted(files(registry.root))
    genuine, flushed = os.fsync, []

    def refuse(descriptor: int) -> None:
        if len(flushed) == allowed:
            raise OSError(errno.ENOSPC, "No space left on device")
        flushed.append(descriptor)
        genuine(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(PriorError, match=r"No space left.*Make room"):
            save(registry, pretrained())

    assert len(flushed) == allowed
    assert sorted(files(registry.root)) == before
    assert [path.name for path in registry.root.iterdir()] == ["mine"]
    assert save(registry, pretrained()).version == 2


def test_root_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    """A registry that cannot be written is one clear error."""
    (tmp_path / "file").write_text("")

    with pytest.raises(PriorError, match="could not be written"):
        save(Registry(tmp_path / "file" / "priors"), pretrained())


def test_prior_of_another_dimension_is_not_stored(registry: Registry) -> None:
    """A prior that cannot be evaluated in the space is refused when saved."""
    narrow = GaussianProcessPrior(LinearMean(2), Matern52(), NOISE)

    with pytest.raises(PriorError, match="space of 3 coordinates"):
        save(registry, Expert(narrow, Hierarchy.fixed(), jnp.ones(narrow.log_factor_count)))

    assert not registry.root.exists()


def test_scores_must_be_finite(registry: Registry) -> None:
    """A NaN among the scores is refused, since JSON has none, and nothing is stored."""
    with pytest.raises(PriorError, match=r"scores cannot be written as JSON.*None"):
        registry.save(
            "mine",
            pretrained(),
            space=SPACE,
            metric={"name": "error", "goal": "minimise"},
            training=TrainingData.of(TASKS),
            scores={"nll": float("nan")},
            notes={},
        )

    assert not registry.root.exists()


def test_threads_get_versions_of_their_own(registry: Registry) -> None:
    """Five threads that save one name at once get versions 1 to 5, all whole."""
    priors = [pretrained(constant=float(i)) for i in range(5)]
    with ThreadPoolExecutor(5) as pool:
        references = list(pool.map(lambda prior: save(registry, prior), priors))

    assert sorted(reference.version for reference in references) == list(range(1, 6))
    for reference, prior in zip(references, priors, strict=True):
        stored = registry.load(reference).model
        leaves = zip(jax.tree.leaves(stored), jax.tree.leaves(prior), strict=True)
        assert all((ours == theirs).all() for ours, theirs in leaves)


SAVER = """
import sys
from pathlib import Path
from hyperbo.registry import Registry
source, root = map(Path, sys.argv[1:])
stored = Registry(source).load("mine")
told = stored.manifest
print("ready", flush=True)
sys.stdin.readline()
for _ in range(4):
    saved = Registry(root).save(
        "shared", stored.model, space=told.space, metric=told.metric,
        training=told.training, scores=told.scores, notes=told.notes,
    )
    print(saved.version, flush=True)
"""


def test_processes_get_versions_of_their_own(intact: Registry, registry: Registry) -> None:
    """Two processes that save one name at once share the versions 1 to 8, all whole."""
    command = [sys.executable, "-c", SAVER, str(intact.root), str(registry.root)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        other.stdin.write("go\n")
        other.stdin.flush()
        ours = [save(registry, pretrained(), "shared").version for _ in range(4)]
        theirs = [int(line) for line in other.communicate()[0].split()]

    assert sorted(ours + theirs) == list(range(1, 9))
    assert [entry.problem for entry in registry.list()] == [None] * 8
    assert registry.verify("shared").weights == intact.verify("mine").weights


def test_root_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`HYPERBO_HOME` moves the registry; without it, it is in the user's data folder."""
    monkeypatch.setenv("HYPERBO_HOME", str(tmp_path))
    assert default_root() == tmp_path / "priors"

    monkeypatch.delenv("HYPERBO_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert default_root().name == "priors"
    assert default_root() != tmp_path / "priors"
