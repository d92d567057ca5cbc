"""How much faster training side by side is than one by one: a command.

`python -m hyperbo_datasets.collect.speed` times every task of the bundled table on one core, each
way in turn, and prints the ratio. The collector measures the same and takes the faster way.
"""

import argparse
import fnmatch
import os

import pandas as pd

from hyperbo_datasets.collect.sweep import WIDTH, WIDTHS, Sweep, measure_speed
from hyperbo_datasets.collect.workloads.catalogue import DEFAULT_TASKS
from hyperbo_datasets.collect.workloads.size import Size
from hyperbo_datasets.schema import TASK


def measure(pattern: str = "*", optimizer: str = "nesterov") -> pd.DataFrame:
    """Seconds a run by task and width, with the ratio of one by one to the fastest other.

    Args:
        pattern: Which of the bundled table's tasks.
        optimizer: The optimiser's name.
    """
    sweep = Sweep(optimizer, Size.SMALL)
    wanted = [task for task in DEFAULT_TASKS if fnmatch.fnmatch(str(task), pattern)]
    rows = pd.concat([measure_speed(sweep, task) for task in wanted])
    table = rows.pivot_table(index=TASK, columns=WIDTH, values="seconds", sort=False)
    side_by_side = table[[width for width in WIDTHS if width > 1]].min(axis=1)
    return table.assign(ratio=table[1] / side_by_side)


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print the table and how many tasks gain."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", default="*", help="a pattern of tasks")
    parser.add_argument("--optimizer", default="nesterov")
    chosen = parser.parse_args(arguments)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    table = measure(chosen.tasks, chosen.optimizer)
    print(table.to_string(float_format="{:.3f}".format))  # noqa: T201 - a command
    gain = int((table["ratio"] >= 1.5).sum())
    print(f"at least 1.5 times faster side by side: {gain} of {len(table)}")  # noqa: T201


if __name__ == "__main__":
    main()
