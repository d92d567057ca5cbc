"""FASTA files give their sequences, ambiguous residues as one symbol."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from hyperbo_datasets.collect.corpora import fasta
from hyperbo_datasets.collect.corpora.values import OTHER
from hyperbo_datasets.errors import CorpusError

CONTENT = ">one first\nMKV\nLAW\n\n>two\r\nmkb-xX*\r\n>three\nY"


@pytest.mark.parametrize("encode", [bytes, gzip.compress])
def test_reads_what_was_written(tmp_path: Path, encode: Callable[[bytes], bytes]) -> None:
    """Lines are joined, small letters are capitals, gaps are left out, B and X are one symbol."""
    path = tmp_path / "proteins"
    path.write_bytes(encode(CONTENT.encode()))

    sequences = fasta.read(path)

    assert [sequences[row] for row in range(3)] == ["MKVLAW", f"MK{OTHER * 3}", "Y"]
    assert sequences.lengths.tolist() == [6, 5, 1]
    assert sequences.alphabet == f"{OTHER}ACDEFGHIKLMNPQRSTVWY"


def test_files_of_a_folder_follow_their_names(tmp_path: Path) -> None:
    """All FASTA files of a folder are one corpus."""
    (tmp_path / "b.fa").write_text(">b\nCC")
    (tmp_path / "a.fasta.gz").write_bytes(gzip.compress(b">a\nAA", mtime=0))

    sequences = fasta.read(tmp_path)

    assert [sequences[row] for row in range(2)] == ["AA", "CC"]


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("", "not FASTA"),
        ("MKV\n>one\nMKV", "not FASTA"),
        (">one\n>two\nMKV", "'one' in .* is empty"),
        (">one\nMKV\n>two", "'two' in .* is empty; the file was cut off"),
        (">one\nMK7", "'one' in .* holds what is no letter"),
        (">one\nMKÄ", "holds what is no letter"),
    ],
)
def test_unusable_file_is_refused(tmp_path: Path, content: str, wanted: str) -> None:
    """What is no sequence is named."""
    path = tmp_path / "proteins.fasta"
    path.write_text(content)

    with pytest.raises(CorpusError, match=wanted):
        fasta.read(path)


def test_truncated_file_is_refused(tmp_path: Path) -> None:
    """A gzipped file that was cut off is not read, wherever it was."""
    content = gzip.compress(CONTENT.encode())
    path = tmp_path / "proteins.fasta.gz"
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(CorpusError):
            fasta.read(path)
