"""Tables whose rows are classified: CSV files, scikit-learn's bundled ones, and LCBench."""

import csv
from pathlib import Path

import numpy as np
from jaxtyping import Float

from hyperbo_datasets.collect.corpora.reading import files_at, read_text
from hyperbo_datasets.collect.corpora.values import Rows
from hyperbo_datasets.errors import CorpusError, SourceError, TableError
from hyperbo_datasets.schema import TASK
from hyperbo_datasets.sources import lcbench

LABEL = "label"
SUFFIXES = (".csv",)

_LARGEST = float(np.finfo(np.float32).max)


def read(path: Path, label: str = LABEL) -> Rows:
    """A CSV file with a header, gzipped or not: one column of labels, all others numbers.

    Args:
        path: The file, or the folder of which it is the only one.
        label: The column of labels; any text, the classes being sorted.

    Raises:
        CorpusError: If the file is not so; the message names line and column.
    """
    path = _only_file(path)
    header, *lines = _lines(path)
    if label not in header or len(set(header)) != len(header) or len(header) < 2:
        raise CorpusError(
            f"{path} has the columns {', '.join(header)}; wanted different names, one of them "
            f"{label!r} for the classes, and at least one other."
        )
    at = header.index(label)
    names = tuple(name for name in header if name != label)
    features = _features(path, names, [line[:at] + line[at + 1 :] for line in lines])
    return _labelled(features, [line[at] for line in lines], names)


def read_sklearn(path: Path) -> Rows:
    """A file of scikit-learn's: sizes and the classes' names in its first line, labels last.

    Raises:
        CorpusError: If the file is missing, cut off, or not so.
    """
    header, *lines = _lines(path, is_even=False)
    width = len(lines[0]) - 1
    if header[:2] != [str(len(lines)), str(width)]:
        raise CorpusError(
            f"{path} holds {len(lines)} rows of {width} features, but speaks of "
            f"{' and '.join(header[:2])}; it was cut off. Install scikit-learn again."
        )
    names = tuple(f"feature_{column}" for column in range(width))
    table = _features(path, (*names, LABEL), lines)
    return Rows(table[:, :-1], table[:, -1].astype(np.int32), tuple(header[2:]), names)


def read_lcbench(path: Path) -> Rows:
    """LCBench's runs: does a configuration beat the median of its task?

    The features are the configuration in the unit cube and the task, one-hot. Beating means a
    larger final validation accuracy, so just under half of the labels are 1.

    Raises:
        CorpusError: If the table cannot be read.
    """
    try:
        table = lcbench.load(path)
    except (SourceError, TableError) as error:
        raise CorpusError(f"LCBench cannot be read: {error}") from None
    final, tasks, space = table.final, table.tasks, table.space
    inputs = space.encode_columns({name: final[name].to_numpy() for name in space.names})
    accuracy = table.metric.maximised(final[table.metric.name].to_numpy())
    one_hot = final[TASK].to_numpy()[:, None] == np.array(tasks, dtype=object)
    medians = np.array([np.median(accuracy[of_task]) for of_task in one_hot.T])
    return Rows(
        np.concatenate([inputs, one_hot], axis=1).astype(np.float32),
        (accuracy > one_hot @ medians).astype(np.int32),
        ("at or below the median", "above the median"),
        (*space.names, *(f"task is {name}" for name in tasks)),
    )


def _only_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    paths = files_at(path, SUFFIXES)
    if len(paths) != 1:
        raise CorpusError(f"{path} holds {len(paths)} CSV files; leave exactly one.")
    return paths[0]


def _lines(path: Path, *, is_even: bool = True) -> list[list[str]]:
    """The header's fields and those of each row; blank lines are skipped."""
    try:
        lines = [line for line in csv.reader(read_text(path).splitlines()) if line]
    except csv.Error as error:
        raise CorpusError(f"{path} is not CSV: {error}.") from None
    if len(lines) < 2:
        raise CorpusError(f"{path} has no rows; wanted a header and rows below it.")
    width = len(lines[0] if is_even else lines[1])
    for number, line in enumerate(lines[1:], start=2):
        if len(line) != width:
            raise CorpusError(
                f"Row {number} of {path} has {len(line)} fields; wanted {width}. It may have been "
                "cut off."
            )
    return lines


def _features(
    path: Path, names: tuple[str, ...], lines: list[list[str]]
) -> Float[np.ndarray, "N D"]:
    """The fields as numbers."""
    features = np.empty((len(lines), len(names)), np.float32)
    for row, line in enumerate(lines):
        for column, field in enumerate(line):
            value = _number(field)
            if not abs(value) <= _LARGEST:
                raise CorpusError(
                    f"Row {row + 2} of {path} holds {field[:40]!r} in the column "
                    f"{names[column]!r}; wanted a number. Fill what is missing, and give each "
                    "category a column of its own."
                )
            features[row, column] = value
    return features


def _number(field: str) -> float:
    """The number that a field spells; NaN if none."""
    try:
        return float(field)
    except ValueError:
        return float("nan")


def _labelled(features: np.ndarray, labels: list[str], names: tuple[str, ...]) -> Rows:
    classes, places = np.unique(labels, return_inverse=True)
    return Rows(features, places.astype(np.int32), tuple(map(str, classes)), names)
