"""Paired comparisons against hand-computed cases and scipy."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hyperbo.benchmark import compare, task_curves
from hyperbo.errors import StudyError


def test_wins_ties_and_losses_by_task(study_of: Callable[..., pd.DataFrame]) -> None:
    """Two seeds of a task are one task: the win on c is decided by their mean."""
    study = study_of(
        {
            "new": {"a": [[0.1]], "b": [[0.5]], "c": [[0.0], [0.5]], "d": [[0.9]]},
            "old": {"a": [[0.2]], "b": [[0.5]], "c": [[0.3], [0.3]], "d": [[0.1]]},
        }
    )

    row = compare(study, "new", ["old"], [1]).iloc[0]

    assert row[["wins", "ties", "losses", "tasks"]].tolist() == [2, 1, 1, 4]
    assert row["difference"] == pytest.approx((-0.1 + 0.0 - 0.05 + 0.8) / 4.0)
    assert row["method_regret"] - row["baseline_regret"] == pytest.approx(row["difference"])


def test_interval_is_the_paired_t_test(study: pd.DataFrame) -> None:
    """The interval is scipy's for related samples, tasks being the pairs."""
    curves = task_curves(study)
    expected = stats.ttest_rel(
        curves.of("good")[:, 4], curves.of("fair")[:, 4]
    ).confidence_interval(0.95)

    row = compare(study, "good", ["fair"], [5]).iloc[0]

    np.testing.assert_allclose(row[["lower", "upper"]].astype(float), expected)


def test_every_baseline_at_every_budget(study: pd.DataFrame) -> None:
    """The table has a row for each pair, in the order they were asked for."""
    table = compare(study, "good", ["poor", "fair"], [1, 10, 99])

    assert list(zip(table["baseline"], table["trial"], strict=True)) == [
        ("poor", 1), ("poor", 10), ("fair", 1), ("fair", 10),
    ]  # fmt: skip
    assert (table["upper"] < 0.0).all()


def test_refuses_to_compare_with_nothing(study: pd.DataFrame) -> None:
    """A comparison without baselines, or with an unknown one, is an error."""
    with pytest.raises(StudyError, match="at least one baseline"):
        compare(study, "good", [])
    with pytest.raises(StudyError, match="'unknown' is not in the study"):
        compare(study, "good", ["unknown"])
