"""IDX files, the layout of MNIST and Fashion-MNIST: a typed header, then one array."""

import struct
from pathlib import Path

import numpy as np

from hyperbo_datasets.collect.corpora.reading import read_bytes, variant
from hyperbo_datasets.collect.corpora.values import Images
from hyperbo_datasets.errors import CorpusError

IMAGES = "train-images-idx3-ubyte"
LABELS = "train-labels-idx1-ubyte"

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def find(folder: Path) -> Path | None:
    """The folder, if the training images and labels are in it, gzipped or not."""
    return folder if variant(folder, IMAGES) and variant(folder, LABELS) else None


def read(folder: Path) -> Images:
    """The published training part; the test part is left for the user's own last word.

    Raises:
        CorpusError: If a file is missing, damaged, or does not hold images and their labels.
    """
    pixels = read_array(variant(folder, IMAGES) or folder / IMAGES)
    labels = read_array(variant(folder, LABELS) or folder / LABELS)
    if pixels.ndim != 3 or labels.ndim != 1 or pixels.dtype != np.uint8 or labels.dtype.kind != "u":
        raise CorpusError(
            f"{folder} holds {pixels.dtype} images of shape {pixels.shape} and {labels.dtype} "
            f"labels of shape {labels.shape}; wanted bytes, (N, H, W) and (N,)."
        )
    classes = tuple(str(label) for label in range(int(labels.max(initial=0)) + 1))
    return Images(pixels[..., None], labels.astype(np.int32), classes)


def read_array(path: Path) -> np.ndarray:
    """The array of one IDX file.

    Raises:
        CorpusError: If it is missing, not an IDX file, or longer or shorter than its header says.
    """
    content = read_bytes(path)
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _TYPES:
        raise CorpusError(f"{path} is not an IDX file: it begins with {content[:4].hex()!r}.")
    start = 4 + 4 * content[3]
    if len(content) < start:
        raise CorpusError(f"{path} ends within its header; get it again.")
    shape = struct.unpack(f">{content[3]}I", content[4:start])
    dtype = np.dtype(_TYPES[content[2]])
    # Python's integers do not overflow, whatever a damaged header claims.
    wanted = dtype.itemsize
    for axis in shape:
        wanted *= axis
    if len(content) - start != wanted:
        raise CorpusError(
            f"{path} holds {len(content) - start:,} bytes, but its header speaks of {wanted:,} "
            f"(shape {shape}); it was cut off or altered. Get it again."
        )
    return np.frombuffer(content, dtype, offset=start).reshape(shape)
