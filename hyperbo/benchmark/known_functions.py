"""The process started from nothing beside Optuna's on known functions: a command.

`python -m hyperbo.benchmark.known_functions` prints the median simple regret of each method on
Branin, Hartmann-4, Hartmann-6 and Ackley after 10, 20 and 30 trials, ten seeds each.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from hyperbo.benchmark.evaluations import merge
from hyperbo.benchmark.functions import ackley, branin, hartmann4, hartmann6
from hyperbo.benchmark.methods import RandomSearch, StrategyMethod
from hyperbo.benchmark.peers import OPTUNA_GP, OPTUNA_TPE
from hyperbo.benchmark.problems import FunctionProblem
from hyperbo.benchmark.runner import function_jobs
from hyperbo.benchmark.scores import normalised_regret
from hyperbo.benchmark.tables import to_markdown
from hyperbo.benchmark.tuners import Method
from hyperbo.jobs import ProcessExecutor, Progress, run_jobs
from hyperbo.suggest import from_scratch


def problems() -> list[FunctionProblem]:
    """The functions."""
    return [branin(), hartmann4(), hartmann6(), ackley(4)]


def methods(problem: FunctionProblem) -> list[Method]:
    """What is compared on one of them."""
    ours = StrategyMethod("GP from scratch", from_scratch(problem.dimension))
    return [ours, OPTUNA_GP, OPTUNA_TPE, RandomSearch()]


def median_regrets(evaluations: pd.DataFrame, trials: tuple[int, ...]) -> pd.DataFrame:
    """Median over seeds of the simple regret, a row for each function and method."""
    scored = evaluations.assign(regret=normalised_regret(evaluations))
    scored = scored[scored["trial"].isin(trials)]
    table = scored.pivot_table("regret", ["problem", "method"], "trial", aggfunc="median")
    seconds = evaluations.groupby(["problem", "method"])["seconds"].median()
    table = table.map(lambda regret: f"{regret:.2g}")
    table.columns = [f"after {trial}" for trial in table.columns]
    return table.assign(**{"s a trial": seconds.map(lambda s: f"{s:.3f}")}).reset_index()


def main(arguments: list[str] | None = None) -> None:
    """Run what the folder does not hold yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, help="folder to keep results in and resume from")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.out or Path(temporary)
        jobs = function_jobs(
            "known functions",
            problems(),
            {problem.name: methods(problem) for problem in problems()},
            list(np.arange(chosen.seeds).tolist()),
            chosen.trials,
        )
        run_jobs(
            jobs,
            folder,
            settings={"seeds": chosen.seeds, "trials": chosen.trials},
            executor=ProcessExecutor(chosen.workers),
            on_progress=_report,
        )
        marks = tuple(trial for trial in (10, 20, 30) if trial <= chosen.trials)
        print(to_markdown(median_regrets(merge(folder), marks)))  # noqa: T201 - a command


def _report(progress: Progress) -> None:
    print(f"\r{progress.finished}/{progress.total}", end="", flush=True)  # noqa: T201 - a command


if __name__ == "__main__":
    main()
