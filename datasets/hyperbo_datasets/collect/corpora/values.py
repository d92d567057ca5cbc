"""What a loader returns: images, text, sequences or rows; frozen arrays with one content hash."""

import hashlib
import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Self

import numpy as np
from jaxtyping import Float, Int, UInt8

from hyperbo_datasets.errors import CorpusError

OTHER = "\N{REPLACEMENT CHARACTER}"
"""What stands for every character that an alphabet lacks; always its first symbol."""


@dataclass(frozen=True, eq=False)
class Images:
    """Labelled images.

    Attributes:
        images: Height by width by channels; 0 is black, 255 white.
        labels: Each image's class, a place in `classes`.
        classes: The classes' names.
    """

    images: UInt8[np.ndarray, "N H W C"]
    labels: Int[np.ndarray, " N"]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_labels(len(self.images), self.labels, self.classes)

    @property
    def size(self) -> int:
        """How many images."""
        return len(self.labels)

    def take(self, rows: Int[np.ndarray, " M"]) -> Self:
        """Those images, in that order."""
        return replace(self, images=self.images[rows], labels=self.labels[rows])


@dataclass(frozen=True, eq=False)
class Rows:
    """Labelled rows of a table, as they were read: `split_rows` standardises them.

    Attributes:
        features: Finite numbers.
        labels: Each row's class, a place in `classes`.
        classes: The classes' names.
        names: The features' names.
    """

    features: Float[np.ndarray, "N D"]
    labels: Int[np.ndarray, " N"]
    classes: tuple[str, ...]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_labels(len(self.features), self.labels, self.classes)
        if self.features.shape[1] != len(self.names):
            raise CorpusError(
                f"{self.features.shape[1]} features bear {len(self.names)} names; repair the file."
            )
        if not np.isfinite(self.features).all():
            raise CorpusError("Some features are not finite; fill or drop what is missing.")

    @property
    def size(self) -> int:
        """How many rows."""
        return len(self.labels)

    def take(self, rows: Int[np.ndarray, " M"]) -> Self:
        """Those rows, in that order."""
        return replace(self, features=self.features[rows], labels=self.labels[rows])


@dataclass(frozen=True, eq=False)
class Text:
    """One long text, character by character.

    Attributes:
        tokens: Each character's place in the alphabet.
        alphabet: Its characters; the first one, `OTHER`, stands for all that are not in it.
    """

    tokens: UInt8[np.ndarray, " N"]
    alphabet: str

    @property
    def size(self) -> int:
        """How many characters."""
        return len(self.tokens)

    def __str__(self) -> str:
        return _spell(self.tokens, self.alphabet)


@dataclass(frozen=True, eq=False)
class Sequences:
    """Many sequences of different lengths, laid end to end.

    Attributes:
        tokens: Each symbol's place in the alphabet, one sequence after the other.
        lengths: How long each sequence is; their sum is the number of tokens.
        alphabet: Its symbols; the first one, `OTHER`, stands for all that are not in it.
    """

    tokens: UInt8[np.ndarray, " N"]
    lengths: Int[np.ndarray, " M"]
    alphabet: str

    def __post_init__(self) -> None:
        if self.lengths.size == 0 or self.lengths.min() < 1:
            raise CorpusError("A corpus of sequences needs at least one, and none may be empty.")
        if int(self.lengths.sum()) != len(self.tokens):
            raise CorpusError(
                f"The sequences' lengths sum to {self.lengths.sum()}, but there are "
                f"{len(self.tokens)} symbols; read the file anew."
            )

    @property
    def size(self) -> int:
        """How many sequences."""
        return len(self.lengths)

    @property
    def starts(self) -> Int[np.ndarray, " M"]:
        """Where each sequence begins among the tokens."""
        starts: Int[np.ndarray, " M"] = np.cumsum(self.lengths) - self.lengths
        return starts

    def take(self, rows: Int[np.ndarray, " K"]) -> Self:
        """Those sequences, in that order."""
        starts = self.starts
        pieces = [self.tokens[starts[row] : starts[row] + self.lengths[row]] for row in rows]
        return replace(self, tokens=np.concatenate(pieces), lengths=self.lengths[rows])

    def __getitem__(self, row: int) -> str:
        start = self.starts[row]
        return _spell(self.tokens[start : start + self.lengths[row]], self.alphabet)


Corpus = Images | Text | Sequences | Rows


def kind_of(corpus: type[Corpus]) -> str:
    """What people call it: images, text, sequences or rows."""
    return corpus.__name__.lower()


def check_usable(corpus: Corpus, path: Path) -> None:
    """Refuse a corpus from which nothing can be learned, whatever learns.

    Args:
        corpus: The corpus.
        path: Where it was read, for the message.

    Raises:
        CorpusError: If its examples are all of one class, or its symbols are all the same.
    """
    if isinstance(corpus, Images | Rows):
        if len(np.unique(corpus.labels)) < 2:
            raise CorpusError(
                f"Every example of {path} is of the class {corpus.classes[corpus.labels[0]]!r}, so "
                "that there is nothing to tell apart. Add examples of other classes."
            )
    elif len(np.unique(corpus.tokens)) < 2:
        raise CorpusError(
            f"Every symbol of {path} is the same or unknown, so that there is nothing to foretell. "
            "Add what holds others."
        )


def digest(corpus: Corpus) -> str:
    """SHA-256 of all that was read, whichever files it came from.

    Example:
        >>> text = Text(np.array([1, 2], dtype=np.uint8), OTHER + "ab")
        >>> digest(text)[:12]
        '4826037a98ab'
    """
    hashed = hashlib.sha256(kind_of(type(corpus)).encode())
    for field in fields(corpus):
        value = getattr(corpus, field.name)
        hashed.update(f"\0{field.name}\0".encode())
        if isinstance(value, np.ndarray):
            portable = value.astype(value.dtype.newbyteorder("<"), order="C", copy=False)
            hashed.update(f"{portable.dtype.str}{portable.shape}".encode())
            hashed.update(portable.data)
        else:
            hashed.update(json.dumps(value).encode())
    return hashed.hexdigest()


def _check_labels(count: int, labels: np.ndarray, classes: tuple[str, ...]) -> None:
    if count == 0 or count != len(labels):
        raise CorpusError(
            f"There are {count} examples and {len(labels)} labels; wanted as many of each, and at "
            "least one. The files do not belong together, or one was cut off."
        )
    if labels.min() < 0 or labels.max() >= len(classes):
        raise CorpusError(
            f"Labels go from {labels.min()} to {labels.max()}, but there are {len(classes)} "
            "classes; the file is damaged or in another layout."
        )


def _spell(tokens: np.ndarray, alphabet: str) -> str:
    codes = np.array([ord(symbol) for symbol in alphabet], "<u4")
    return bytes(codes[tokens]).decode("utf-32-le")
