"""Scores against small cases worked out by hand."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperbo.benchmark import (
    PoolProblem,
    Run,
    StudentT,
    normalised_regret,
    performance_profile,
    record_pool_run,
    run_curves,
    speedup_table,
    summary_table,
    task_curves,
    timing_table,
    trials_to_target,
)
from hyperbo.errors import StudyError

StudyOf = Callable[..., pd.DataFrame]


@given(native=st.lists(st.floats(-100.0, 100.0), min_size=1, max_size=20), data=st.data())
def test_regret_of_the_best_is_zero_and_of_a_median_configuration_one(
    native: list[float], data: st.DataObject
) -> None:
    """Whatever the pool, regret falls to 0 with its best; unless half is best, the median has 1."""
    values = np.array(sorted(native))
    problem = PoolProblem("task", np.zeros((values.size, 1)), values, values)
    first = data.draw(st.integers(0, values.size - 1))
    rows = np.array([first, values.size - 1])

    regret = normalised_regret(
        record_pool_run(Run("s", "s", "m", 0), problem, rows, np.zeros(2))
    ).to_numpy()

    assert regret[1] == 0.0
    assert regret[0] >= 0.0
    if problem.optimum - problem.median > 1e-6:
        expected = (problem.optimum - values[first]) / (problem.optimum - problem.median)
        assert regret[0] == pytest.approx(expected)


def test_runs_are_averaged_within_their_task_first(study_of: StudyOf) -> None:
    """A task with three runs weighs as much as one with a single run."""
    study = study_of({"m": {"a": [[0.0], [0.0], [0.0]], "b": [[1.0]]}})

    summary = summary_table(study, [1])

    assert summary["mean"].tolist() == [0.5]
    assert summary["tasks"].tolist() == [2]


def test_curves_come_in_the_order_of_final_regret(study: pd.DataFrame) -> None:
    """The best method is first, and each method's curves are its own."""
    curves = task_curves(study)

    assert curves.methods == ("good", "fair", "poor")
    by_hand = study[(study["method"] == "fair") & (study["problem"] == "task 3")]
    expected = (1.0 - by_hand["best_so_far"]).groupby(by_hand["trial"]).mean()
    np.testing.assert_allclose(curves.of("fair")[3], expected)


def test_curves_never_rise(study: pd.DataFrame) -> None:
    """The best so far is never lost again."""
    assert (np.diff(run_curves(study).to_numpy(), axis=1) <= 0.0).all()


def test_spread_between_seeds_is_of_the_mean_over_tasks(study_of: StudyOf) -> None:
    """Seed means 0.2 and 0.6 have standard deviation 0.2 sqrt 2."""
    study = study_of({"m": {"a": [[0.1], [0.5]], "b": [[0.3], [0.7]]}})

    summary = summary_table(study, [1])

    assert summary["between_seeds"].iloc[0] == pytest.approx(0.2 * np.sqrt(2.0))


def test_summary_takes_its_interval_over_tasks(study_of: StudyOf) -> None:
    """With two tasks at 0.2 and 0.4, Student's t with one degree of freedom gives the ends."""
    study = study_of({"m": {"a": [[0.1], [0.3]], "b": [[0.4], [0.4]]}})

    row = summary_table(study, [1], StudentT()).iloc[0]

    reach = 12.706204736432095 * 0.1
    assert (row["lower"], row["upper"]) == pytest.approx((0.3 - reach, 0.3 + reach))


def test_summary_ends_with_the_last_trial(study: pd.DataFrame) -> None:
    """Runs of seven trials are shown after one, five and seven."""
    short = study[study["trial"] <= 7]

    assert sorted(set(summary_table(short)["trial"])) == [1, 5, 7]


def test_summary_leaves_out_budgets_beyond_the_runs(study: pd.DataFrame) -> None:
    """Ten trials have no score after twenty; a table without any budget is an error."""
    assert sorted(set(summary_table(study, [1, 5, 20])["trial"])) == [1, 5]
    with pytest.raises(StudyError, match="within the 10 trials"):
        summary_table(study, [20])


