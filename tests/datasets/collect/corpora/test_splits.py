"""Parts that share nothing and are the same for the same seed; windows that cross no border."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperbo_datasets.collect.corpora.splits import (
    split_images,
    split_rows,
    split_sequences,
    split_text,
    window_sequences,
)
from hyperbo_datasets.collect.corpora.values import OTHER, Images, Rows, Sequences, Text
from hyperbo_datasets.errors import CorpusError

CLASSES = ("a", "b", "c")
LABELS = np.repeat(np.arange(3, dtype=np.int32), (100, 40, 10))
# Each example bears its own number, so that it can be followed.
IMAGES = Images(np.arange(150, dtype=np.uint8).reshape(150, 1, 1, 1), LABELS, CLASSES)
FEATURES = np.stack([np.arange(150.0), np.full(150, 3.0)], axis=1).astype(np.float32)
ROWS = Rows(FEATURES, LABELS, CLASSES, ("number", "constant"))
TEXT = Text((np.arange(10_050) % 251).astype(np.uint8), OTHER + "".join(map(chr, range(33, 283))))
LENGTHS = np.arange(1, 21, dtype=np.int32)
SEQUENCES = Sequences(
    np.concatenate([np.full(length, length, np.uint8) for length in LENGTHS]),
    LENGTHS,
    OTHER + "".join(map(chr, range(65, 86))),
)


def test_images_are_split_by_class() -> None:
    """Every image is in one part, and each class gives its share."""
    split = split_images(IMAGES, 0.1, 0)

    numbers = np.concatenate([split.training.images.ravel(), split.validation.images.ravel()])
    assert sorted(numbers) == list(range(150))
    assert np.bincount(split.validation.labels).tolist() == [10, 4, 1]
    np.testing.assert_array_equal(LABELS[split.training.images.ravel()], split.training.labels)


def test_parts_are_shuffled() -> None:
    """Classes do not lie in blocks: the first of a part are a fair sample of it."""
    training = split_images(IMAGES, 0.1, 0).training

    assert set(training.labels[:30]) == {0, 1, 2}


@pytest.mark.parametrize(
    "numbers",
    [
        lambda seed: split_images(IMAGES, 0.2, seed).validation.images,
        lambda seed: split_rows(ROWS, 0.2, seed).validation.features,
        lambda seed: split_sequences(SEQUENCES, 0.2, seed).validation.lengths,
        lambda seed: split_text(TEXT, 7, 0.2, seed).validation.tokens,
    ],
)
def test_seed_decides(numbers: Callable[[int], Any]) -> None:
    """The same seed gives the same parts, another one others."""
    np.testing.assert_array_equal(numbers(3), numbers(3))
    assert not np.array_equal(numbers(3), numbers(4))


def test_rows_are_standardised_on_the_training_part() -> None:
    """Training has mean 0 and deviation 1; validation is moved by the same numbers."""
    split = split_rows(ROWS, 0.2, 0)
    training, validation = split.training.features, split.validation.features

    np.testing.assert_allclose(training[:, 0].mean(), 0.0, atol=1e-6)
    np.testing.assert_allclose(training[:, 0].std(), 1.0, rtol=1e-5)
    # Numbers are 0 to 149, so a difference of one is the same step in both parts.
    step = np.diff(np.unique(np.concatenate([training[:, 0], validation[:, 0]])))
    np.testing.assert_allclose(step, step[0], rtol=1e-3)
    assert len(step) == 149


def test_constant_feature_is_only_centred() -> None:
    """A feature that never changes becomes 0, not NaN."""
    split = split_rows(ROWS, 0.2, 0)

    assert not split.training.features[:, 1].any()
    assert not split.validation.features[:, 1].any()


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 0.001, 0.999])
@pytest.mark.parametrize(
    "split",
    [
        lambda share: split_images(IMAGES, share, 0),
        lambda share: split_rows(ROWS, share, 0),
        lambda share: split_sequences(SEQUENCES, share, 0),
        lambda share: split_text(TEXT, 7, share, 0),
    ],
)
def test_empty_part_is_refused(split: Callable[[float], Any], share: float) -> None:
    """A share that leaves nothing for one part says so."""
    with pytest.raises(
        CorpusError, match=r"examples are too few: a share of .* for validation\. Add"
    ):
        split(share)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 99), st.sampled_from([0.05, 0.1, 0.5]), st.integers(0, 9))
def test_text_windows_cross_no_border(length: int, share: float, seed: int) -> None:
    """Each window is a stretch of the text as it stands; no character is in two windows."""
    numbered = Text(np.arange(10_050, dtype=np.uint16).view(), TEXT.alphabet)
    split = split_text(numbered, length, share, seed)

    both = np.concatenate([split.training.tokens, split.validation.tokens])
    assert (np.diff(both.astype(int), axis=1) == 1).all()
    assert len(np.unique(both)) == both.size
    # 100 stretches of 100 characters: a window lies in one of them.
    assert (both[:, 0] // 100 == both[:, -1] // 100).all()
    blocks = {*(split.training.tokens[:, 0] // 100)} & {*(split.validation.tokens[:, 0] // 100)}
    assert not blocks
    assert len({*(split.validation.tokens[:, 0] // 100)}) == round(100 * share)


@pytest.mark.parametrize("length", [0, 100, 5000])
def test_windows_longer_than_a_stretch_are_refused(length: int) -> None:
    """A stretch of 100 characters holds windows of 1 to 99."""
    with pytest.raises(CorpusError, match="wanted windows of 1 to 99"):
        split_text(TEXT, length, 0.1, 0)


def test_whole_sequences_are_split() -> None:
    """A sequence is in one part."""
    split = split_sequences(SEQUENCES, 0.25, 0)

    assert sorted([*split.training.lengths, *split.validation.lengths]) == LENGTHS.tolist()
    assert split.validation.size == 5
    for row in range(5):
        assert len(set(split.validation[row])) == 1


@pytest.mark.parametrize("length", [1, 4, 6, 19, 30])
def test_windows_give_the_sequences_back(length: int) -> None:
    """Side by side, the real tokens are the sequences but for last pieces of one token."""
    windows = window_sequences(SEQUENCES, length)

    expected = [
        piece
        for row in range(SEQUENCES.size)
        for piece in _pieces(SEQUENCES[row], length + 1)
        if len(piece) > 1
    ]
    letters = np.array(list(SEQUENCES.alphabet))
    found = [
        "".join(letters[tokens[is_real]])
        for tokens, is_real in zip(windows.tokens, windows.is_real, strict=True)
    ]
    assert found == expected
    assert not windows.tokens[~windows.is_real].any()
    assert (np.diff(windows.is_real.astype(int), axis=1) <= 0).all()


def test_windows_need_a_length_and_something_to_predict() -> None:
    """No window of nothing, and none of sequences in which nothing comes after anything."""
    with pytest.raises(CorpusError, match="wanted at least 1"):
        window_sequences(SEQUENCES, 0)
    with pytest.raises(CorpusError, match="nothing to predict"):
        window_sequences(SEQUENCES.take(np.array([0, 0])), 5)


def _pieces(text: str, width: int) -> list[str]:
    return [text[start : start + width] for start in range(0, len(text), width)]
