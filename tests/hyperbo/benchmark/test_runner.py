"""Jobs of offline studies: one for each method, fold and seed, each tuning its held-out tasks."""

import numpy as np
import pytest

from hyperbo.benchmark.evaluations import Run
from hyperbo.benchmark.functions import branin
from hyperbo.benchmark.methods import PortfolioRecipe, RandomSearch, Untrained
from hyperbo.benchmark.problems import PoolProblem
from hyperbo.benchmark.runner import (
    Fold,
    function_jobs,
    pool_jobs,
    run_fold,
    run_on_function,
    split_names,
)
from hyperbo.errors import StudyError
from hyperbo.jobs import Finished, attempt
from hyperbo.tasks import Task

INPUTS = np.random.default_rng(0).random((9, 2))
VALUES = INPUTS[:, 0]
TRAINING = tuple(Task(name, INPUTS, VALUES) for name in ("a", "b"))
PROBLEMS = tuple(
    PoolProblem(name, INPUTS, VALUES, 100.0 * VALUES) for name in ("held out 1", "held out 2")
)
FOLD = Fold(3, TRAINING, PROBLEMS)
RECIPES = [PortfolioRecipe(), Untrained(RandomSearch())]


def test_names_are_dealt_out_in_turn() -> None:
    """Every name is in one fold, and neighbours in the alphabet are in different ones."""
    assert split_names(["d", "a", "e", "b", "c"], 2) == [["a", "c", "e"], ["b", "d"]]


@pytest.mark.parametrize("folds", [1, 4])
def test_impossible_folds_are_refused(folds: int) -> None:
    """One fold holds out everything; more folds than tasks leave one empty."""
    with pytest.raises(StudyError, match=f"Cannot make {folds} folds of 3 tasks"):
        split_names(["a", "b", "c"], folds)


def test_a_job_for_each_method_fold_and_seed() -> None:
    """No two jobs share their settings, by which results are found again."""
    jobs = pool_jobs("study", "new", [FOLD], RECIPES, [0, 1, 2], 4, {"digest": "x"})

    assert len({str(job.settings) for job in jobs}) == len(jobs) == 6


def test_more_trials_than_rows_are_refused() -> None:
    """A pool of nine has no tenth trial."""
    with pytest.raises(StudyError, match="only 9"):
        pool_jobs("study", "new", [FOLD], RECIPES, [0], 10, {})


def test_a_fold_tunes_each_of_its_tasks() -> None:
    """Each held-out task is tuned once, and the best so far is the best native value tried."""
    table = run_fold(Run("study", "new", "portfolio", 0, 3), PortfolioRecipe(), FOLD, 4)

    assert set(table["problem"]) == {"held out 1", "held out 2"}
    assert (table.groupby("problem")["trial"].max() == 4).all()
    # The portfolio knows these very configurations, so it starts with the best.
    np.testing.assert_allclose(table["best_so_far"], 100.0 * VALUES.max())


def test_methods_are_told_warped_values_and_scored_on_native_ones() -> None:
    """A method that follows the values it is told ends at the native optimum of those."""
    misleading = PoolProblem("task", INPUTS, VALUES, -VALUES)
    table = run_fold(
        Run("study", "new", "portfolio", 0, 3),
        PortfolioRecipe(),
        Fold(0, TRAINING, (misleading,)),
        1,
    )

    np.testing.assert_allclose(table["best_so_far"], -VALUES.max())


def test_functions_are_tuned_on_the_cube() -> None:
    """Every point lies in the cube, and a job gives what the run itself gives."""
    (job,) = function_jobs("known", [branin()], {"branin": [RandomSearch()]}, [5], 6)
    outcome = attempt(job)
    table = run_on_function(
        Run("known", "known functions", "random", 5), RandomSearch(), branin(), 6
    )

    assert isinstance(outcome, Finished)
    np.testing.assert_array_equal(outcome.table["best_so_far"], table["best_so_far"])
    assert (np.diff(table["best_so_far"]) >= 0.0).all()
