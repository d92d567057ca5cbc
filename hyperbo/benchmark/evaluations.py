"""The table of a study: one row for every trial of every run, in long format, stored as parquet."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from hyperbo.benchmark.problems import FunctionProblem, PoolProblem
from hyperbo.errors import StudyError
from hyperbo.files import write_atomically
from hyperbo.jobs import read_results

RUN_COLUMNS = ("study", "setting", "problem", "method", "fold", "seed")
"""What names a run: rows that agree in all of these are one run's trials."""

COLUMNS = {
    "study": "str",  # name of the study
    "setting": "str",  # variant of the protocol, e.g. "new points"
    "problem": "str",  # task or function that was tuned
    "method": "str",  # name of the method
    "fold": "int64",  # which tasks were held out together; 0 where nothing was trained
    "seed": "int64",  # pre-training seed, or the run's seed where nothing was trained
    "trial": "int64",  # 1-based
    "config": "int64",  # row of the problem's pool; -1 for a function
    "point": "object",  # the point in the unit cube, a list of floats
    "value": "float64",  # what the method was told; maximised
    "native": "float64",  # what it is scored by; maximised, in the metric's own unit
    "best_so_far": "float64",  # largest `native` up to this trial
    "seconds": "float64",  # time the method took for this suggestion
    "optimum": "float64",  # best native value that the problem admits
    "regret_scale": "float64",  # what a regret is divided by, see PoolProblem.regret_scale
}
"""Columns of a table of evaluations in order, with their types."""


@dataclass(frozen=True)
class Run:
    """What names one run of a study: one method on one problem with one seed.

    Attributes:
        study: Name of the study.
        setting: Variant of the protocol; scores never mix two of them.
        method: Name of the method.
        seed: Pre-training seed, or the run's own where nothing was trained.
        fold: Number of the group of tasks that was held out; 0 where nothing was trained.
    """

    study: str
    setting: str
    method: str
    seed: int
    fold: int = 0


def record_pool_run(
    run: Run,
    problem: PoolProblem,
    rows: Int[np.ndarray, " T"],
    seconds: Float[np.ndarray, " T"],
) -> pd.DataFrame:
    """Table of a finished run on a pool, given the rows in the order they were tried.

    Raises:
        StudyError: If a row is not one of the pool's.
    """
    if rows.size and (rows.min() < 0 or rows.max() >= problem.size):
        raise StudyError(
            f"{run.method} on {problem.name}: rows {rows.min()} to {rows.max()} were suggested; "
            f"the pool has rows 0 to {problem.size - 1}."
        )
    trials = pd.DataFrame(
        {
            "config": rows,
            "point": problem.inputs[rows].tolist(),
            "value": problem.values[rows],
            "native": problem.native[rows],
            "seconds": seconds,
        }
    )
    return _record(run, problem, trials)


def record_function_run(
    run: Run,
    problem: FunctionProblem,
    inputs: Float[np.ndarray, "T D"],
    seconds: Float[np.ndarray, " T"],
) -> pd.DataFrame:
    """Table of a finished run on a known function, given the points in the order of trials."""
    values = problem.evaluate(inputs)
    trials = pd.DataFrame(
        {
            "config": -1,
            "point": inputs.tolist(),
            "value": values,
            "native": values,
            "seconds": seconds,
        }
    )
    return _record(run, problem, trials)


