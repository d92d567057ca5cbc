"""Corpora as values: checked when made, taken apart, and named by a digest of their content."""

from dataclasses import replace

import numpy as np
import pytest

from hyperbo_datasets.collect.corpora.values import (
    OTHER,
    Corpus,
    Images,
    Rows,
    Sequences,
    Text,
    digest,
)
from hyperbo_datasets.errors import CorpusError

LABELS = np.array([0, 1, 0], np.int32)
IMAGES = Images(np.arange(12, dtype=np.uint8).reshape(3, 2, 2, 1), LABELS, ("a", "b"))
ROWS = Rows(np.arange(6, dtype=np.float32).reshape(3, 2), LABELS, ("a", "b"), ("x", "y"))
TEXT = Text(np.array([1, 2, 0, 1], np.uint8), f"{OTHER}xy")
SEQUENCES = Sequences(np.array([1, 2, 2, 1], np.uint8), np.array([1, 3], np.int32), f"{OTHER}xy")


def test_text_is_spelled() -> None:
    """Tokens are places in the alphabet, 0 that of any other character."""
    assert str(TEXT) == f"xy{OTHER}x"
    assert [SEQUENCES[0], SEQUENCES[1]] == ["x", "yyx"]


def test_taking_keeps_what_belongs_together() -> None:
    """Examples, labels and lengths are taken alike, in the order asked for."""
    images, rows = IMAGES.take(np.array([2, 1])), ROWS.take(np.array([2, 1]))
    sequences = SEQUENCES.take(np.array([1, 0, 1]))

    assert images.images[:, 0, 0, 0].tolist() == [8, 4]
    assert rows.features[:, 0].tolist() == [4.0, 2.0]
    assert images.labels.tolist() == rows.labels.tolist() == [0, 1]
    assert [sequences[row] for row in range(3)] == ["yyx", "x", "yyx"]


@pytest.mark.parametrize(
    ("corpus", "expected"),
    [
        (IMAGES, "44af053fafb34266"),
        (ROWS, "8a4757e1471825cd"),
        (TEXT, "920d114c857c5cc7"),
        (SEQUENCES, "4d31e29b8d948627"),
    ],
)
def test_digest_never_changes(corpus: Corpus, expected: str) -> None:
    """A table names its corpus by the digest, so it must be the same in every version."""
    assert digest(corpus)[:16] == expected


def test_digest_is_of_the_content() -> None:
    """The same content in another order of memory or bytes has the same digest."""
    other = Images(np.asfortranarray(IMAGES.images), LABELS.astype(">i4"), IMAGES.classes)

    assert digest(other) == digest(IMAGES)


@pytest.mark.parametrize(
    "other",
    [
        replace(IMAGES, labels=np.array([0, 1, 1], np.int32)),
        replace(IMAGES, classes=("a", "c")),
        replace(IMAGES, images=IMAGES.images.reshape(3, 1, 4, 1)),
        replace(TEXT, alphabet=f"{OTHER}xz"),
        ROWS,
    ],
)
def test_digest_tells_contents_apart(other: Corpus) -> None:
    """A label, a name, a shape, an alphabet: each makes another corpus."""
    assert digest(other) not in {digest(IMAGES), digest(TEXT)}


def test_images_need_as_many_labels() -> None:
    """One label each."""
    with pytest.raises(CorpusError, match="3 examples and 2 labels"):
        replace(IMAGES, labels=LABELS[:2])


def test_empty_corpus_is_refused() -> None:
    """Nothing can be learned from nothing."""
    with pytest.raises(CorpusError, match="0 examples and 0 labels"):
        replace(IMAGES, images=IMAGES.images[:0], labels=LABELS[:0])


@pytest.mark.parametrize("label", [-1, 2])
def test_unknown_label_is_refused(label: int) -> None:
    """Labels are places among the classes."""
    with pytest.raises(CorpusError, match="but there are 2 classes"):
        replace(ROWS, labels=np.array([0, 1, label], np.int32))


def test_features_are_finite_and_named() -> None:
    """Rows have a name for each feature, and no gaps."""
    with pytest.raises(CorpusError, match="2 features bear 1 names"):
        replace(ROWS, names=("x",))
    with pytest.raises(CorpusError, match="not finite; fill or drop"):
        replace(ROWS, features=np.full((3, 2), np.nan, np.float32))


@pytest.mark.parametrize(
    ("lengths", "wanted"),
    [([], "at least one"), ([4, 0], "none may be empty"), ([1, 2], "sum to 3, but there are 4")],
)
def test_lengths_cover_the_tokens(lengths: list[int], wanted: str) -> None:
    """Sequences lie end to end."""
    with pytest.raises(CorpusError, match=wanted):
        replace(SEQUENCES, lengths=np.array(lengths, np.int32))
