"""CIFAR-10 and CIFAR-100 in their published binary layout, in the archive or unpacked."""

import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hyperbo_datasets.collect.corpora.values import Images
from hyperbo_datasets.errors import CorpusError

_SIDE = 32
_PIXELS = 3 * _SIDE * _SIDE


@dataclass(frozen=True)
class CifarLayout:
    """How one of the two is published.

    Attributes:
        archive: The name of the archive.
        folder: The folder in it.
        files: The training files, in order.
        names: The file with a class's name a line.
        label_bytes: Bytes before an image's pixels; the last one of them is the label.
        classes: How many classes.
    """

    archive: str
    folder: str
    files: tuple[str, ...]
    names: str
    label_bytes: int
    classes: int


CIFAR10 = CifarLayout(
    archive="cifar-10-binary.tar.gz",
    folder="cifar-10-batches-bin",
    files=tuple(f"data_batch_{batch}.bin" for batch in range(1, 6)),
    names="batches.meta.txt",
    label_bytes=1,
    classes=10,
)
# Its first byte is one of 20 coarse classes, its second one of the 100 that are learned.
CIFAR100 = CifarLayout(
    archive="cifar-100-binary.tar.gz",
    folder="cifar-100-binary",
    files=("train.bin",),
    names="fine_label_names.txt",
    label_bytes=2,
    classes=100,
)


def find(place: Path, layout: CifarLayout) -> Path | None:
    """The unpacked folder at or in a place, else the archive."""
    for folder in (place, place / layout.folder):
        if all((folder / name).is_file() for name in layout.files):
            return folder
    for archive in (place, place / layout.archive):
        if archive.name == layout.archive and archive.is_file():
            return archive
    return None


def read(path: Path, layout: CifarLayout) -> Images:
    """The published training part, from the unpacked folder or the archive.

    The test part is left for the user's own last word.

    Raises:
        CorpusError: If a file is missing, cut off, or holds a label that does not exist.
    """
    wanted = (*layout.files, layout.names)
    contents = _unpacked(path, wanted) if path.is_dir() else _archived(path, layout.folder, wanted)
    missing = [name for name in wanted if name not in contents]
    if missing:
        raise CorpusError(f"{path} lacks {', '.join(missing)}; get it again.")
    parts = [_records(path / name, contents[name], layout) for name in layout.files]
    records = np.concatenate(parts)
    planes = records[:, layout.label_bytes :].reshape(-1, 3, _SIDE, _SIDE)
    classes = tuple(contents[layout.names].decode("utf-8", "replace").split())
    if len(classes) != layout.classes:
        raise CorpusError(
            f"{path / layout.names} names {len(classes)} classes; wanted {layout.classes}. "
            "Get it again."
        )
    labels = records[:, layout.label_bytes - 1].astype(np.int32)
    return Images(np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), labels, classes)


def _records(path: Path, content: bytes, layout: CifarLayout) -> np.ndarray:
    """A file's records: one row of labels and pixels an image."""
    width = layout.label_bytes + _PIXELS
    if not content or len(content) % width:
        raise CorpusError(
            f"{path} holds {len(content):,} bytes; wanted a multiple of {width:,}, the size of an "
            "image with its label. It was cut off; get it again."
        )
    return np.frombuffer(content, np.uint8).reshape(-1, width)


def _unpacked(folder: Path, wanted: tuple[str, ...]) -> dict[str, bytes]:
    try:
        return {name: (folder / name).read_bytes() for name in wanted if (folder / name).exists()}
    except OSError as error:
        raise CorpusError(f"{folder} cannot be read: {error}.") from None


def _archived(path: Path, folder: str, wanted: tuple[str, ...]) -> dict[str, bytes]:
    """The wanted members of the archive; nothing is unpacked to disk."""
    names = {f"{folder}/{name}": name for name in wanted}
    contents = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                name = names.get(member.name.removeprefix("./"))
                file = archive.extractfile(member) if name is not None else None
                if name is not None and file is not None:
                    contents[name] = file.read()
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise CorpusError(f"The archive {path} is damaged: {error}. Get it again.") from None
    return contents
