"""IDX files give the arrays they were written from, and nothing else."""

import struct
from pathlib import Path

import numpy as np
import pytest

from hyperbo_datasets.collect.corpora import idx
from hyperbo_datasets.errors import CorpusError
from tests.datasets.collect.corpora.conftest import idx as written


def test_reads_what_was_written(mnist: Path, pixels: np.ndarray) -> None:
    """Images come with a channel of their own, labels as places among the classes."""
    images = idx.read(mnist)

    np.testing.assert_array_equal(images.images[..., 0], pixels)
    np.testing.assert_array_equal(images.labels, [0, 1, 2, 0, 1, 2])
    assert images.classes == ("0", "1", "2")


@pytest.mark.parametrize(
    ("code", "dtype"), [(8, "u1"), (9, "i1"), (11, ">i2"), (12, ">i4"), (13, ">f4"), (14, ">f8")]
)
def test_every_type_of_the_format(tmp_path: Path, code: int, dtype: str) -> None:
    """All six types of numbers are read, big end first."""
    array = np.array([[1, 2], [3, 4], [5, 100]], dtype)
    path = tmp_path / "array"
    path.write_bytes(struct.pack(">HBBII", 0, code, 2, 3, 2) + array.tobytes())

    np.testing.assert_array_equal(idx.read_array(path), array)


def test_every_truncation_is_refused(tmp_path: Path, pixels: np.ndarray) -> None:
    """However much of a file is missing, it is not read."""
    content = written(pixels)
    path = tmp_path / "array"
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(CorpusError):
            idx.read_array(path)


def test_every_truncation_of_a_gzipped_file_is_refused(mnist: Path) -> None:
    """A download that broke off is not read."""
    path = mnist / "train-images-idx3-ubyte.gz"
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(CorpusError):
            idx.read(mnist)


def test_header_that_claims_too_much_is_refused(tmp_path: Path) -> None:
    """Sizes whose product overflows 64 bits are refused, not allocated."""
    path = tmp_path / "array"
    path.write_bytes(struct.pack(">HBB3I", 0, 8, 3, *[2**32 - 1] * 3))

    with pytest.raises(CorpusError, match="its header speaks of"):
        idx.read_array(path)


def test_files_that_do_not_belong_together_are_refused(mnist: Path) -> None:
    """Fewer labels than images say so."""
    (mnist / "train-labels-idx1-ubyte").write_bytes(written(np.zeros(5, np.uint8)))

    with pytest.raises(CorpusError, match="6 examples and 5 labels"):
        idx.read(mnist)


def test_swapped_files_are_refused(mnist: Path, pixels: np.ndarray) -> None:
    """Images where the labels should be are told by their shape."""
    (mnist / "train-labels-idx1-ubyte").write_bytes(written(pixels))

    with pytest.raises(CorpusError, match=r"wanted bytes, \(N, H, W\) and \(N,\)"):
        idx.read(mnist)


def test_folder_without_labels_is_not_found(mnist: Path) -> None:
    """Half a corpus is none."""
    assert idx.find(mnist) == mnist
    (mnist / "train-labels-idx1-ubyte").unlink()

    assert idx.find(mnist) is None
