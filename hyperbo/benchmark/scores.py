"""Scores of a study: regret curves by task, performance profiles, trials to a target, time.

The task is the unit of everything here: runs are averaged within their task first, so that a task
with more seeds weighs no more, and intervals are over tasks. Area under the curve is not used: it
mixes budgets and hides which of them a method is good at.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float

from hyperbo.benchmark.evaluations import one_setting
from hyperbo.benchmark.intervals import Interval, TaskBootstrap
from hyperbo.errors import StudyError

BUDGETS = (1, 5, 10, 20, 50)
"""Numbers of trials at which tables report, where the study went so far."""

SOLVED = (0.05, 0.01, 0.001)
"""Regrets at which a task counts as solved in performance profiles."""


def normalised_regret(evaluations: pd.DataFrame) -> pd.Series:
    """How far each run's best so far is from the best possible, after every trial.

    (best - incumbent) / (best - median) in native units, best and median being the task's own
    pool's: 0 has found the best configuration, 1 is as good as a median one, more is worse. The
    median is chosen for the denominator because it is what one guess gives, and because, unlike
    the range, it does not depend on how badly the worst configuration diverged, nor, unlike the
    standard deviation, on how many diverge. Where the pool's median is itself the best, its mean
    takes the median's place; a constant pool has regret 0 throughout. For known functions there is
    no pool, and this is the plain simple regret.

    Returns:
        Regret for each row of `evaluations`, not negative, under the same index.
    """
    gap = (evaluations["optimum"] - evaluations["best_so_far"]) / evaluations["regret_scale"]
    return gap.clip(lower=0.0).rename("regret")


def run_curves(evaluations: pd.DataFrame) -> pd.DataFrame:
    """Regret of every run by trial: a row for each method, problem, fold and seed.

    Raises:
        StudyError: If several settings are mixed, runs differ in length, or a method lacks a task
            that another has: means over different tasks are not comparable.
    """
    table = one_setting(evaluations).assign(regret=normalised_regret(evaluations))
    # Every cell holds one number, which `check_evaluations` saw to; nothing is averaged here.
    curves = table.pivot_table(
        index=["method", "problem", "fold", "seed"], columns="trial", values="regret"
    )
    ragged = curves.index[curves.isna().any(axis=1)]
    if len(ragged):
        raise StudyError(
            f"Runs differ in length: {ragged[0]} ends before trial {curves.columns.max()}. Finish "
            "the study, or cut all runs to the shortest."
        )
    _check_same_problems(curves)
    return curves


@dataclass(frozen=True)
class TaskCurves:
    """Regret by trial of each method on each task, runs averaged within their task.

    Attributes:
        methods: The `K` methods by their mean regret at the last trial, the best first.
        problems: The `M` tasks in alphabetical order.
        regrets: Regret after each of `T` trials.
    """

    methods: tuple[str, ...]
    problems: tuple[str, ...]
    regrets: Float[np.ndarray, "K M T"]

    def of(self, method: str) -> Float[np.ndarray, "M T"]:
        """One method's regrets.

        Raises:
            StudyError: If the method is not in the study.
        """
        if method not in self.methods:
            raise StudyError(f"Method {method!r} is not in the study; it has {self.methods}.")
        return self.regrets[self.methods.index(method)]


def task_curves(evaluations: pd.DataFrame) -> TaskCurves:
    """Average every method's runs within their task.

    Raises:
        StudyError: As for `run_curves`.
    """
    curves = run_curves(evaluations).groupby(level=["method", "problem"]).mean()
    methods = [str(name) for name in curves.index.unique("method")]
    problems = [str(name) for name in curves.index.unique("problem")]
    regrets = curves.to_numpy().reshape(len(methods), len(problems), -1)
    # Rounded, so that equal methods keep their alphabetical order whatever their last digits.
    order = np.argsort(np.round(regrets[:, :, -1].mean(axis=1), 12), kind="stable")
    ordered = tuple(methods[position] for position in order)
    return TaskCurves(ordered, tuple(problems), regrets[order])


def within_reach(evaluations: pd.DataFrame, budgets: Sequence[int]) -> list[int]:
    """Those of the budgets that the study's runs reached, ascending, each once.

    Raises:
        StudyError: If none is.
    """
    last = int(evaluations["trial"].max())
    reached = sorted({budget for budget in budgets if 1 <= budget <= last})
    if not reached:
        raise StudyError(f"No budget of {list(budgets)} lies within the {last} trials of the runs.")
    return reached


def summary_table(
    evaluations: pd.DataFrame,
    budgets: Sequence[int] | None = None,
    interval: Interval | None = None,
) -> pd.DataFrame:
    """Regret of each method after each budget: one row for each pair.

    Args:
        evaluations: Trials of one study and setting.
        budgets: Numbers of trials; those beyond the runs' length are left out. `BUDGETS` and the
            runs' last trial if None.
        interval: How uncertain the mean over tasks is; a bootstrap of the tasks by default.

    Returns:
        Columns `method`, `trial`, `mean`, `lower`, `upper` (the mean over tasks and its interval),
        `median` (over tasks), `between_seeds` (standard deviation, from seed to seed, of the mean
        over tasks; NaN for one seed), `tasks`, `seeds`.
    """
    interval = TaskBootstrap() if interval is None else interval
    if budgets is None:
        budgets = (*BUDGETS, int(evaluations["trial"].max()))
    trials = within_reach(evaluations, budgets)
    runs = run_curves(evaluations)
    curves = task_curves(evaluations)
    tables = []
    for method in curves.methods:
        regrets = curves.of(method)
        lower, upper = interval.bounds(regrets)
        by_seed = runs.loc[method].groupby(level="seed").mean()
        columns = {
            "mean": regrets.mean(axis=0),
            "lower": lower,
            "upper": upper,
            "median": np.median(regrets, axis=0),
            "between_seeds": np.asarray(by_seed.std(ddof=1)),
        }
        table = pd.DataFrame(columns, index=pd.RangeIndex(1, len(lower) + 1, name="trial"))
        table = table.loc[trials].reset_index()
        table.insert(0, "method", method)
        tables.append(table.assign(tasks=len(regrets), seeds=len(by_seed)))
    return pd.concat(tables, ignore_index=True)


def performance_profile(
    evaluations: pd.DataFrame, solved_at: Sequence[float] = SOLVED
) -> pd.DataFrame:
    """Fraction of runs that have solved their task by each trial, tasks weighing the same.

    Args:
        evaluations: Trials of one study and setting.
        solved_at: Regrets at or below which a task counts as solved.

    Returns:
        Columns `method`, `solved_at`, `trial`, `fraction`; `fraction` never falls with the trial.
    """
    runs = run_curves(evaluations)
    methods = list(task_curves(evaluations).methods)
    tables = []
    for threshold in solved_at:
        solved = (runs <= threshold + _ROUNDING).astype(float)
        by_task = solved.groupby(level=["method", "problem"]).mean()
        fraction = by_task.groupby(level="method").mean().loc[methods]
        long = fraction.melt(ignore_index=False, value_name="fraction").reset_index()
        tables.append(long.assign(solved_at=threshold))
    return pd.concat(tables, ignore_index=True)[["method", "solved_at", "trial", "fraction"]]


def trials_to_target(
    evaluations: pd.DataFrame, reference: str, budget: int | None = None
) -> pd.DataFrame:
    """Trials that each method needs, task by task, to reach the reference's regret at the budget.

    The target is the reference's regret after `budget` trials on that task, averaged over its
    runs; a method needs as many trials as its own averaged curve takes to come to it. A method that
    does not come to it is censored: its `trials` are `budget + 1` and `is_reached` is False; its
    true number is larger, so its `speedup` is an upper bound.

    Args:
        evaluations: Trials of one study and setting.
        reference: The method that sets the target; its own speed-up is 1 on every task.
        budget: Trials that the reference is given; all by default.

    Returns:
        Columns `method`, `problem`, `target`, `trials`, `is_reached`, `speedup` (the reference's
        trials over the method's; its median over tasks is the number to report).

    Raises:
        StudyError: If the reference or the budget is not in the study.
    """
    curves = task_curves(evaluations)
    last = curves.regrets.shape[2]
    budget = last if budget is None else within_reach(evaluations, [budget])[0]
    targets = curves.of(reference)[:, budget - 1]
    reached = curves.regrets[:, :, :budget] <= targets[None, :, None] + _ROUNDING
    is_reached = reached.any(axis=2)
    trials = np.where(is_reached, reached.argmax(axis=2) + 1, budget + 1)
    needed = trials[curves.methods.index(reference)]
    methods, tasks = trials.shape
    return pd.DataFrame(
        {
            "method": np.repeat(curves.methods, tasks),
            "problem": np.tile(curves.problems, methods),
            "target": np.tile(targets, methods),
            "trials": trials.ravel(),
            "is_reached": is_reached.ravel(),
            "speedup": (needed[None, :] / trials).ravel(),
        }
    )


def speedup_table(targets: pd.DataFrame) -> pd.DataFrame:
    """Median speed-up over tasks of each method, and on how many tasks it reached the target.

    Args:
        targets: What `trials_to_target` returned.

    Returns:
        Columns `method`, `speedup` (median over tasks), `trials` (median over tasks), `reached`,
        `tasks`; the fastest method first.
    """
    grouped = targets.groupby("method", sort=False)
    table = pd.DataFrame(
        {
            "speedup": grouped["speedup"].median(),
            "trials": grouped["trials"].median(),
            "reached": grouped["is_reached"].sum().astype(int),
            "tasks": grouped.size(),
        }
    )
    return table.sort_values("speedup", ascending=False, kind="stable").reset_index()


def timing_table(evaluations: pd.DataFrame) -> pd.DataFrame:
    """Seconds that each method took for one suggestion: `median`, `upper` (95%), `largest`."""
    grouped = one_setting(evaluations).groupby("method")["seconds"]
    table = pd.DataFrame(
        {"median": grouped.median(), "upper": grouped.quantile(0.95), "largest": grouped.max()}
    )
    return table.sort_values("median", kind="stable").reset_index()


# Averages over runs of equal regrets differ in their last digits.
_ROUNDING = 1e-12


def _check_same_problems(curves: pd.DataFrame) -> None:
    everything = set(curves.index.unique("problem"))
    for method in curves.index.unique("method"):
        absent = sorted(everything - set(curves.loc[method].index.unique("problem")))
        if absent:
            raise StudyError(
                f"Method {method!r} has no runs on {absent}; means over different tasks are not "
                f"comparable. Finish the study, or leave out the method or the tasks."
            )
