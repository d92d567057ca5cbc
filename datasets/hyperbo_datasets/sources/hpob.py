"""HPO-B: tuning results from OpenML, 16 search spaces, in the JSON layout of its release.

Pineda Arango, Jomaa, Wistuba and Grabocka (2021), "HPO-B: A Large-Scale Reproducible Benchmark for
Black-Box HPO based on OpenML", NeurIPS Datasets and Benchmarks. The release's folder holds
`meta-train-dataset.json`, `meta-validation-dataset.json` and `meta-test-dataset.json`, each
`{search space: {data set: {"X": [[...], ...], "y": [[...], ...]}}}`.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hyperbo.space import FloatParameter, SearchSpace
from hyperbo_datasets.checks import validate
from hyperbo_datasets.errors import SourceError
from hyperbo_datasets.metric import Maximise, Metric, NegativeLogError
from hyperbo_datasets.schema import (
    CONFIG_ID,
    SEED,
    TASK,
    Provenance,
    TuningTable,
    make_table,
    number_configurations,
    number_repeats,
)
from hyperbo_datasets.sources.reading import read_json

# Accuracies are fractions, and some data sets are solved perfectly.
METRIC = Metric("accuracy", Maximise(), NegativeLogError(epsilon=1e-3))

PROVENANCE = Provenance(
    source="HPO-B; Pineda Arango et al. (2021), NeurIPS Datasets and Benchmarks",
    licence="see the release",
    notes="Hyperparameters as released: encoded and scaled to [0, 1], without their names.",
)


class Split(StrEnum):
    """A part of the benchmark; data sets of the test split are for evaluation only."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


ALL_SPLITS = tuple(Split)


def search_spaces(path: Path) -> tuple[str, ...]:
    """Ids of the search spaces in a folder of the release, or in one of its files.

    Raises:
        SourceError: If there is no such file, or it is not in the layout.
    """
    found = {space for _, document in _documents(path, ALL_SPLITS) for space in document}
    return tuple(sorted(found))


def data_sets(path: Path, search_space: str, split: Split) -> tuple[str, ...]:
    """The tasks that a split of a search space holds, to keep test tasks out of training.

    Raises:
        SourceError: If there is no such file, or it is not in the layout.
    """
    return tuple(
        name
        for _, document in _documents(path, (split,))
        for name in document.get(search_space, {})
    )


def load(
    path: Path, search_space: str, *, splits: Sequence[Split] = ALL_SPLITS, name: str | None = None
) -> TuningTable:
    """One search space of HPO-B as a table.

    A task is an OpenML data set. Parameters are called `x0`, `x1`, ... and lie in [0, 1]: the
    release holds them encoded, indicator columns for categories and missing values included.
    Equal points have equal configuration ids; a point that a data set holds twice is two seeds.

    Args:
        path: The folder of the release, or one of its files.
        search_space: The id, such as `"5971"`.
        splits: Which parts to read.
        name: The table's name; default `hpob-<search space>`.

    Raises:
        SourceError: If there is no such file or search space, or it is not in the layout.
        TableError: If the numbers contradict the space or the metric.
    """
    frames = [
        _frame(f"{file}: search space {search_space}, data set {task}", task, content)
        for file, document in _documents(path, splits)
        for task, content in document.get(search_space, {}).items()
    ]
    if not frames:
        raise SourceError(
            f"{path} has no search space {search_space!r}; it has {list(search_spaces(path))}."
        )
    frame = pd.concat(frames, ignore_index=True)
    names = [column for column in frame.columns if column not in (TASK, METRIC.name)]
    if frame[names].isna().any(axis=None):
        raise SourceError(
            f"The points of search space {search_space} in {path} differ in length, so the files "
            "do not belong together, or are damaged."
        )
    space = SearchSpace(tuple(FloatParameter(each, 0.0, 1.0) for each in names))
    frame[CONFIG_ID] = number_configurations(frame, names)
    frame[SEED] = number_repeats(frame, [TASK, CONFIG_ID])
    return validate(make_table(name or f"hpob-{search_space}", space, METRIC, frame, PROVENANCE))


def _documents(path: Path, splits: Sequence[Split]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and content of the files of the splits that exist."""
    if path.is_dir():
        names = [f"meta-{split.value}-dataset.json" for split in splits]
        paths = [path / name for name in names if (path / name).exists()]
        if not paths:
            raise SourceError(f"{path} holds none of HPO-B's files {names}.")
    else:
        paths = [path]
    for each in paths:
        document = read_json(each)
        if not isinstance(document, dict) or not all(
            isinstance(v, dict) for v in document.values()
        ):
            raise SourceError(
                f"{each} is not in HPO-B's layout {{search space: {{data set: {{X, y}}}}}}."
            )
        yield each.name, document


def _frame(where: str, task: str, content: Mapping[str, Any]) -> pd.DataFrame:
    """One data set's points and accuracies."""
    try:
        points = np.asarray(content["X"], dtype=np.float64)
        values = np.asarray(content["y"], dtype=np.float64).reshape(-1)
    except (KeyError, TypeError, ValueError) as error:
        raise SourceError(f"{where}: X or y is not an array of numbers: {error!r}.") from None
    if points.ndim != 2 or len(points) != len(values):
        raise SourceError(
            f"{where}: X has shape {points.shape} and y {values.shape}; wanted (N, D) and (N, 1)."
        )
    columns = {f"x{index}": points[:, index] for index in range(points.shape[1])}
    return pd.DataFrame({TASK: task, **columns, METRIC.name: values})
