"""Small tables that the tests of the datasets share."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hyperbo.space import CategoricalParameter, FloatParameter, Log, SearchSpace
from hyperbo_datasets.metric import Metric, Minimise, NegativeLogError
from hyperbo_datasets.schema import TuningTable, make_table

SPACE = SearchSpace(
    (
        FloatParameter("lr", 1e-4, 1.0, Log()),
        CategoricalParameter(
            "optimizer", ("adam", "sgd"), {"sgd": (FloatParameter("momentum", 0.0, 0.99),)}
        ),
    )
)
METRIC = Metric("error", Minimise(), NegativeLogError(epsilon=1e-2))


@pytest.fixture
def frame() -> pd.DataFrame:
    """Two tasks, three configurations; one run diverged."""
    return pd.DataFrame(
        {
            "task": ["a", "a", "a", "b", "b", "b"],
            "config_id": [0, 1, 2, 0, 1, 2],
            "lr": [0.01, 0.1, 1.0] * 2,
            "optimizer": ["adam", "sgd", "sgd"] * 2,
            "momentum": [np.nan, 0.5, 0.9] * 2,
            "error": [0.5, 0.25, np.nan, 0.1, 0.2, 0.3],
            "status": ["completed", "completed", "diverged"] + ["completed"] * 3,
        }
    )


@pytest.fixture
def make() -> Callable[[pd.DataFrame], TuningTable]:
    """Make a table of a frame over the shared space."""
    return lambda frame: make_table("small", SPACE, METRIC, frame)


@pytest.fixture
def table(frame: pd.DataFrame, make: Callable[[pd.DataFrame], TuningTable]) -> TuningTable:
    """The table of the shared frame."""
    return make(frame)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's data folder of the test's own."""
    monkeypatch.setenv("HYPERBO_HOME", str(tmp_path))
    return tmp_path
