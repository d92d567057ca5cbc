"""Tables of classified rows: CSV, scikit-learn's, LCBench."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_wine

from hyperbo_datasets.collect.corpora import load, tabular
from hyperbo_datasets.collect.corpora.values import Rows
from hyperbo_datasets.errors import CorpusError
from hyperbo_datasets.sources import lcbench

CONTENT = 'width,label,"height, mean"\n1.5,tall,2\n-3e2,"short",4\n0,tall,.5\n'


@pytest.mark.parametrize("encode", [bytes, gzip.compress])
def test_reads_what_was_written(tmp_path: Path, encode: Callable[[bytes], bytes]) -> None:
    """Classes are sorted, features keep their order and their names."""
    path = tmp_path / "rows.csv"
    path.write_bytes(encode(CONTENT.encode()))

    rows = tabular.read(path)

    np.testing.assert_array_equal(rows.features, [[1.5, 2.0], [-300.0, 4.0], [0.0, 0.5]])
    assert rows.features.dtype == np.float32
    assert rows.classes == ("short", "tall")
    assert rows.labels.tolist() == [1, 0, 1]
    assert rows.names == ("width", "height, mean")


def test_label_may_be_called_otherwise(tmp_path: Path) -> None:
    """The column of classes is chosen by its name."""
    path = tmp_path / "rows.csv"
    path.write_text("size,is_good\n1,no\n2,yes\n")

    assert tabular.read(path, "is_good").classes == ("no", "yes")


def test_folder_needs_one_file(tmp_path: Path) -> None:
    """A folder with one CSV file is read, one with two is not."""
    (tmp_path / "rows.csv").write_text(CONTENT)
    assert tabular.read(tmp_path).size == 3

    (tmp_path / "more.csv.gz").write_bytes(gzip.compress(CONTENT.encode()))
    with pytest.raises(CorpusError, match="holds 2 CSV files; leave exactly one"):
        tabular.read(tmp_path)


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("", "has no rows"),
        ("a,label\n", "has no rows"),
        ("a,b\n1,2\n", "one of them 'label'"),
        ("a,a,label\n1,2,x\n", "wanted different names"),
        ("label\nx\n", "at least one other"),
        ("a,label\n1,x\n2\n", "Row 3 of .* has 1 fields; wanted 2"),
        ("a,label\n1,x\nred,y\n", "Row 3 of .* holds 'red' in the column 'a'"),
        ("a,label\n,x\n", "holds '' in the column 'a'; .* Fill what is missing"),
        ("a,label\nnan,x\n", "holds 'nan'"),
        ("a,label\n1e39,x\n", "holds '1e39'"),
        ('a,label\n"1,x\n', "Row 2 of .* has 1 fields"),
    ],
)
def test_unusable_file_is_refused(tmp_path: Path, content: str, wanted: str) -> None:
    """The message names row and column."""
    path = tmp_path / "rows.csv"
    path.write_text(content)

    with pytest.raises(CorpusError, match=wanted):
        tabular.read(path)


@pytest.mark.parametrize(
    ("name", "theirs"), [("breast-cancer", load_breast_cancer), ("wine", load_wine)]
)
def test_equals_scikit_learn(name: str, theirs: Callable[[], Any]) -> None:
    """The bundled tables, read without importing their package, are those it loads."""
    rows = load(name)

    assert isinstance(rows, Rows)
    bunch = theirs()
    np.testing.assert_array_equal(rows.features, bunch.data.astype(np.float32))
    np.testing.assert_array_equal(rows.labels, bunch.target)
    assert rows.classes == tuple(bunch.target_names)


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("3,2,bad,good\n1,2,0\n3,4,1\n", "holds 2 rows of 2 features, but speaks of 3 and 2"),
        ("bad\n1,2,0\n", "speaks of bad"),
        ("1,2,bad,good\n1,2,5\n", "Labels go from 5 to 5, but there are 2 classes"),
    ],
)
def test_damage_is_refused(tmp_path: Path, content: str, wanted: str) -> None:
    """Sizes that are not those of the first line show that rows are missing."""
    path = tmp_path / "wine_data.csv"
    path.write_text(content)

    with pytest.raises(CorpusError, match=wanted):
        tabular.read_sklearn(path)


def test_lcbench_asks_whether_the_median_is_beaten() -> None:
    """Each row is a run: its unit configuration, its task, and whether it beats its median."""
    rows = load("lcbench-median")
    table = lcbench.load()

    assert isinstance(rows, Rows)
    assert rows.features.shape == (70_000, 7 + 35)
    accuracy = table.final.set_index("task")["val_accuracy"]
    task = [name.removeprefix("task is ") for name in rows.names[7:]]
    names = np.array(task)[rows.features[:, 7:].argmax(axis=1)]
    medians = accuracy.groupby(level=0, observed=True).median()
    np.testing.assert_array_equal(names, table.final["task"])
    np.testing.assert_array_equal(rows.labels, accuracy.to_numpy() > medians[names].to_numpy())
    assert (rows.features[:, 7:].sum(axis=1) == 1.0).all()
    assert rows.features.min() >= 0.0
    assert rows.features.max() <= 1.0


def test_damaged_lcbench_is_refused(tmp_path: Path) -> None:
    """A broken table is a broken corpus."""
    path = tmp_path / "lcbench.parquet"
    path.write_bytes(b"PAR1")

    with pytest.raises(CorpusError, match="LCBench cannot be read"):
        tabular.read_lcbench(path)
