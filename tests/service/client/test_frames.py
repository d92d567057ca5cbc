"""A study as a table."""

import sys

import pytest

from hyperbo.errors import MissingExtraError
from hyperbo_service.client import Study
from tests.service.client.support import POINTS


def test_a_row_for_each_trial(study: Study) -> None:
    """Parameters, values and the rest stand in columns, trials in rows by number."""
    with study.ask() as trial:
        trial.report(0.5, stderr=0.1)
    study.ask().fail("no disk")
    table = study.to_pandas()

    assert list(table.index) == [1, 2]
    assert list(table["state"]) == ["completed", "failed"]
    assert list(table["parameters.layers"]) == [POINTS[0]["layers"], POINTS[1]["layers"]]
    assert table.loc[1, "values.accuracy"] == 0.5
    assert table.loc[1, "stderrs.accuracy"] == 0.1
    assert table.loc[2, "reason"] == "no disk"


def test_a_row_for_each_measurement(study: Study) -> None:
    """Learning curves stand in rows by number and step."""
    with study.ask() as trial:
        trial.report(0.5, step=2, elapsed=1.0)
        trial.report(0.6, step=4)
    table = study.to_pandas(measurements=True)

    assert list(table.index) == [(1, 2), (1, 4)]
    assert list(table["values.accuracy"]) == [0.5, 0.6]


@pytest.mark.parametrize("measurements", [True, False])
def test_empty(study: Study, measurements: bool) -> None:  # noqa: FBT001 - a table's column
    """A study without trials is an empty table."""
    assert len(study.to_pandas(measurements=measurements)) == 0


def test_without_pandas(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where pandas is missing, the error says how to install it."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.delitem(sys.modules, "hyperbo_service.client.frames", raising=False)
    with pytest.raises(MissingExtraError, match="pip install pandas"):
        study.to_pandas()
