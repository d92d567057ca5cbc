"""Real training runs from a prior and from nothing, side by side: a command.

`python -m hyperbo_service.benchmark.live_study kjv_griffin_8` pre-trains a prior on the tasks of
a collected table that share neither corpus nor network with the workload, then tunes the
workload by really training it, ten runs with the prior and ten without, for each of several seeds.
A seed is that of the pre-training and of the suggestions; the initial model and the order of the
examples are the same in all runs, as in the table.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np

from hyperbo.benchmark.trained_methods import hyperbo_recipe
from hyperbo_datasets.catalogue import resolve
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.collect.train import Trainer
from hyperbo_datasets.collect.workloads.catalogue import build
from hyperbo_datasets.collect.workloads.size import Size
from hyperbo_service.offline.live_race import (
    Course,
    optimizer_of,
    starts,
    tune,
    unrelated_tasks,
)


def race(task: TaskName, table: str, seeds: Sequence[int], trials: int) -> list[Course]:
    """Tune a workload from a prior of unrelated tasks, and from nothing.

    Args:
        task: The workload.
        table: A collected table; the workload need not be in it.
        seeds: Of the pre-trainings and suggestions.
        trials: Training runs of a study.
    """
    source = resolve(table)
    training, optimizer = unrelated_tasks(source, task), optimizer_of(source)
    trainer = Trainer(build(task, Size.SMALL), optimizer)
    courses = []
    for seed in seeds:
        expert = hyperbo_recipe().pretrain(seed, training)
        for name, strategy in starts(expert, source.space.dimension).items():
            tell = partial(_tell, seed)
            courses.append(tune(trainer, optimizer, strategy, name, seed, trials, tell))
    return courses


def _tell(seed: int, method: str, run: int, error: float) -> None:
    print(f"{method}, seed {seed}, run {run}: error {error:.3f}", flush=True)  # noqa: T201


def summary(courses: Sequence[Course]) -> str:
    """Mean of the least error rate after each number of runs, with its range over seeds."""
    trials = len(courses[0].errors)
    budgets = sorted({1, 2, 3, 5, trials} & set(range(1, trials + 1)))
    lines = ["| start | " + " | ".join(f"{budget} runs" for budget in budgets) + " |"]
    lines.append("|---" * (len(budgets) + 1) + "|")
    for method in dict.fromkeys(course.method for course in courses):
        best = np.array([course.best for course in courses if course.method == method])
        cells = [
            f"{best[:, b - 1].mean():.3f} ({best[:, b - 1].min():.3f}-{best[:, b - 1].max():.3f})"
            for b in budgets
        ]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Run, print the table, and keep every run if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", type=TaskName.parse)
    parser.add_argument("--table", default="pd1-mini")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--out", type=Path, help="JSON file to write every run to")
    chosen = parser.parse_args(arguments)

    courses = race(chosen.task, chosen.table, range(chosen.seeds), chosen.trials)
    if chosen.out is not None:
        chosen.out.write_text(json.dumps([asdict(course) for course in courses], indent=1))
    print(summary(courses))  # noqa: T201 - a command


if __name__ == "__main__":
    main()
