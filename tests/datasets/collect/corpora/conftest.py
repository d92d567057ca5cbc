"""Files in the layouts of corpora, written small."""

import gzip
import io
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest

from hyperbo_datasets.collect.corpora.cifar import CIFAR10


def idx(array: np.ndarray) -> bytes:
    """An array of bytes as an IDX file."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def tar_gz(files: dict[str, bytes]) -> bytes:
    """An archive of those files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def pixels() -> np.ndarray:
    """Six images of 3 by 2."""
    return np.arange(36, dtype=np.uint8).reshape(6, 3, 2)


@pytest.fixture
def mnist(tmp_path: Path, pixels: np.ndarray) -> Path:
    """A folder in MNIST's layout: images gzipped, labels 0, 1, 2 twice and not."""
    folder = tmp_path / "mnist"
    folder.mkdir()
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(pixels)))
    labels = np.array([0, 1, 2, 0, 1, 2], np.uint8)
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(labels))
    return folder


@pytest.fixture
def cifar_pixels() -> np.ndarray:
    """Ten images as CIFAR stores them: all red, then all green, then all blue."""
    return np.random.default_rng(0).integers(0, 256, (10, 3, 32, 32), dtype=np.uint8)


@pytest.fixture
def cifar_files(cifar_pixels: np.ndarray) -> dict[str, bytes]:
    """CIFAR-10's files, two images in each."""
    files = {}
    for batch, name in enumerate(CIFAR10.files):
        records = [
            bytes([image % 10]) + cifar_pixels[image].tobytes()
            for image in (2 * batch, 2 * batch + 1)
        ]
        files[f"{CIFAR10.folder}/{name}"] = b"".join(records)
    files[f"{CIFAR10.folder}/{CIFAR10.names}"] = b"\n".join(
        f"class-{k}".encode() for k in range(10)
    )
    return files
