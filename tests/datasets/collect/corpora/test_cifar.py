"""CIFAR's binary layout gives images with their channels last, from the archive or unpacked."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hyperbo_datasets.collect.corpora import cifar
from hyperbo_datasets.collect.corpora.cifar import CIFAR10, CIFAR100
from hyperbo_datasets.errors import CorpusError
from tests.datasets.collect.corpora.conftest import tar_gz


@pytest.fixture
def unpacked(tmp_path: Path, cifar_files: dict[str, bytes]) -> Path:
    """The unpacked folder."""
    for name, content in cifar_files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    return tmp_path / CIFAR10.folder


def test_planes_become_channels(unpacked: Path, cifar_pixels: np.ndarray) -> None:
    """A pixel's red, green and blue, 1,024 bytes apart in the file, lie side by side."""
    images = cifar.read(unpacked, CIFAR10)

    assert images.images.shape == (10, 32, 32, 3)
    for channel in range(3):
        np.testing.assert_array_equal(images.images[..., channel], cifar_pixels[:, channel])
    np.testing.assert_array_equal(images.labels, range(10))
    assert images.classes[3] == "class-3"


def test_archive_is_read_as_the_folder_is(unpacked: Path, cifar_files: dict[str, bytes]) -> None:
    """The archive need not be unpacked."""
    archive = unpacked.parent / CIFAR10.archive
    archive.write_bytes(tar_gz(cifar_files))

    a, b = cifar.read(archive, CIFAR10), cifar.read(unpacked, CIFAR10)

    np.testing.assert_array_equal(a.images, b.images)
    np.testing.assert_array_equal(a.labels, b.labels)
    assert a.classes == b.classes


def test_cifar100_learns_the_fine_label(tmp_path: Path, cifar_pixels: np.ndarray) -> None:
    """Of its two labels the second one, of 100 classes, is read."""
    folder = tmp_path / CIFAR100.folder
    folder.mkdir()
    (folder / "train.bin").write_bytes(bytes([19, 99]) + cifar_pixels[0].tobytes())
    (folder / CIFAR100.names).write_text("\n".join(f"fine-{k}" for k in range(100)))

    images = cifar.read(folder, CIFAR100)

    assert images.labels.tolist() == [99]
    np.testing.assert_array_equal(images.images[0, ..., 2], cifar_pixels[0, 2])


def test_found_wherever_it_was_put(unpacked: Path, cifar_files: dict[str, bytes]) -> None:
    """The folder itself, the folder around it, the archive, the folder around that."""
    assert cifar.find(unpacked, CIFAR10) == unpacked
    assert cifar.find(unpacked.parent, CIFAR10) == unpacked
    archive = unpacked.parent / "below" / CIFAR10.archive
    archive.parent.mkdir()
    archive.write_bytes(tar_gz(cifar_files))
    assert cifar.find(archive, CIFAR10) == archive
    assert cifar.find(archive.parent, CIFAR10) == archive
    assert cifar.find(unpacked, CIFAR100) is None


def test_truncated_file_is_refused(unpacked: Path) -> None:
    """A file that ends within an image says how large images are."""
    path = unpacked / CIFAR10.files[2]
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(CorpusError, match=r"data_batch_3.bin holds .* a multiple of 3,073"):
        cifar.read(unpacked, CIFAR10)


def test_truncated_archive_is_refused(tmp_path: Path, cifar_files: dict[str, bytes]) -> None:
    """A download that broke off is not read, wherever it did."""
    content = tar_gz(cifar_files)
    path = tmp_path / CIFAR10.archive
    for length in range(0, len(content), 997):
        path.write_bytes(content[:length])
        with pytest.raises(CorpusError, match=r"damaged|lacks"):
            cifar.read(path, CIFAR10)


def test_missing_file_is_named(tmp_path: Path, cifar_files: dict[str, bytes]) -> None:
    """An archive without one of the batches is refused."""
    del cifar_files[f"{CIFAR10.folder}/data_batch_4.bin"]
    path = tmp_path / CIFAR10.archive
    path.write_bytes(tar_gz(cifar_files))

    with pytest.raises(CorpusError, match=r"lacks data_batch_4.bin; get it again"):
        cifar.read(path, CIFAR10)


def test_label_that_does_not_exist_is_refused(unpacked: Path) -> None:
    """A label beyond the classes shows that the layout is another one."""
    path = unpacked / CIFAR10.files[0]
    path.write_bytes(bytes([200]) + path.read_bytes()[1:])

    with pytest.raises(CorpusError, match="Labels go from 1 to 200, but there are 10 classes"):
        cifar.read(unpacked, CIFAR10)


def test_wrong_number_of_names_is_refused(unpacked: Path) -> None:
    """Every class has a name."""
    with pytest.raises(CorpusError, match="names 10 classes; wanted 11"):
        cifar.read(unpacked, replace(CIFAR10, classes=11))
