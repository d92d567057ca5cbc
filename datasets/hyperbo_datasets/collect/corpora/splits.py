"""Training and validation parts, and windows of text: the same ones whenever the seed is."""

from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np
from jaxtyping import Bool, Int, UInt8

from hyperbo_datasets.collect.corpora.values import Images, Rows, Sequences, Text
from hyperbo_datasets.errors import CorpusError

Part = TypeVar("Part")
Labelled = TypeVar("Labelled", Images, Rows)

_STRETCHES = 100


@dataclass(frozen=True, eq=False)
class Split(Generic[Part]):
    """Two parts of a corpus that share nothing.

    Attributes:
        training: What is learned from.
        validation: What a run is scored by.
    """

    training: Part
    validation: Part


@dataclass(frozen=True, eq=False)
class Windows:
    """Pieces of equal length.

    Attributes:
        tokens: A window holds one token more than a model sees: each is to be told from those
            before it. After a sequence's end the tokens are 0.
        is_real: False after a sequence's end.
        alphabet: What the tokens are places in.
    """

    tokens: UInt8[np.ndarray, "N W"]
    is_real: Bool[np.ndarray, "N W"]
    alphabet: str

    @property
    def size(self) -> int:
        """How many windows."""
        return len(self.tokens)


def split_images(images: Images, share: float, seed: int) -> Split[Images]:
    """Images at random, the given share of each class for validation.

    Raises:
        CorpusError: If the share leaves one of the parts without examples.
    """
    return _split_by_class(images, share, seed)


def split_rows(rows: Rows, share: float, seed: int) -> Split[Rows]:
    """Rows at random, the given share of each class for validation, and standardised.

    Means and standard deviations are the training part's; a feature that is the same in all of it
    is only centred.

    Raises:
        CorpusError: If the share leaves one of the parts without examples.
    """
    parts = _split_by_class(rows, share, seed)
    training = parts.training.features.astype(np.float64)
    mean, stddev = training.mean(axis=0), training.std(axis=0)
    scale = np.where(stddev > 0.0, stddev, 1.0)

    def standardised(part: Rows) -> Rows:
        features = (part.features - mean) / scale
        return replace(part, features=features.astype(np.float32))

    return Split(standardised(parts.training), standardised(parts.validation))


def split_sequences(sequences: Sequences, share: float, seed: int) -> Split[Sequences]:
    """Whole sequences at random, the given share of them for validation.

    Raises:
        CorpusError: If the share leaves one of the parts without sequences.
    """
    order = np.random.default_rng(seed).permutation(sequences.size)
    training, validation = _cut(order, share)
    return Split(sequences.take(training), sequences.take(validation))


def split_text(text: Text, length: int, share: float, seed: int) -> Split[Windows]:
    """Windows of a text, the given share of its stretches for validation.

    The text is cut into 100 stretches of equal length, of which random ones are for validation, so
    that both parts come from all over it. Windows follow each other without overlap, and none
    crosses from one stretch into the next.

    Args:
        text: The text.
        length: How many characters a model sees; a window holds one more.
        share: Part of the stretches that is for validation.
        seed: Chooses the stretches.

    Raises:
        CorpusError: If the stretches are shorter than a window, or one of the parts is empty.
    """
    size = text.size // _STRETCHES
    order = np.random.default_rng(seed).permutation(_STRETCHES)
    count = size // (length + 1)
    if length < 1 or count < 1:
        raise CorpusError(
            f"A text of {text.size:,} characters has no stretch for windows of {length}; wanted "
            f"windows of 1 to {max(size - 1, 0)}, or a longer text."
        )
    stretches = text.tokens[: size * _STRETCHES].reshape(_STRETCHES, size)
    windows = stretches[:, : count * (length + 1)].reshape(_STRETCHES, count, length + 1)

    def part(chosen: np.ndarray) -> Windows:
        tokens = windows[np.sort(chosen)].reshape(-1, length + 1)
        return Windows(tokens, np.ones(tokens.shape, np.bool_), text.alphabet)

    training, validation = _cut(order, share)
    return Split(part(training), part(validation))


def window_sequences(sequences: Sequences, length: int) -> Windows:
    """Each sequence cut into windows one after the other, the last one padded.

    A last piece of a single token, which nothing comes before, is left out.

    Args:
        sequences: The sequences.
        length: How many tokens a model sees; a window holds one more.

    Raises:
        CorpusError: If the length is not positive, or every sequence is a single token.
    """
    if length < 1:
        raise CorpusError(f"Windows of {length} tokens hold nothing; wanted at least 1.")
    width = length + 1
    pieces = -(-sequences.lengths // width)
    row = np.repeat(np.arange(sequences.size), pieces)
    piece = np.arange(len(row)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    left = sequences.lengths[row] - piece * width
    row, piece, left = row[left > 1], piece[left > 1], left[left > 1]
    if not len(row):
        raise CorpusError("Every sequence is a single token; there is nothing to predict.")
    is_real = np.arange(width) < left[:, None]
    places = (sequences.starts[row] + piece * width)[:, None] + np.arange(width)
    tokens = np.where(is_real, sequences.tokens[np.minimum(places, len(sequences.tokens) - 1)], 0)
    return Windows(tokens.astype(np.uint8), is_real, sequences.alphabet)


def _split_by_class(corpus: Labelled, share: float, seed: int) -> Split[Labelled]:
    rng = np.random.default_rng(seed)
    order = rng.permutation(corpus.size)
    by_class = [order[corpus.labels[order] == label] for label in range(len(corpus.classes))]
    cuts = [round(share * len(rows)) for rows in by_class]
    validation = np.concatenate([rows[:cut] for rows, cut in zip(by_class, cuts, strict=True)])
    training = np.concatenate([rows[cut:] for rows, cut in zip(by_class, cuts, strict=True)])
    _check_parts(training, validation, share)
    return Split(corpus.take(rng.permutation(training)), corpus.take(rng.permutation(validation)))


def _cut(order: Int[np.ndarray, " N"], share: float) -> tuple[np.ndarray, np.ndarray]:
    """The rest, then the first share."""
    cut = round(share * len(order))
    _check_parts(order[cut:], order[:cut], share)
    return order[cut:], order[:cut]


def _check_parts(training: np.ndarray, validation: np.ndarray, share: float) -> None:
    if not (0.0 < share < 1.0 and len(training) and len(validation)):
        raise CorpusError(
            f"{len(training) + len(validation)} examples are too few: a share of {share} leaves "
            f"{len(training)} for training and {len(validation)} for validation. Add examples."
        )
