"""Texts become characters of an alphabet, and only what it lacks is lost."""

import gzip
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperbo_datasets.collect.corpora import text
from hyperbo_datasets.collect.corpora.text import LOWER, PRINTABLE, Alphabet
from hyperbo_datasets.collect.corpora.values import OTHER
from hyperbo_datasets.errors import CorpusError
from tests.datasets.collect.corpora.test_bible_data import data_file


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_each_character_is_itself_or_other(words: str) -> None:
    """Character by character: one that the alphabet has stays, any other one is `OTHER`."""
    spelled = str(text.encode(words, PRINTABLE))

    known = set(PRINTABLE.characters)
    assert spelled == "".join(each if each in known else OTHER for each in words)


def test_lower_reads_capitals_as_small_letters() -> None:
    """The alphabet without capitals loses case alone."""
    assert str(text.encode("Let there be LIGHT: 3", LOWER)) == "let there be light: 3"


def test_alphabets_are_what_they_say() -> None:
    """One symbol more than the characters, which fit a byte."""
    assert len(LOWER.symbols) == 50
    assert len(PRINTABLE.symbols) == 98
    assert len(set(LOWER.symbols)) == 50


@pytest.mark.parametrize("characters", ["", "aa", f"a{OTHER}", "".join(map(chr, range(256)))])
def test_alphabet_that_cannot_be_is_refused(characters: str) -> None:
    """Empty, repeated, the reserved one, or too many for a byte."""
    with pytest.raises(CorpusError, match="1 to 255 characters"):
        Alphabet(characters, is_case_folded=False)


def test_files_of_a_folder_follow_their_names(tmp_path: Path) -> None:
    """All text files, gzipped or not, lines ended by one newline; others are left alone."""
    (tmp_path / "b.txt").write_bytes(b"two\r\nthree\r")
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"\xef\xbb\xbfone", mtime=0))
    (tmp_path / "notes.md").write_text("nothing")

    assert str(text.read(tmp_path, LOWER)) == "one\ntwo\nthree\n"
    assert str(text.read(tmp_path / "b.txt", LOWER)) == "two\nthree\n"


def test_any_file_is_read_by_its_path(tmp_path: Path) -> None:
    """A file given by its path may be called as it likes."""
    path = tmp_path / "README"
    path.write_text("Hello")

    assert str(text.read(path, PRINTABLE)) == "Hello"


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"", "There is no text in"),
        (b"\n \n", "There is no text in"),
        (b"caf\xe9", r"not UTF-8 \(byte 3\); convert it"),
        (gzip.compress(b"words", mtime=0)[:-4], "may have been cut off"),
    ],
)
def test_unusable_file_is_refused(tmp_path: Path, content: bytes, wanted: str) -> None:
    """Empty, of another encoding, or cut off."""
    path = tmp_path / "a.txt"
    path.write_bytes(content)

    with pytest.raises(CorpusError, match=wanted):
        text.read(path, LOWER)


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A wrong path is repeated."""
    with pytest.raises(CorpusError, match=r"There is no file .*none.txt"):
        text.read(tmp_path / "none.txt", LOWER)


def test_empty_text_is_refused() -> None:
    """Nothing is no corpus."""
    with pytest.raises(CorpusError, match="empty"):
        text.encode("", LOWER)


def test_bible_loses_title_and_marks(tmp_path: Path) -> None:
    """A line is a verse; what comes before it is left out."""
    path = tmp_path / "bible.data"
    lines = b"Holy Bible, 1611.\nGe1:1 In the beginning\n1Sa2:3 Talk no more: so 1:2\n"
    path.write_bytes(data_file(lines, 16))

    assert str(text.read_kjv(path, LOWER)) == "in the beginning\ntalk no more: so 1:2\n"


def test_library_is_read_in_the_order_of_its_modules(tmp_path: Path) -> None:
    """Modules and packages of the standard library; neither tests nor what is not part of it."""
    files = {
        "zipfile.py": "z",
        "json/__init__.py": "j",
        "json/decoder.py": "d",
        "argparse.py": "a",
        "asyncio/tests/test_all.py": "no",
        "test/regrtest.py": "no",
        "mine.py": "no",
        "site-packages/other.py": "no",
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    assert str(text.read_python_source(tmp_path, PRINTABLE)) == "a\nj\nd\nz"


def test_running_interpreter_has_its_sources() -> None:
    """Millions of characters, nearly all printable; the same ones when read again."""
    corpus = text.read_python_source(text.standard_library(), PRINTABLE)

    assert corpus.size > 3_000_000
    assert np.mean(corpus.tokens == 0) < 1e-3
    assert "def parse_args(self, args=None, namespace=None):" in str(corpus), sys.version


def test_interpreter_without_sources_is_refused(tmp_path: Path) -> None:
    """The remedy is another Python."""
    with pytest.raises(CorpusError, match="came without its sources"):
        text.read_python_source(tmp_path, PRINTABLE)


def test_a_text_in_another_alphabet_is_refused(tmp_path: Path) -> None:
    """Where most characters would be one and the same, nothing could be learned."""
    path = tmp_path / "a.txt"
    path.write_text("\N{HIRAGANA LETTER A}" * 8 + "ab", encoding="utf-8")

    with pytest.raises(CorpusError, match=r"80% of the characters in .* are none of .*Take a text"):
        text.read(path, LOWER)
