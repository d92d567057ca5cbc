"""The bundled LCBench is the published one: sizes, ranges, matching."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hyperbo_datasets.checks import check
from hyperbo_datasets.errors import SourceError, TableError
from hyperbo_datasets.schema import TuningTable
from hyperbo_datasets.sources import lcbench
from hyperbo_datasets.to_tasks import to_pools


@pytest.fixture(scope="module")
def bundled() -> TuningTable:
    """The bundled table."""
    return lcbench.load()


def test_sizes_are_the_published_ones(bundled: TuningTable) -> None:
    """35 tasks x 2,000 configurations, none lost, nothing to complain of."""
    assert len(bundled.tasks) == 35
    assert len(bundled.frame) == 70_000
    assert (bundled.frame.groupby("task", observed=True)["config_id"].nunique() == 2_000).all()
    assert check(bundled).findings == ()


def test_every_task_has_the_same_points(bundled: TuningTable) -> None:
    """Matched: the inputs of all tasks are equal, row by row."""
    pools = to_pools(bundled)

    for pool in pools[1:]:
        np.testing.assert_array_equal(pool.inputs, pools[0].inputs)
        np.testing.assert_array_equal(pool.config_ids, np.arange(2_000))


def test_log_parameters_are_uniform_in_the_unit_cube(bundled: TuningTable) -> None:
    """LCBench drew the log-scaled parameters log-uniformly: their unit means are one half.

    Four standard errors of a uniform mean over 2,000 points are 0.026; batch size and units are
    integers on a log scale, whose bins shift the mean by less than 0.01.
    """
    (pool,) = to_pools(bundled, task_names=["adult"])
    log_scaled = [
        bundled.space.names.index(n) for n in ("batch_size", "learning_rate", "max_units")
    ]

    np.testing.assert_allclose(pool.inputs[:, log_scaled].mean(axis=0), 0.5, atol=0.036)


def test_values_are_warped_accuracies(bundled: TuningTable) -> None:
    """The best configuration by accuracy is the best by warped value, and its error comes back."""
    for pool in to_pools(bundled):
        best = int(np.argmax(pool.values))
        assert pool.native[best] == pool.native.max()
        error = np.exp(-pool.values[best]) - 1e-3
        np.testing.assert_allclose(100.0 * (1.0 - error), pool.native[best], rtol=1e-12)


def test_loading_from_a_path_is_loading_the_bundled_one(
    bundled: TuningTable, tmp_path: Path
) -> None:
    """Any parquet file in the same columns will do."""
    columns = ["task", "config_id", *bundled.space.names, "val_accuracy"]
    bundled.frame[columns].to_parquet(tmp_path / "copy.parquet")

    assert lcbench.load(tmp_path / "copy.parquet").frame.equals(bundled.frame)


def test_a_truncated_file_is_a_source_error(tmp_path: Path) -> None:
    """A parquet file cut short cannot be read, and the message says so."""
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 and then nothing")

    with pytest.raises(SourceError, match="truncated"):
        lcbench.load(tmp_path / "cut.parquet")


def test_another_table_is_refused(tmp_path: Path) -> None:
    """A file in other columns is refused by name of what is missing."""
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")

    with pytest.raises(TableError, match="lacks the columns"):
        lcbench.load(tmp_path / "other.parquet")
