"""Studies with known regrets, so that scores can be worked out by hand."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
import pytest

from hyperbo.benchmark import COLUMNS

Regrets = Mapping[str, Mapping[str, Sequence[Sequence[float]]]]


def _study(regrets: Regrets, setting: str = "new points") -> pd.DataFrame:
    tables = []
    for method, problems in regrets.items():
        for problem, runs in problems.items():
            for seed, run in enumerate(runs):
                native = 1.0 - np.asarray(run)
                table = pd.DataFrame(
                    {
                        "study": "study",
                        "setting": setting,
                        "problem": problem,
                        "method": method,
                        "fold": 0,
                        "seed": seed,
                        "trial": np.arange(1, len(run) + 1),
                        "config": np.arange(len(run)),
                        "point": [[0.5]] * len(run),
                        "value": native,
                        "native": native,
                        "best_so_far": np.maximum.accumulate(native),
                        "seconds": 0.01,
                        "optimum": 1.0,
                        "regret_scale": 1.0,
                    }
                )
                tables.append(table[list(COLUMNS)])
    return pd.concat(tables, ignore_index=True)


@pytest.fixture
def study_of() -> Callable[..., pd.DataFrame]:
    """Build evaluations from the regret of each trial: method -> problem -> runs -> trials."""
    return _study


@pytest.fixture
def study() -> pd.DataFrame:
    """Three methods on six tasks with two seeds and ten trials; `good` beats `fair` and `poor`."""
    generator = np.random.default_rng(0)
    regrets = {
        method: {
            f"task {number}": [
                (level * np.exp(-speed * np.arange(10)) * generator.uniform(0.7, 1.3, 10)).tolist()
                for _ in range(2)
            ]
            for number in range(6)
        }
        for method, level, speed in (("good", 0.3, 0.6), ("fair", 0.9, 0.4), ("poor", 1.0, 0.05))
    }
    return _study(regrets)
