"""Recipes: how corpora and architectures become workloads."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hyperbo_datasets.collect.corpora import OTHER, Images, Rows, Sequences, Text
from hyperbo_datasets.collect.networks.gemma import GEMMA_SMALL
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.collect.workloads import recipes
from hyperbo_datasets.collect.workloads.classification import Labelled
from hyperbo_datasets.collect.workloads.distillation import Distillation, TaughtWindows
from hyperbo_datasets.collect.workloads.images import ImageClassification
from hyperbo_datasets.collect.workloads.protein import MaskedProteins
from hyperbo_datasets.collect.workloads.size import Size
from hyperbo_datasets.collect.workloads.tabular import TabularClassification
from hyperbo_datasets.collect.workloads.text import LanguageModelling
from hyperbo_datasets.collect.workloads.treatment import TreatmentPolicy
from hyperbo_datasets.errors import CorpusError

LETTERS = OTHER + "abcdefghijklmnopqrstuvwxyz"
NAME = TaskName("made-up", "any", 4)


def drawn(*shape: int, below: int = 256) -> np.ndarray:
    """Random bytes: no two examples are alike."""
    return np.random.default_rng(0).integers(1, below, shape).astype(np.uint8)


def examples(array: jax.Array) -> list[bytes]:
    """Each example's bytes."""
    return [each.tobytes() for each in np.asarray(array)]


def check_parts(training: jax.Array, validation: jax.Array, count: int) -> None:
    """All there is or as much as is wanted, no example twice, none on both sides."""
    found = [*examples(training), *examples(validation)]
    assert len(found) == len(set(found)) == count
    assert len(training) > len(validation) > 0


@pytest.fixture
def text() -> Text:
    """200 windows of random letters."""
    return Text(drawn(200 * 33, below=27), LETTERS)


def test_text_is_parted(text: Text) -> None:
    """Windows of 32 tokens and what follows them, of one side or the other."""
    workload = recipes.gemma(NAME, Size.SMALL, text)

    assert isinstance(workload, LanguageModelling)
    check_parts(workload.training, workload.validation, 180 + 20)
    assert workload.training.shape[1] == 33
    assert workload.architecture == replace(GEMMA_SMALL, vocabulary=27)
    whole = "".join(LETTERS[token] for token in text.tokens)
    assert all("".join(LETTERS[t] for t in window) in whole for window in workload.training[:5])


def test_the_distilled_twin_differs_by_its_teacher_only(
    text: Text, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same student, windows and scores; the teacher has read what the student learns from."""
    read: list[jax.Array] = []

    def train(key: jax.Array, schooling: object, windows: jax.Array) -> str:  # noqa: ARG001
        read.append(windows)
        return "teacher"

    def teach(teacher: str, windows: jax.Array) -> TaughtWindows:
        assert teacher == "teacher"
        return TaughtWindows(windows, jnp.zeros((*windows[:, 1:].shape, 27), jnp.float16))

    monkeypatch.setattr(recipes, "train_teacher", train)
    monkeypatch.setattr(recipes, "teach", teach)

    twin = recipes.gemma(NAME, Size.SMALL, text)
    workload = recipes.gemma_distilled(NAME, Size.SMALL, text)

    assert isinstance(workload, Distillation)
    assert isinstance(twin, LanguageModelling)
    assert (workload.architecture, workload.steps) == (twin.architecture, twin.steps)
    (seen,) = read
    for windows in (seen, workload.training.tokens):
        np.testing.assert_array_equal(windows, twin.training)
    np.testing.assert_array_equal(workload.validation, twin.validation)


def test_proteins_are_parted() -> None:
    """Whole proteins lie on one side; what is hidden is known to the loss and not shown."""
    corpus = Sequences(drawn(60 * 31, below=27), np.full(60, 31), LETTERS)

    workload = recipes.protein_transformer(NAME, Size.SMALL, corpus)

    assert isinstance(workload, MaskedProteins)
    check_parts(workload.training.residues, workload.validation.residues, 60)
    assert workload.architecture.vocabulary == len(LETTERS) + 1
    for part in (workload.training, workload.validation):
        assert (part.shown != part.residues).any()


def test_images_are_parted_with_their_labels() -> None:
    """Shrunk to a side of 16 at most; each keeps the label it had."""
    images = drawn(60, 28, 28, 1)
    labels = np.arange(60) % 3
    bright = np.where(labels[:, None, None, None] == 1, 255, images // 2).astype(np.uint8)

    workload = recipes.simple_cnn(NAME, Size.SMALL, Images(bright, labels, ("a", "b", "c")))

    assert isinstance(workload, ImageClassification)
    training, validation = workload.training, workload.validation
    assert isinstance(training, Labelled)
    assert isinstance(validation, Labelled)
    assert training.inputs.shape[1:] == (14, 14, 1)
    for part in (training, validation):
        is_bright = np.asarray(part.inputs).min(axis=(1, 2, 3)) == 1.0
        np.testing.assert_array_equal(is_bright, np.asarray(part.labels) == 1)
    dark = [
        np.asarray(part.inputs)[np.asarray(part.labels) != 1] for part in (training, validation)
    ]
    check_parts(jnp.asarray(dark[0]), jnp.asarray(dark[1]), 40)


def test_images_too_narrow_are_refused() -> None:
    """A strip of pixels cannot be halved to a side of 16; the way out is named."""
    strips = Images(drawn(20, 1, 300, 1), np.arange(20) % 2, ("a", "b"))

    with pytest.raises(CorpusError, match=r"1 x 300 pixels are too narrow .*Cut them first"):
        recipes.mlp(NAME, Size.SMALL, strips)


def test_rows_are_parted_with_their_labels() -> None:
    """Standardised by what is learned from; each keeps the label it had."""
    features = np.random.default_rng(0).normal(5.0, 3.0, (60, 4))
    labels = (features[:, 0] > 5.0).astype(np.int64)
    corpus = Rows(features, labels, ("low", "high"), tuple("wxyz"))

    workload = recipes.mlp(NAME, Size.SMALL, corpus)

    assert isinstance(workload, TabularClassification)
    training, validation = workload.training, workload.validation
    check_parts(training.inputs, validation.inputs, 60)
    np.testing.assert_allclose(training.inputs.mean(axis=0), 0.0, atol=1e-5)
    for part in (training, validation):
        high, low = part.inputs[part.labels == 1, 0], part.inputs[part.labels == 0, 0]
        assert high.min() > low.max()


def test_units_are_parted() -> None:
    """A simulated trial's units are learned from or scored by, never both."""
    workload = recipes.treatment(NAME, Size.SMALL, population(264))

    assert isinstance(workload, TreatmentPolicy)
    check_parts(workload.training.features, workload.validation.features, 264)
    assert len(workload.validation.features) == 24


def test_too_few_units_are_refused() -> None:
    """A cost curve of nobody would be a result all the same."""
    for count in (1, 5, 200):
        with pytest.raises(CorpusError, match=rf"{count} rows are too few .*wanted 20\. Add rows"):
            recipes.treatment(NAME, Size.SMALL, population(count))


def population(count: int) -> Rows:
    """Rows of four random features."""
    features = np.random.default_rng(0).normal(size=(count, 4))
    return Rows(features, np.zeros(count, np.int64), ("only",), tuple("wxyz"))
