"""Tiny tasks that can be collected in no time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hyperbo_datasets.collect.sweep import _trainer
from hyperbo_datasets.collect.workloads import catalogue
from tests.datasets.collect.tiny import CLOUD, register


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
