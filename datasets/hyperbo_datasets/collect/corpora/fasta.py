"""FASTA: protein sequences, each below a line that begins with `>`."""

from pathlib import Path

import numpy as np

from hyperbo_datasets.collect.corpora.reading import files_at, read_text
from hyperbo_datasets.collect.corpora.values import OTHER, Sequences
from hyperbo_datasets.errors import CorpusError

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
"""The twenty that genes spell; ambiguous (B, Z, X, J) and rare (U, O) ones become `OTHER`."""

SUFFIXES = (".fasta", ".fa", ".faa")

_GAPS = str.maketrans("", "", " \t-*.")


def read(path: Path) -> Sequences:
    """The sequences of a FASTA file, gzipped or not, in its order, or of all those in a folder.

    The sequences' names are dropped. Small letters count as capitals; gaps and the final `*` are
    left out.

    Raises:
        CorpusError: If the file cannot be read, does not begin with `>`, or a sequence is empty or
            holds what is no letter.
    """
    paths = files_at(path, SUFFIXES) if path.is_dir() else [path]
    sequences = [sequence for file in paths for sequence in _sequences(file)]
    symbols = OTHER + AMINO_ACIDS
    places = np.zeros(256, np.uint8)
    places[[ord(letter) for letter in AMINO_ACIDS]] = np.arange(1, len(symbols))
    tokens = places[np.frombuffer("".join(sequences).encode("ascii"), np.uint8)]
    lengths = np.array([len(sequence) for sequence in sequences], np.int32)
    return Sequences(tokens, lengths, symbols)


def _sequences(path: Path) -> list[str]:
    before, *records = ("\n" + read_text(path)).split("\n>")
    if before.strip() or not records:
        raise CorpusError(f"{path} is not FASTA: its first line must begin with '>'.")
    return [_sequence(record, path) for record in records]


def _sequence(record: str, path: Path) -> str:
    name, _, lines = record.partition("\n")
    sequence = lines.replace("\n", "").translate(_GAPS).upper()
    if not sequence or not (sequence.isascii() and sequence.isalpha()):
        wrong = "is empty" if not sequence else "holds what is no letter"
        raise CorpusError(
            f"The sequence {name.strip()[:60]!r} in {path} {wrong}; the file was cut off or is not "
            "FASTA. Get it again, or drop that record."
        )
    return sequence
