"""How a corpus and an architecture make a workload, at each size."""

from collections.abc import Mapping
from dataclasses import replace

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Float, Int

from hyperbo_datasets.collect.corpora import (
    Corpus,
    Images,
    Rows,
    Sequences,
    Text,
    split_images,
    split_rows,
    split_sequences,
    split_text,
    window_sequences,
)
from hyperbo_datasets.collect.networks.architecture import DecoderConfig
from hyperbo_datasets.collect.networks.classifier import ClassifierConfig
from hyperbo_datasets.collect.networks.encoder import ENCODER_PUBLISHED, ENCODER_SMALL
from hyperbo_datasets.collect.networks.gemma import GEMMA_2B, GEMMA_SMALL
from hyperbo_datasets.collect.networks.gemma2 import GEMMA2_2B, GEMMA2_SMALL
from hyperbo_datasets.collect.networks.griffin import GRIFFIN_SMALL, RECURRENTGEMMA_2B
from hyperbo_datasets.collect.networks.max_pooling_cnn import MaxPoolingCNNConfig
from hyperbo_datasets.collect.networks.mlp import MLPConfig
from hyperbo_datasets.collect.networks.simple_cnn import SimpleCNNConfig
from hyperbo_datasets.collect.networks.treatment import TreatmentNetworkConfig
from hyperbo_datasets.collect.networks.wide_resnet import WideResNetConfig
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.collect.workloads.base import Workload
from hyperbo_datasets.collect.workloads.classification import Labelled
from hyperbo_datasets.collect.workloads.distillation import Distillation
from hyperbo_datasets.collect.workloads.images import ImageClassification
from hyperbo_datasets.collect.workloads.protein import MaskedProteins, mask_residues
from hyperbo_datasets.collect.workloads.size import Budget, Size
from hyperbo_datasets.collect.workloads.tabular import TabularClassification
from hyperbo_datasets.collect.workloads.teacher import SMALL_SCHOOLING, teach, train_teacher
from hyperbo_datasets.collect.workloads.text import LanguageModelling
from hyperbo_datasets.collect.workloads.treatment import TreatmentPolicy
from hyperbo_datasets.collect.workloads.treatment_simulation import simulate
from hyperbo_datasets.errors import CorpusError

IMAGES: Mapping[Size, Budget] = {
    Size.SMALL: Budget(steps=300, training=10_000, validation=1_000, most_side=16),
    Size.PUBLISHED: Budget(steps=100_000, training=1_000_000, validation=10_000),
}
ROWS: Mapping[Size, Budget] = {
    Size.SMALL: Budget(steps=300, training=20_000, validation=2_000),
    Size.PUBLISHED: Budget(steps=20_000, training=1_000_000, validation=10_000),
}
TEXT: Mapping[Size, Budget] = {
    Size.SMALL: Budget(steps=200, training=20_000, validation=96, length=32),
    Size.PUBLISHED: Budget(steps=100_000, training=10_000_000, validation=1_000, length=1024),
}

PROTEINS: Mapping[Size, Budget] = {
    Size.SMALL: Budget(steps=300, training=20_000, validation=300, length=32),
    Size.PUBLISHED: Budget(steps=100_000, training=1_000_000, validation=5_000, length=512),
}

_SHARE, _SPLIT_SEED = 0.1, 0
"""Of a corpus for validation, and what splits it: the same for every task of a corpus."""

_LEAST_SCORED = 20
"""Units of a trial: of fewer, too few may be treated for a cost curve to mean anything."""


def mlp(name: TaskName, size: Size, corpus: Corpus) -> Workload:
    """A perceptron on images or rows; of one size, since none was published."""
    if isinstance(corpus, Rows):
        return _rows(name, size, corpus)
    shape, classes = _image_shape(corpus, size)
    return _images(name, size, corpus, MLPConfig.small(shape, classes))


def simple_cnn(name: TaskName, size: Size, corpus: Corpus) -> Workload:
    """Convolutions with strides on images."""
    make = {Size.SMALL: SimpleCNNConfig.small, Size.PUBLISHED: SimpleCNNConfig.published}
    return _images(name, size, corpus, make[size](*_image_shape(corpus, size)))


