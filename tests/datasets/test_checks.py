"""Each wrong thing about a table gets one finding that says where it is and what to do."""

import json
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from hyperbo_datasets.checks import Finding, Severity, check, validate
from hyperbo_datasets.errors import TableError
from hyperbo_datasets.schema import TuningTable

Make = Callable[[pd.DataFrame], TuningTable]


def only(table: TuningTable, severity: Severity) -> Finding:
    """The table's only finding of that severity."""
    (finding,) = [f for f in check(table).findings if f.severity is severity]
    return finding


def test_a_good_table_passes(table: TuningTable) -> None:
    """A diverged run is a row like any other; it is noted, and nothing is wrong."""
    assert validate(table) is table
    assert only(table, Severity.NOTE).code == "not_completed"


def test_an_empty_table_is_refused(frame: pd.DataFrame, make: Make) -> None:
    """No rows, no table."""
    with pytest.raises(TableError, match="empty"):
        validate(make(frame.iloc[:0]))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_completed_runs_need_a_finite_metric(frame: pd.DataFrame, make: Make, value: float) -> None:
    """NaN and infinity are refused with their row, and the remedy is a status."""
    frame.loc[4, "error"] = value
    finding = only(make(frame), Severity.ERROR)

    assert (finding.code, finding.row, finding.count) == ("metric_not_finite", 4, 1)
    assert "'diverged' or 'failed'" in finding.message


def test_values_outside_the_space_are_located(frame: pd.DataFrame, make: Make) -> None:
    """Count, first row and column of the values outside."""
    frame.loc[[2, 5], "lr"] = 7.0
    finding = only(make(frame), Severity.ERROR)

    assert (finding.code, finding.column, finding.row) == ("outside_space", "lr", 2)
    assert finding.count == 2
    assert "7.0 in row 2" in finding.message
    assert "task a, configuration 2" in finding.message


def test_a_missing_parameter_is_outside_the_space(frame: pd.DataFrame, make: Make) -> None:
    """A conditional parameter must be there where its category holds."""
    frame.loc[[1, 4], "momentum"] = np.nan
    finding = only(make(frame), Severity.ERROR)

    assert (finding.code, finding.column, finding.row) == ("outside_space", "momentum", 1)


def test_a_stray_conditional_value_is_outside_the_space(frame: pd.DataFrame, make: Make) -> None:
    """A conditional parameter must not be there where its category does not hold."""
    frame.loc[[0, 3], "momentum"] = 0.5
    finding = only(make(frame), Severity.ERROR)

    assert (finding.code, finding.row) == ("outside_space", 0)
    assert "no value there" in finding.message


def test_unknown_categories_are_outside_the_space(frame: pd.DataFrame, make: Make) -> None:
    """A category the space does not list is refused and shown."""
    frame.loc[[0, 3], "optimizer"] = "lion"
    finding = only(make(frame), Severity.ERROR)

    assert finding.column == "optimizer"
    assert "lion" in finding.message


def test_unknown_statuses_are_refused(frame: pd.DataFrame, make: Make) -> None:
    """A status outside the four is refused with its row."""
    frame.loc[3, "status"] = "weird"
    finding = only(make(frame), Severity.ERROR)

    assert (finding.code, finding.row) == ("unknown_status", 3)


def test_repeated_rows_are_refused(frame: pd.DataFrame, make: Make) -> None:
    """The same task, configuration, seed and step twice is one result counted twice."""
    finding = only(make(pd.concat([frame, frame.iloc[[1]]])), Severity.ERROR)

    assert (finding.code, finding.row, finding.count) == ("repeated_rows", 6, 1)


def test_the_same_configuration_with_two_seeds_is_fine(frame: pd.DataFrame, make: Make) -> None:
    """Repeated runs are told apart by their seed."""
    both = pd.concat([frame.assign(seed=0), frame.assign(seed=1)])

    assert check(make(both)).is_usable


def test_an_id_stands_for_one_configuration(frame: pd.DataFrame, make: Make) -> None:
    """An id whose values differ between tasks would match what is not the same."""
    frame.loc[4, "lr"] = 0.2
    finding = only(make(frame), Severity.ERROR)

    assert (finding.code, finding.row) == ("mixed_configurations", 4)


def test_rounding_does_not_make_another_configuration(frame: pd.DataFrame, make: Make) -> None:
    """Values that differ by less than ten digits tell are one configuration, as when numbered."""
    frame.loc[4, "lr"] *= 1.0 + 1e-13

    assert check(make(frame)).is_usable


def test_values_beyond_the_warp_are_refused(frame: pd.DataFrame, make: Make) -> None:
    """A negative error has no logarithm."""
    frame.loc[0, "error"] = -0.5

    assert only(make(frame), Severity.ERROR).code == "metric_beyond_warp"


def test_a_task_without_results_is_refused(frame: pd.DataFrame, make: Make) -> None:
    """Nothing is known of a task whose every run diverged."""
    frame.loc[frame["task"] == "a", "status"] = "diverged"
    finding = only(make(frame), Severity.ERROR)

    assert finding.code == "task_without_result"
    assert "Tasks a " in finding.message


def test_constant_and_one_point_tasks_are_warned_of(frame: pd.DataFrame, make: Make) -> None:
    """They can be used, so they are warnings, and the table stays usable."""
    frame.loc[frame["task"] == "b", "error"] = 0.5
    report = check(make(frame.drop(index=1)))

    assert report.is_usable
    warnings = [f.code for f in report.findings if f.severity is Severity.WARNING]
    assert warnings == ["one_point_task", "constant_task"]


def test_every_error_is_told_at_once(frame: pd.DataFrame, make: Make) -> None:
    """Somebody who repairs a table learns of all errors in one go."""
    frame.loc[[0, 3], "lr"] = 7.0
    frame.loc[4, "error"] = np.nan

    with pytest.raises(TableError, match=r"outside the search space.*not a finite number"):
        validate(make(frame))


def test_a_report_is_json(frame: pd.DataFrame, make: Make) -> None:
    """A script can read the report; the errors come first."""
    frame.loc[4, "error"] = np.nan
    document = json.loads(json.dumps(check(make(frame)).to_dict()))

    assert document["is_usable"] is False
    assert [f["severity"] for f in document["findings"]] == ["error", "note"]
    assert document["findings"][0]["row"] == 4
