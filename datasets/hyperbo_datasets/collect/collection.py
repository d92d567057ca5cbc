"""A collection: a folder of training runs that grows by instalments, and the table it makes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from hyperbo.errors import StudyError
from hyperbo.jobs import Executor, Progress, read_manifest, read_results, run_jobs
from hyperbo_datasets.checks import validate
from hyperbo_datasets.collect.optimizers import OPTIMIZERS
from hyperbo_datasets.collect.points import Kind
from hyperbo_datasets.collect.sweep import (
    DIVERGED_AT,
    KIND,
    METRIC_NAME,
    PLACE,
    WIDTH,
    Sweep,
    block_jobs,
    fastest_widths,
    speed_jobs,
)
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.errors import CollectError
from hyperbo_datasets.metric import Metric, Minimise, NegativeLogError
from hyperbo_datasets.schema import (
    CONFIG_ID,
    STATUS,
    TASK,
    Provenance,
    Status,
    TuningTable,
    make_table,
)

METRIC = Metric(METRIC_NAME, Minimise(), NegativeLogError(epsilon=5e-4))
"""Half an error in the 1,000 validation examples that the least of the small workloads has."""

FIRST_UNMATCHED = 1_000_000
"""Configurations below are shared by all tasks; each one from here on belongs to a single task."""

Report = Callable[[str, Progress], None]


@dataclass(frozen=True)
class Plan:
    """What an instalment brings a collection to.

    Attributes:
        sweep: What every run shares.
        tasks: The tasks.
        matched: Configurations that all tasks share.
        unmatched: Configurations of each task's own.
        width: How many are trained side by side; the fastest, which is measured, if None.
    """

    sweep: Sweep
    tasks: tuple[TaskName, ...]
    matched: int
    unmatched: int
    width: int | None = None


def collect(
    plan: Plan,
    folder: Path,
    *,
    executor: Executor,
    report: Report = lambda *_: None,
) -> None:
    """Train what the folder does not hold yet, and keep each block of runs as it ends.

    Kill it at any time: the same call goes on, nothing is lost that was kept, nothing is trained
    twice. A later call may name more tasks or more configurations.

    Args:
        plan: What shall be there in the end.
        folder: The collection's folder; made if there is none.
        executor: Where runs are trained.
        report: Told of progress, once before each stage and after each of its jobs.

    Raises:
        CorpusError: If a corpus is missing or damaged; nothing has been trained then.
        StudyError: If the folder belongs to another sweep, another process is at work in it, it
            cannot be written, or, once all else is done, blocks failed.
    """
    widths = _widths(plan, folder, executor, report)
    counts = {Kind.MATCHED: plan.matched, Kind.UNMATCHED: plan.unmatched}
    jobs = block_jobs(plan.sweep, dict.fromkeys(plan.tasks, counts), widths)
    run_jobs(
        jobs,
        folder / "runs",
        settings=plan.sweep.settings,
        executor=executor,
        on_progress=lambda progress: report("training", progress),
    )


def read_runs(folder: Path) -> pd.DataFrame:
    """Every evaluation of every run in a collection's folder, in a fixed order.

    Raises:
        StudyError: If there is no collection or no run, or a file is damaged.
    """
    runs = read_results(folder / "runs")
    return runs.sort_values([TASK, KIND, PLACE, "step"], ignore_index=True)


def read_speeds(folder: Path) -> pd.DataFrame:
    """Seconds a run by task and number of configurations trained side by side.

    Raises:
        StudyError: If nothing was measured, or a file is damaged.
    """
    return read_results(folder / "speed")


def to_table(folder: Path, name: str) -> TuningTable:
    """The tuning table of a collection's runs.

    Matched configurations keep their number in the sequence; unmatched ones are numbered from
    `FIRST_UNMATCHED` on. A task whose every run diverged teaches nothing and is left out, which
    the table's notes say.

    Raises:
        StudyError: If there is no collection or no run, or a file is damaged.
        CollectError: If every run of every task diverged.
    """
    runs = read_runs(folder)
    settings = read_manifest(folder / "runs")["settings"]
    completed = runs.loc[runs[STATUS] == Status.COMPLETED.value, TASK].unique()
    lost = sorted(set(runs[TASK].unique()) - set(_ended(runs, completed)))
    kept = runs[~runs[TASK].isin(lost)]
    if kept.empty:
        raise CollectError(
            f"Every run in {folder} diverged. Collect more of each task, or other tasks."
        )
    notes = (
        f"Collected by HyperBO: networks of size {settings['size']}, optimiser "
        f"{settings['optimizer']}, seed {settings['seed']}. A row is an evaluation on the whole "
        "validation set; cost is seconds of one core since the run began, without compilation, "
        "shared out among the runs that were trained side by side."
    )
    if lost:
        notes += f" Left out, since every run diverged: {', '.join(lost)}."
    frame = kept.assign(**{CONFIG_ID: _number(kept)})
    return validate(
        make_table(
            name,
            OPTIMIZERS[settings["optimizer"]].space,
            METRIC,
            frame.drop(columns=[KIND, PLACE, WIDTH, DIVERGED_AT]),
            Provenance("training runs of HyperBO's own workloads", "Apache-2.0", notes),
        )
    )


def _ended(runs: pd.DataFrame, tasks: Sequence[str]) -> list[str]:
    """Those tasks that have a run whose last evaluation is not a divergence."""
    last = runs[runs[TASK].isin(tasks)].drop_duplicates([TASK, KIND, PLACE], keep="last")
    return [str(task) for task in last.loc[last[STATUS] == Status.COMPLETED.value, TASK].unique()]


def _number(runs: pd.DataFrame) -> "pd.Series[int]":
    own = runs[runs[KIND] == Kind.UNMATCHED.value].groupby([TASK, PLACE], observed=True).ngroup()
    numbers = runs[PLACE].astype("int64")
    numbers.loc[own.index] = FIRST_UNMATCHED + own
    return numbers


def _widths(plan: Plan, folder: Path, executor: Executor, report: Report) -> Mapping[TaskName, int]:
    """How many configurations each task trains side by side; what was measured is kept.

    A block that is resumed must be trained as its neighbours were, or rounding would differ.
    """
    if plan.width is not None:
        return dict.fromkeys(plan.tasks, plan.width)
    run_jobs(
        speed_jobs(plan.sweep, plan.tasks),
        folder / "speed",
        settings=plan.sweep.settings,
        executor=executor,
        on_progress=lambda progress: report("measuring speed", progress),
    )
    return fastest_widths(read_speeds(folder))


def is_collection(folder: Path) -> bool:
    """Whether a folder holds one."""
    try:
        read_manifest(folder / "runs")
    except StudyError:
        return False
    return True