def max_pooling_cnn(name: TaskName, size: Size, corpus: Corpus) -> Workload:
    """Convolutions with max pooling on images."""
    make = {Size.SMALL: MaxPoolingCNNConfig.small, Size.PUBLISHED: MaxPoolingCNNConfig.published}
    return _images(name, size, corpus, make[size](*_image_shape(corpus, size)))


def wide_resnet(name: TaskName, size: Size, corpus: Corpus) -> Workload:
    """A wide residual network on images."""
    make = {Size.SMALL: WideResNetConfig.small, Size.PUBLISHED: WideResNetConfig.published}
    return _images(name, size, corpus, make[size](*_image_shape(corpus, size)))


def gemma(name: TaskName, size: Size, corpus: Corpus) -> Workload:
    """A Gemma decoder on text."""
    return _text(name, size, corpus, {Size.SMALL: GEMMA_SMALL, Size.PUBLISHED: GEMMA_2B}[size])


def gemma2(name: TaskName, size: Size, corpus: Corpus) -> Workload:
    """A Gemma 2 decoder on text."""
    return _text(name, size, corpus, {Size.SMALL: GEMMA2_SMALL, Size.PUBLISHED: GEMMA2_2B}[size])


def griffin(name: TaskName, size: Size, corpus: Corpus) -> Workload:
    """A Griffin decoder on text."""
    sizes = {Size.SMALL: GRIFFIN_SMALL, Size.PUBLISHED: RECURRENTGEMMA_2B}
    return _text(name, size, corpus, sizes[size])


def gemma_distilled(name: TaskName, size: Size, corpus: Corpus) -> Workload:
    """The decoder of `gemma`, taught by a larger one, and scored on the same windows."""
    training, validation, vocabulary = text_windows(corpus, TEXT[size])
    schooling = replace(
        SMALL_SCHOOLING, architecture=replace(SMALL_SCHOOLING.architecture, vocabulary=vocabulary)
    )
    teacher = train_teacher(jr.key(_SPLIT_SEED), schooling, training)
    student = replace(GEMMA_SMALL, vocabulary=vocabulary)
    taught = teach(teacher, training)
    return Distillation(
        name, TEXT[size].steps, training=taught, validation=validation, architecture=student
    )


def protein_transformer(name: TaskName, size: Size, corpus: Corpus) -> Workload:
    """An encoder that tells hidden residues of proteins."""
    assert isinstance(corpus, Sequences)  # noqa: S101 - the catalogue has checked
    budget = PROTEINS[size]
    split = split_sequences(corpus, _SHARE, _SPLIT_SEED)
    rng = np.random.default_rng(_SPLIT_SEED)
    parts = []
    for part, most in ((split.training, budget.training), (split.validation, budget.validation)):
        windows = window_sequences(part, budget.length - 1)
        rows = rng.permutation(windows.size)[:most]
        tokens, is_real = windows.tokens[rows].astype(np.int32), windows.is_real[rows]
        parts.append(mask_residues(rng, tokens, is_real, len(corpus.alphabet)))
    sizes = {Size.SMALL: ENCODER_SMALL, Size.PUBLISHED: ENCODER_PUBLISHED}[size]
    architecture = replace(sizes, vocabulary=len(corpus.alphabet) + 1)
    return MaskedProteins(
        name, budget.steps, training=parts[0], validation=parts[1], architecture=architecture
    )


def treatment(name: TaskName, size: Size, corpus: Corpus) -> Workload:
    """A treatment policy for a simulated trial on the rows' features; of one size.

    The trial is simulated on all rows together, and its features are standardised so: nobody's
    result is looked at, and a policy knows whom it may treat before it treats.
    """
    assert isinstance(corpus, Rows)  # noqa: S101 - the catalogue has checked
    budget = ROWS[size]
    wanted = budget.training + budget.validation
    rows = np.random.default_rng(_SPLIT_SEED).permutation(corpus.size)[:wanted]
    units, _ = simulate(jr.key(_SPLIT_SEED), jnp.asarray(corpus.features[rows], jnp.float32))
    cut = round(len(rows) * budget.validation / wanted)
    if cut < _LEAST_SCORED:
        raise CorpusError(
            f"{corpus.size} rows are too few for a simulated trial: {cut} units would be left to "
            f"score a policy by; wanted {_LEAST_SCORED}. Add rows."
        )
    return TreatmentPolicy(
        name,
        budget.steps,
        training=jax.tree.map(lambda each: each[cut:], units),
        validation=jax.tree.map(lambda each: each[:cut], units),
        network=TreatmentNetworkConfig.small(corpus.features.shape[1]),
    )


