"""Opening a corpus's files: bytes, compressed or not, with errors that say what is wrong."""

import gzip
import zlib
from pathlib import Path

from hyperbo_datasets.errors import CorpusError

_GZIP = b"\x1f\x8b"


def read_bytes(path: Path) -> bytes:
    """A file's content, decompressed if it is gzipped, whatever its name.

    Raises:
        CorpusError: If it is missing, may not be read, or was cut off.
    """
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content.startswith(_GZIP) else content
    except FileNotFoundError:
        raise CorpusError(f"There is no file {path}.") from None
    except (OSError, EOFError, zlib.error) as error:
        raise CorpusError(
            f"{path} cannot be read: {error}. It may have been cut off; get it again."
        ) from None


def read_text(path: Path) -> str:
    """A text file's content, with newlines alone between its lines.

    Raises:
        CorpusError: If it cannot be read, or is not UTF-8.
    """
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{path} is not UTF-8 (byte {error.start}); convert it, e.g. by iconv -t UTF-8."
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def variant(folder: Path, name: str) -> Path | None:
    """The file of that name in the folder, or its gzipped one, if there is either."""
    for candidate in (folder / name, folder / f"{name}.gz"):
        if candidate.is_file():
            return candidate
    return None


def files_at(place: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """The place itself if its name ends so, gzipped or not; else such files in it, by name."""
    endings = (*suffixes, *(f"{suffix}.gz" for suffix in suffixes))
    candidates = sorted(place.iterdir()) if place.is_dir() else [place]
    return [path for path in candidates if path.name.endswith(endings) and path.is_file()]
