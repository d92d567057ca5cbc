"""Downloads of published files: to a temporary name, hashed, and only then put in place."""

import hashlib
import http.client
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hyperbo.files import write_atomically
from hyperbo_datasets.errors import CorpusError

Report = Callable[[int, int], None]
"""Told how many bytes have come, of how many."""

_CHUNK = 1 << 18
_PATIENCE = 60.0


@dataclass(frozen=True)
class Download:
    """A published file.

    Attributes:
        url: Where it is.
        size: Its size in bytes; more are never taken.
        md5: Its hash, as its publisher states it.
    """

    url: str
    size: int
    md5: str

    @property
    def file(self) -> str:
        """What it is called."""
        return self.url.rpartition("/")[2]


def fetch(download: Download, folder: Path, report: Report) -> Path:
    """Download a file into a folder, unless it is there already and sound.

    Raises:
        CorpusError: If the address does not answer, what it sends is not the published file, or
            the folder cannot be written to; nothing is left behind, and a file that was there
            already stays.
    """
    path = folder / download.file
    if path.is_file() and _hash_of(path) == download.md5:
        report(download.size, download.size)
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda unfinished: _receive(download, unfinished, report))
    except OSError as error:
        raise CorpusError(
            f"{path} cannot be written: {error}. Free the disk or the path, or set HYPERBO_HOME to "
            "a folder with room for it."
        ) from None
    finally:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    return path


def _receive(download: Download, path: Path, report: Report) -> None:
    """Write what the address sends, and refuse it if it is not what was published."""
    hashed = hashlib.md5(usedforsecurity=False)
    received = 0
    with path.open("wb") as file:
        for chunk in _chunks(download):
            received += len(chunk)
            hashed.update(chunk)
            file.write(chunk)
            report(received, download.size)
    if hashed.hexdigest() != download.md5:
        raise CorpusError(
            f"{download.url} sent {received:,} bytes with MD5 {hashed.hexdigest()}; wanted "
            f"{download.size:,} with {download.md5}. Nothing was kept. Try again, or get the file "
            "elsewhere."
        )


def _chunks(download: Download) -> Iterator[bytes]:
    """What the address sends, up to one byte more than there should be."""
    left = download.size + 1
    try:
        with urllib.request.urlopen(download.url, timeout=_PATIENCE) as answer:  # noqa: S310
            while left and (chunk := answer.read(min(left, _CHUNK))):
                left -= len(chunk)
                yield chunk
    except (OSError, http.client.HTTPException) as error:
        raise CorpusError(
            f"{download.url} cannot be downloaded: {error}. Check the network and try again, or "
            f"put {download.file} in place by hand."
        ) from None


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