def _images(name: TaskName, size: Size, corpus: Corpus, network: ClassifierConfig) -> Workload:
    budget = IMAGES[size]
    assert isinstance(corpus, Images)  # noqa: S101 - the catalogue has checked
    split = split_images(corpus, _SHARE, _SPLIT_SEED)
    training, validation = (
        Labelled(
            jnp.asarray(shrunk(part.images[:most], budget.most_side)),
            jnp.asarray(part.labels[:most], jnp.int32),
        )
        for part, most in ((split.training, budget.training), (split.validation, budget.validation))
    )
    return ImageClassification(
        name, budget.steps, training=training, validation=validation, network=network
    )


def _image_shape(corpus: Corpus, size: Size) -> tuple[tuple[int, int, int], int]:
    """Height, width and channels after shrinking, and the number of classes."""
    assert isinstance(corpus, Images)  # noqa: S101 - the catalogue has checked
    height, width, channels = shrunk(corpus.images[:1], IMAGES[size].most_side).shape[1:]
    return (height, width, channels), len(corpus.classes)


def shrunk(images: Int[np.ndarray, "N H W C"], most_side: int) -> Float[np.ndarray, "N H2 W2 C"]:
    """Images averaged over squares of two by two until no side is too long, then in [0, 1].

    Those that are small enough stay bytes.
    """
    if max(images.shape[1:3]) <= most_side:
        return images
    found = images.astype(np.float32) / np.float32(255)
    while max(found.shape[1:3]) > most_side:
        count, height, width, channels = found.shape
        if min(height, width) < 2:
            raise CorpusError(
                f"Images of {images.shape[1]} x {images.shape[2]} pixels are too narrow to be "
                f"shrunk to a side of {most_side}. Cut them first, or take another corpus."
            )
        even = found[:, : height // 2 * 2, : width // 2 * 2]
        found = even.reshape(count, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4))
    return found


def _rows(name: TaskName, size: Size, corpus: Rows) -> Workload:
    budget = ROWS[size]
    split = split_rows(corpus, _SHARE, _SPLIT_SEED)
    training, validation = (
        Labelled(
            jnp.asarray(part.features[:most], jnp.float32),
            jnp.asarray(part.labels[:most], jnp.int32),
        )
        for part, most in ((split.training, budget.training), (split.validation, budget.validation))
    )
    network = MLPConfig.small((corpus.features.shape[1],), len(corpus.classes))
    return TabularClassification(
        name, budget.steps, training=training, validation=validation, network=network
    )


def _text(name: TaskName, size: Size, corpus: Corpus, sizes: DecoderConfig) -> Workload:
    training, validation, vocabulary = text_windows(corpus, TEXT[size])
    architecture = replace(sizes, vocabulary=vocabulary)
    return LanguageModelling(
        name,
        TEXT[size].steps,
        training=training,
        validation=validation,
        architecture=architecture,
    )


def text_windows(corpus: Corpus, budget: Budget) -> tuple[jax.Array, jax.Array, int]:
    """Windows to learn from, windows to be scored by, and the number of tokens there are."""
    assert isinstance(corpus, Text)  # noqa: S101 - the catalogue has checked
    split = split_text(corpus, budget.length, _SHARE, _SPLIT_SEED)
    rng = np.random.default_rng(_SPLIT_SEED)
    training, validation = (
        jnp.asarray(rng.permutation(part.tokens)[:most], jnp.int32)
        for part, most in ((split.training, budget.training), (split.validation, budget.validation))
    )
    return training, validation, len(corpus.alphabet)
