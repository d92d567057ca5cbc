"""Offline studies on logged tasks: methods by folds of held-out tasks by seeds, as jobs."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hyperbo.benchmark.evaluations import (
    Run,
    check_evaluations,
    record_function_run,
    record_pool_run,
)
from hyperbo.benchmark.methods import Recipe
from hyperbo.benchmark.problems import FunctionProblem, PoolProblem
from hyperbo.benchmark.tuners import Method
from hyperbo.errors import StudyError
from hyperbo.jobs import Job
from hyperbo.tasks import Task


@dataclass(frozen=True, eq=False)
class Fold:
    """Tasks held out together, and what may be learned from.

    Attributes:
        number: The fold's number.
        training: Tasks that methods may learn from.
        held_out: Problems to be tuned.
    """

    number: int
    training: tuple[Task, ...]
    held_out: tuple[PoolProblem, ...]


def split_names(names: Sequence[str], folds: int) -> list[list[str]]:
    """Deal sorted task names out to folds in turn, so that related names fall apart evenly.

    Raises:
        StudyError: If there are fewer tasks than folds, or fewer than two folds.
    """
    if not 2 <= folds <= len(names):
        raise StudyError(
            f"Cannot make {folds} folds of {len(names)} tasks; wanted between 2 and {len(names)}."
        )
    ordered = sorted(names)
    return [ordered[number::folds] for number in range(folds)]


def pool_jobs(
    study: str,
    setting: str,
    folds: Sequence[Fold],
    recipes: Sequence[Recipe],
    seeds: Sequence[int],
    trials: int,
    data: Mapping[str, Any],
) -> list[Job]:
    """One job for every method, fold and seed; each learns once and tunes its fold's tasks.

    Args:
        study: The study's name.
        setting: Variant of the protocol.
        folds: The folds.
        recipes: The methods.
        seeds: Pre-training seeds; they also seed the runs.
        trials: Trials of each run.
        data: What names the data, as JSON, e.g. its digest: part of every job's key.
    """
    smallest = min(problem.size for fold in folds for problem in fold.held_out)
    if trials > smallest:
        raise StudyError(f"{trials} trials were asked for, but a pool has only {smallest}.")
    return [
        Job(
            settings={
                "setting": setting,
                "method": recipe.name,
                "fold": fold.number,
                "seed": seed,
                "trials": trials,
                "data": dict(data),
            },
            function=run_fold,
            arguments={
                "run": Run(study, setting, recipe.name, seed, fold.number),
                "recipe": recipe,
                "fold": fold,
                "trials": trials,
            },
            check=check_evaluations,
        )
        for fold in folds
        for seed in seeds
        for recipe in recipes
    ]


def run_fold(run: Run, recipe: Recipe, fold: Fold, trials: int) -> pd.DataFrame:
    """Learn from the fold's training tasks, then tune each of its held-out tasks."""
    method = recipe.prepare(run.seed, list(fold.training))
    return pd.concat(
        [
            run_on_pool(run, method, problem, position, trials)
            for position, problem in enumerate(fold.held_out)
        ]
    )


def run_on_pool(
    run: Run, method: Method, problem: PoolProblem, position: int, trials: int
) -> pd.DataFrame:
    """Tune one logged task; `position` tells the tasks of a fold apart in the run's seed."""
    tuner = method.start_on_pool(_seed(run, position), problem.inputs)
    rows = np.zeros(0, dtype=int)
    seconds = np.zeros(trials)
    for trial in range(trials):
        begun = time.perf_counter()
        row = tuner.suggest(rows, problem.values[rows])
        seconds[trial] = time.perf_counter() - begun
        rows = np.append(rows, row)
    return record_pool_run(run, problem, rows, seconds)


def function_jobs(
    study: str,
    problems: Sequence[FunctionProblem],
    methods: Mapping[str, Sequence[Method]],
    seeds: Sequence[int],
    trials: int,
) -> list[Job]:
    """One job for every method, known function and seed.

    Args:
        study: The study's name.
        problems: The functions.
        methods: The methods for each function, by the function's name: a strategy knows its
            number of dimensions.
        seeds: Seeds of the runs.
        trials: Trials of each run.
    """
    return [
        Job(
            settings={
                "problem": problem.name,
                "method": method.name,
                "seed": seed,
                "trials": trials,
            },
            function=run_on_function,
            arguments={
                "run": Run(study, "known functions", method.name, seed),
                "method": method,
                "problem": problem,
                "trials": trials,
            },
            check=check_evaluations,
        )
        for problem in problems
        for seed in seeds
        for method in methods[problem.name]
    ]


def run_on_function(
    run: Run, method: Method, problem: FunctionProblem, trials: int
) -> pd.DataFrame:
    """Tune one known function of the unit cube."""
    tuner = method.start_on_cube(_seed(run, 0), problem.dimension)
    points = np.zeros((0, problem.dimension))
    values = np.zeros(0)
    seconds = np.zeros(trials)
    for trial in range(trials):
        begun = time.perf_counter()
        point = tuner.suggest(points, values)
        seconds[trial] = time.perf_counter() - begun
        points = np.concatenate([points, point[None, :]])
        values = np.append(values, problem.evaluate(point[None, :])[0])
    return record_function_run(run, problem, points, seconds)


def _seed(run: Run, position: int) -> int:
    """A run's own seed: the same for all methods, different for every task, fold and seed."""
    return int(np.random.SeedSequence([run.seed, run.fold, position]).generate_state(1)[0])
