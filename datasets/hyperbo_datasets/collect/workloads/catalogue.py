"""Every architecture by name, and the workload that a task's name stands for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache

from hyperbo_datasets.collect import corpora
from hyperbo_datasets.collect.corpora import Corpus, Images, Rows, Sequences, Text
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.collect.workloads import recipes
from hyperbo_datasets.collect.workloads.base import Workload
from hyperbo_datasets.collect.workloads.size import Size
from hyperbo_datasets.errors import CollectError

Build = Callable[[TaskName, Size, Corpus], Workload]


@dataclass(frozen=True)
class Architecture:
    """Something that learns, whatever corpus of its kind it is given.

    Attributes:
        summary: What it is, in a line.
        kinds: The kinds of corpora it learns from.
        build: Makes its workload.
        sizes: The sizes it is there in.
    """

    summary: str
    kinds: tuple[type[Corpus], ...]
    build: Build
    sizes: tuple[Size, ...] = tuple(Size)


ARCHITECTURES: Mapping[str, Architecture] = {
    "mlp": Architecture("multilayer perceptron", (Images, Rows), recipes.mlp),
    "simple-cnn": Architecture("convolutions with strides", (Images,), recipes.simple_cnn),
    "max-pooling-cnn": Architecture(
        "convolutions with max pooling", (Images,), recipes.max_pooling_cnn
    ),
    "wide-resnet": Architecture("wide residual network", (Images,), recipes.wide_resnet),
    "gemma": Architecture("Gemma decoder", (Text,), recipes.gemma),
    "gemma2": Architecture("Gemma 2 decoder", (Text,), recipes.gemma2),
    "griffin": Architecture("RecurrentGemma (Griffin) decoder", (Text,), recipes.griffin),
    "gemma-distilled": Architecture(
        "Gemma decoder that learns a larger one's distribution",
        (Text,),
        recipes.gemma_distilled,
        sizes=(Size.SMALL,),  # no teacher of the published size can be trained on the way
    ),
    "treatment-policy": Architecture(
        "treatment-effect model with a continuous policy, on a simulated trial",
        (Rows,),
        recipes.treatment,
    ),
    "protein-transformer": Architecture(
        "transformer that tells hidden amino acids", (Sequences,), recipes.protein_transformer
    ),
}
"""Everything that learns, by the middle part of a task's name."""

DEFAULT_TASKS: tuple[TaskName, ...] = tuple(
    TaskName(corpus, architecture, batch_size)
    for corpus, architectures, batch_sizes in (
        ("fashion-mnist", ("mlp",), (32, 128)),
        ("fashion-mnist", ("simple-cnn", "max-pooling-cnn"), (16, 64)),
        ("fashion-mnist", ("wide-resnet",), (8, 32)),
        ("mnist-5k", ("mlp",), (32, 128)),
        ("mnist-5k", ("simple-cnn",), (16, 64)),
        ("kjv", ("gemma", "gemma2", "griffin", "gemma-distilled"), (8, 16)),
        ("python-source", ("gemma", "gemma2", "griffin"), (8, 16)),
        ("uniprot", ("protein-transformer",), (8, 16)),
        ("lcbench-median", ("mlp", "treatment-policy"), (64, 256)),
    )
    for architecture in architectures
    for batch_size in batch_sizes
)
"""The tasks of the shipped table."""


def build(name: TaskName, size: Size) -> Workload:
    """The workload of a task.

    Raises:
        CollectError: If there is no such architecture, not in that size, or it does not learn from
            such a corpus.
        CorpusError: If the corpus is unknown, missing or damaged, or too small.
    """
    check(name, size)
    return architecture_of(name).build(name, size, _corpus(name.corpus))


def check(name: TaskName, size: Size) -> None:
    """Refuse a task that there cannot be, before anything is built.

    Raises:
        CollectError: If there is no such architecture, not in that size, or it does not learn from
            such a corpus.
        CorpusError: If the corpus is unknown, missing or damaged.
    """
    architecture = architecture_of(name)
    if size not in architecture.sizes:
        raise CollectError(
            f"{name.architecture} is not there in the size {size.value}, only in "
            f"{', '.join(architecture.sizes)}. Leave {name} out, or choose that size."
        )
    corpus = _corpus(name.corpus)
    if not isinstance(corpus, architecture.kinds):
        able = [key for key, each in ARCHITECTURES.items() if isinstance(corpus, each.kinds)]
        raise CollectError(
            f"{name.architecture} does not learn from {name.corpus}, which is "
            f"{type(corpus).__name__.lower()}; these do: {', '.join(able)}."
        )


def architecture_of(name: TaskName) -> Architecture:
    """What learns in a task.

    Raises:
        CollectError: If there is nothing of that name; the message lists what there is.
    """
    found = ARCHITECTURES.get(name.architecture)
    if found is None:
        close = get_close_matches(name.architecture, ARCHITECTURES, n=1)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        raise CollectError(
            f"There is no architecture {name.architecture!r}. {hint}"
            f"Known: {', '.join(ARCHITECTURES)}."
        )
    return found


@cache
def corpus_digest(name: str) -> str:
    """SHA-256 of a corpus's content, so that results of other data are never mixed in."""
    return corpora.digest(_corpus(name))


@cache
def _corpus(name: str) -> Corpus:
    return corpora.load(name)
