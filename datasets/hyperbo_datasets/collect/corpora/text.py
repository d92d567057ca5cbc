"""Plain text as a corpus of characters: any file, the King James Bible, Python's own source."""

import string
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from hyperbo_datasets.collect.corpora.bible_data import decode
from hyperbo_datasets.collect.corpora.reading import files_at, read_bytes, read_text
from hyperbo_datasets.collect.corpora.values import OTHER, Text
from hyperbo_datasets.errors import CorpusError

SUFFIXES = (".txt",)

MOST_STRANGE = 0.5
"""Share of characters that an alphabet may lack."""


@dataclass(frozen=True)
class Alphabet:
    """Which characters a text is written in; all others become one symbol.

    Attributes:
        characters: The characters that are told apart, each once.
        is_case_folded: Whether capital letters are read as small ones.
    """

    characters: str
    is_case_folded: bool

    def __post_init__(self) -> None:
        unique = len(set(self.characters) - {OTHER})
        if unique != len(self.characters) or not 0 < unique < 256:
            raise CorpusError(
                f"An alphabet needs 1 to 255 characters, each once, without {OTHER!r}; got "
                f"{self.characters!r}."
            )

    @property
    def symbols(self) -> str:
        """What the tokens are places in: `OTHER`, then the characters."""
        return OTHER + self.characters


LOWER = Alphabet("\n !\"'(),-.:;?" + string.digits + string.ascii_lowercase, is_case_folded=True)
"""English without its capitals: 49 characters."""

PRINTABLE = Alphabet("\t\n" + "".join(map(chr, range(32, 127))), is_case_folded=False)
"""Printable ASCII, tabulator and newline: 97 characters."""

_LEFT_OUT = frozenset(
    {
        # Some distributions put these into packages of their own.
        *("distutils", "ensurepip", "idlelib", "lib2to3", "tkinter", "turtledemo"),
        # Tests, tables of characters, and a manual: no code that anybody wrote for its own sake.
        *("test", "encodings", "pydoc_data"),
    }
)


def encode(text: str, alphabet: Alphabet) -> Text:
    """A text in that alphabet.

    Raises:
        CorpusError: If it is empty.

    Example:
        >>> str(encode("Über 7 Hügel", LOWER))
        '�ber 7 h�gel'
    """
    if not text:
        raise CorpusError("The text is empty; a corpus needs some.")
    folded = text.lower() if alphabet.is_case_folded else text
    return Text(_tokens(folded, alphabet.symbols), alphabet.symbols)


def read(path: Path, alphabet: Alphabet) -> Text:
    """A UTF-8 file, gzipped or not, or all `.txt` files of a folder in the order of their names.

    Raises:
        CorpusError: If there is none, one cannot be read, is not UTF-8, all are empty, or most of
            the characters are not in the alphabet.
    """
    paths = files_at(path, SUFFIXES) if path.is_dir() else [path]
    text = "\n".join(map(read_text, paths))
    if not text.strip():
        raise CorpusError(f"There is no text in {path}; a corpus needs some.")
    found = encode(text, alphabet)
    strange = float(np.mean(found.tokens == 0))
    if strange > MOST_STRANGE:
        raise CorpusError(
            f"{strange:.0%} of the characters in {path} are none of {alphabet.characters!r}, so "
            "that hardly anything could be learned. Take a text in that alphabet."
        )
    return found


def read_kjv(path: Path, alphabet: Alphabet) -> Text:
    """The King James Bible from the file that Debian's `bible-kjv-text` installs.

    A line is a verse; the marks before it, such as `Ge1:1`, are left out.

    Raises:
        CorpusError: If the file is missing, damaged, or in another format.
    """
    lines = decode(read_bytes(path), str(path)).decode("ascii", "replace").splitlines()
    # The first line is the edition's title.
    verses = [line.partition(" ")[2] for line in lines[1:]]
    return encode("\n".join(verses) + "\n", alphabet)


def standard_library() -> Path:
    """Where the running interpreter's own modules lie."""
    return Path(sysconfig.get_paths()["stdlib"])


def read_python_source(library: Path, alphabet: Alphabet) -> Text:
    """The source of a standard library, file after file in the order of the modules' names.

    Tests, tables of characters, and what Linux distributions split off are left out. The text
    changes with Python's version, and its digest with it.

    Args:
        library: The folder of the modules; see `standard_library`.
        alphabet: What to write it in.

    Raises:
        CorpusError: If there are no sources.
    """
    paths = list(_python_files(library))
    if not paths:
        raise CorpusError(
            f"There are no .py files in {library}: this Python came without its sources. Use one "
            "from python.org, your distribution, or uv."
        )
    text = "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in paths)
    return encode(text, alphabet)


def _python_files(library: Path) -> Iterator[Path]:
    for module in sorted(sys.stdlib_module_names - _LEFT_OUT):
        if (library / f"{module}.py").is_file():
            yield library / f"{module}.py"
        elif (library / module).is_dir():
            for path in sorted((library / module).rglob("*.py")):
                if not {"test", "tests"} & set(path.relative_to(library).parts):
                    yield path


def _tokens(text: str, symbols: str) -> UInt8[np.ndarray, " N"]:
    """Each character's place among the symbols, 0 where it has none."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    known = max(map(ord, symbols[1:])) + 1
    places = np.zeros(known + 1, np.uint8)
    places[[ord(symbol) for symbol in symbols[1:]]] = np.arange(1, len(symbols))
    tokens: UInt8[np.ndarray, " N"] = places[np.minimum(codes, known)]
    return tokens
