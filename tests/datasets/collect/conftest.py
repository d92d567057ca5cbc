"""Tiny tasks that can be collected in no time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hyperbo_datasets.collect.collected_table import to_table
from hyperbo_datasets.collect.sweep import _trainer
from hyperbo_datasets.collect.workloads import catalogue
from hyperbo_datasets.schema import TuningTable
from tests.datasets.collect.gathering import gather
from tests.datasets.collect.tiny import CLOUD, plan, register


@pytest.fixture
def cloud(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of the corpus `cloud`, which the architectures `middle` and `abyss` learn from."""
    path = home / "corpora" / "cloud" / "cloud.csv"
    path.parent.mkdir(parents=True)
    path.write_text(CLOUD)
    register(monkeypatch)
    forget_corpora()
    yield path
    forget_corpora()


def forget_corpora() -> None:
    """Read corpora anew, as a new process would; compiled trainers of the same data are kept."""
    catalogue._corpus.cache_clear()
    catalogue.corpus_digest.cache_clear()


@pytest.fixture(scope="module", autouse=True)
def forgotten_trainers() -> Iterator[None]:
    """Trainers of one file's tests are not another's."""
    yield
    _trainer.cache_clear()


@pytest.fixture
def undisturbed(tmp_path: Path, cloud: Path) -> TuningTable:  # noqa: ARG001 - the corpus it is made of
    """The table of one call that nothing disturbed."""
    gather(plan(), tmp_path / "undisturbed")
    return to_table(tmp_path / "undisturbed", "t")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a collection may grow."""
    return tmp_path / "collection"
