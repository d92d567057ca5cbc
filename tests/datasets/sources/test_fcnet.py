"""FCNet's columns, on rows of the published grid as single-precision files hold them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hyperbo.space import sample_uniform
from hyperbo_datasets.errors import TableError
from hyperbo_datasets.sources import fcnet
from hyperbo_datasets.to_tasks import to_pools


@pytest.fixture
def frame() -> pd.DataFrame:
    """Twenty configurations of the grid for two tasks, in narrow types."""
    rng = np.random.default_rng(0)
    units = sample_uniform(fcnet.SPACE, 20, rng)
    configs = pd.DataFrame(fcnet.SPACE.decode(units))
    configs = configs.astype({"init_lr": "float32", "dropout_1": "float32", "dropout_2": "float32"})
    configs.insert(0, "config_id", range(20))
    frame = pd.concat([configs.assign(task=task) for task in ("protein", "naval")])
    losses = rng.lognormal(0.0, 2.0, len(frame))
    return frame.assign(val_loss=losses, train_time=rng.uniform(8.0, 900.0, len(frame)))


def test_single_precision_grids_are_recognised(frame: pd.DataFrame, tmp_path: Path) -> None:
    """float32 dropout 0.3 is the listed 0.3; losses are minimised; times become costs."""
    frame.to_parquet(tmp_path / "fcnet.parquet")
    table = fcnet.load(tmp_path / "fcnet.parquet")
    pools = to_pools(table)

    assert set(table.frame["dropout_1"]) <= {0.0, 0.3, 0.6}
    np.testing.assert_allclose(pools[0].native, -frame["val_loss"].to_numpy()[:20])
    np.testing.assert_allclose(pools[0].values, -np.log(frame["val_loss"].to_numpy()[:20] + 1e-6))
    np.testing.assert_allclose(table.frame["cost"], frame["train_time"])


def test_values_between_the_grid_are_refused(frame: pd.DataFrame, tmp_path: Path) -> None:
    """A dropout of 0.2 is not in the published grid."""
    frame.assign(dropout_1=0.2).to_parquet(tmp_path / "fcnet.parquet")

    with pytest.raises(TableError, match="'dropout_1' lie outside"):
        fcnet.load(tmp_path / "fcnet.parquet")