def check_evaluations(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its columns in order and of the right types, if it is one of evaluations.

    Raises:
        StudyError: If it is empty, columns are missing or unknown, numbers are not finite, a run's
            trials are not 1, 2, 3, ..., or the derived columns contradict the others.
    """
    missing = [name for name in COLUMNS if name not in table.columns]
    unknown = [str(name) for name in table.columns if name not in COLUMNS]
    if missing or unknown:
        raise StudyError(
            f"Not a table of evaluations: columns missing {missing}, unknown {unknown}; wanted "
            f"{list(COLUMNS)}. Make tables by record_pool_run or record_function_run."
        )
    if table.empty:
        raise StudyError("The table of evaluations is empty; a run has at least one trial.")
    try:
        table = table[list(COLUMNS)].astype(COLUMNS).reset_index(drop=True)
    except (TypeError, ValueError) as error:
        raise StudyError(f"A column of the evaluations has the wrong type: {error}.") from error
    _check_numbers(table)
    in_order = table.sort_values([*RUN_COLUMNS, "trial"])
    _check_trials(in_order)
    _check_derived(in_order)
    return table


def one_setting(evaluations: pd.DataFrame) -> pd.DataFrame:
    """The table itself, if it is of one study and one setting, so that it may be averaged.

    Raises:
        StudyError: If it is empty or holds several; split it by `split_settings`.
    """
    pairs = evaluations[["study", "setting"]].drop_duplicates()
    if len(pairs) != 1:
        found = [f"{study} / {setting}" for study, setting in pairs.itertuples(index=False)]
        raise StudyError(
            f"Scores are taken within one study and setting; this table holds {found}. "
            "Split it by split_settings first."
        )
    return evaluations


def split_settings(evaluations: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    """The evaluations of each (study, setting), in the order in which they first appear."""
    groups = evaluations.groupby(["study", "setting"], sort=False)
    return {(str(study), str(setting)): table for (study, setting), table in groups}


def save_evaluations(evaluations: pd.DataFrame, path: Path) -> None:
    """Check the table and write it as parquet, under a temporary name first."""
    checked = check_evaluations(evaluations)
    write_atomically(path, lambda temporary: checked.to_parquet(temporary, index=False))


def load_evaluations(path: Path) -> pd.DataFrame:
    """Read and check a parquet file of evaluations.

    Raises:
        StudyError: If the file is missing, damaged, or holds another kind of table.
    """
    return check_evaluations(_read_parquet(path))


def merge(folder: Path) -> pd.DataFrame:
    """All results of an offline study's folder as one checked table.

    Raises:
        StudyError: If there is no study or no result, or a result is damaged or doubled.
    """
    return check_evaluations(read_results(folder))


def _read_parquet(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise StudyError(f"There is no table of evaluations at {path}.")
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise StudyError(
            f"{path} cannot be read as parquet: {error}. Delete it and run the study again in the "
            "same folder; only what is missing is computed."
        ) from error


def _record(run: Run, problem: PoolProblem | FunctionProblem, trials: pd.DataFrame) -> pd.DataFrame:
    """Add to a run's trials, in order, the columns that all of them share or that follow."""
    table = trials.assign(
        study=run.study,
        setting=run.setting,
        problem=problem.name,
        method=run.method,
        fold=run.fold,
        seed=run.seed,
        trial=np.arange(1, len(trials) + 1),
        best_so_far=trials["native"].cummax(),
        optimum=problem.optimum,
        regret_scale=problem.regret_scale,
    )
    return table[list(COLUMNS)].astype(COLUMNS)


def _check_numbers(table: pd.DataFrame) -> None:
    for name in ("value", "native", "best_so_far", "seconds", "optimum", "regret_scale"):
        bad = table[~np.isfinite(table[name])]
        if len(bad):
            raise StudyError(
                f"Column {name!r} holds NaN or infinity, first in the run {_name(bad)}. A diverged "
                "trial needs a finite value: give it the worst one."
            )
    if (table["regret_scale"] <= 0.0).any() or (table["seconds"] < 0.0).any():
        raise StudyError("Regret scales must be positive, and seconds not negative.")


def _check_trials(in_order: pd.DataFrame) -> None:
    expected = in_order.groupby(list(RUN_COLUMNS)).cumcount() + 1
    wrong = in_order[in_order["trial"] != expected]
    if len(wrong):
        raise StudyError(
            f"The trials of run {_name(wrong)} are not 1, 2, 3, ...: trial "
            f"{wrong['trial'].iloc[0]} is doubled, or one before it is missing."
        )


def _check_derived(table: pd.DataFrame) -> None:
    wrong = table[table["best_so_far"] != table.groupby(list(RUN_COLUMNS))["native"].cummax()]
    if len(wrong):
        raise StudyError(
            f"`best_so_far` is not the largest `native` up to the trial, first in {_name(wrong)}."
        )
    above = table["native"] > table["optimum"] + 1e-6 * (1.0 + table["optimum"].abs())
    if above.any():
        raise StudyError(
            f"A value above the problem's optimum, first in {_name(table[above])}: the optimum is "
            "wrong, or the metric is not maximised."
        )
    facts = table.groupby(["study", "setting", "problem"])[["optimum", "regret_scale"]]
    several = (facts.max() != facts.min()).any(axis=1)
    if several.any():
        raise StudyError(
            f"Runs disagree about the optimum of {several[several].index[0]}: they were made on "
            "different data. Name the setting or the problem differently."
        )


def _name(rows: pd.DataFrame) -> str:
    return " / ".join(f"{column} {rows[column].iloc[0]}" for column in RUN_COLUMNS)