def test_profile_counts_tasks_not_runs(study_of: StudyOf) -> None:
    """One of two runs solves task a, the single run of task b does: three quarters, not 2/3."""
    study = study_of({"m": {"a": [[1.0, 0.05], [1.0, 0.2]], "b": [[0.04, 0.0]]}})

    profile = performance_profile(study, [0.05])

    assert profile["fraction"].tolist() == [0.5, 0.75]


def test_profiles_never_fall(study: pd.DataFrame) -> None:
    """A solved task stays solved, and what solves 0.001 solves 0.05."""
    profile = performance_profile(study, [0.05, 0.001]).set_index(["method", "solved_at", "trial"])
    curves = profile["fraction"].unstack("trial")  # noqa: PD010 - one value a cell

    assert (curves.diff(axis=1).iloc[:, 1:] >= 0.0).all(axis=None)
    for method in curves.index.unique("method"):
        assert (curves.loc[(method, 0.05)] >= curves.loc[(method, 0.001)]).all()


def test_trials_to_the_references_target(study_of: StudyOf) -> None:
    """Reached early, reached late and never: hand-counted, the last one censored."""
    study = study_of(
        {
            "gp": {"a": [[0.9, 0.5, 0.2, 0.2]], "b": [[0.9, 0.8, 0.3, 0.1]], "c": [[0.5] * 4]},
            "new": {"a": [[0.2, 0.2, 0.2, 0.2]], "b": [[0.9, 0.2, 0.2, 0.2]], "c": [[0.1] * 4]},
        }
    )

    table = trials_to_target(study, "gp").set_index(["method", "problem"])

    assert table.loc["gp", "trials"].tolist() == [3, 4, 1]
    assert table.loc["new", "trials"].tolist() == [1, 5, 1]
    assert table.loc["new", "is_reached"].tolist() == [True, False, True]
    assert table.loc["new", "speedup"].tolist() == [3.0, 0.8, 1.0]
    assert table.loc["gp", "speedup"].tolist() == [1.0, 1.0, 1.0]


def test_speedup_is_the_median_over_tasks(study_of: StudyOf) -> None:
    """Speed-ups 4, 2 and 1 have median 2, and the table counts what was reached."""
    slow = [[0.9, 0.8, 0.7, 0.1]]
    study = study_of(
        {
            "gp": {"a": slow, "b": slow, "c": slow},
            "new": {"a": [[0.1] * 4], "b": [[0.9, 0.1, 0.1, 0.1]], "c": [[0.9, 0.9, 0.9, 0.0]]},
        }
    )

    table = speedup_table(trials_to_target(study, "gp")).set_index("method")

    assert table.loc["new", ["speedup", "trials", "reached"]].tolist() == [2.0, 2.0, 3]


def test_target_at_a_smaller_budget(study_of: StudyOf) -> None:
    """With two trials the target is the regret after two, and the censored count three."""
    study = study_of({"gp": {"a": [[0.9, 0.5, 0.1]]}, "new": {"a": [[0.9, 0.6, 0.0]]}})

    table = trials_to_target(study, "gp", 2).set_index("method")

    assert table.loc["new", ["target", "trials", "is_reached"]].tolist() == [0.5, 3, False]


def test_time_is_summed_up_by_method(study: pd.DataFrame) -> None:
    """The median, the 95th percentile and the largest are over all suggestions of a method."""
    study = study.assign(seconds=study["trial"].astype(float))

    row = timing_table(study).iloc[0]

    assert (row["median"], row["upper"], row["largest"]) == (5.5, 10.0, 10.0)


def test_refuses_methods_on_different_tasks(study: pd.DataFrame) -> None:
    """A mean over fewer tasks is not comparable, so the gap is named instead."""
    partial = study[~((study["method"] == "good") & (study["problem"] == "task 2"))]

    with pytest.raises(StudyError, match=r"'good' has no runs on \['task 2'\]"):
        task_curves(partial)


def test_refuses_runs_of_different_length(study: pd.DataFrame) -> None:
    """A run that was cut short would drop out of later means in silence."""
    short = study[~((study["problem"] == "task 2") & (study["trial"] > 7))]

    with pytest.raises(StudyError, match="differ in length"):
        summary_table(short)


def test_refuses_an_unknown_reference(study: pd.DataFrame) -> None:
    """A misspelt method is named, with those there are."""
    with pytest.raises(StudyError, match=r"'goood' is not in the study.*'good'"):
        trials_to_target(study, "goood")
