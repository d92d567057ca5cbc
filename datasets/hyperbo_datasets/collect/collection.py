"""A collection: a folder of training runs that grows by instalments, and the table it makes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd

from hyperbo.errors import StudyError
from hyperbo.jobs import Executor, Job, Progress, read_manifest, read_results, run_jobs
from hyperbo_datasets.checks import validate
from hyperbo_datasets.collect.optimizers import OPTIMIZERS
from hyperbo_datasets.collect.points import Kind, config_id
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
        base: A table of an earlier collection with the same sweep, whose runs are not trained
            again.
    """

    sweep: Sweep
    tasks: tuple[TaskName, ...]
    matched: int
    unmatched: int
    width: int | None = None
    base: TuningTable | None = None


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
        CollectError: If the table to extend is over another search space.
        StudyError: If the folder belongs to another sweep, another process is at work in it, it
            cannot be written, or, once all else is done, blocks failed.
    """
    if plan.base is not None and plan.base.space != OPTIMIZERS[plan.sweep.optimizer].space:
        raise CollectError(
            f"The table {plan.base.name!r} is over another search space than the optimiser "
            f"{plan.sweep.optimizer!r}. Extend it with the optimiser it was collected with."
        )
    widths = _widths(plan, folder, executor, report)
    counts = {Kind.MATCHED: plan.matched, Kind.UNMATCHED: plan.unmatched}
    jobs = [
        job
        for job in block_jobs(plan.sweep, dict.fromkeys(plan.tasks, counts), widths)
        if not _is_held(plan.base, job)
    ]
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


def to_table(folder: Path, name: str, base: TuningTable | None = None) -> TuningTable:
    """The tuning table of a collection's runs, with those of the table that it extends.

    A task whose every run diverged teaches nothing and is left out, which the table's notes say.

    Args:
        folder: The collection's folder.
        name: The table's name.
        base: The table that the collection extends, if it does.

    Raises:
        StudyError: If there is no collection or no run, or a file is damaged.
        CollectError: If every run of every task diverged.
    """
    runs = read_runs(folder)
    settings = read_manifest(folder / "runs")["settings"]
    completed = runs.loc[runs[STATUS] == Status.COMPLETED.value, TASK].unique()
    lost = sorted(set(runs[TASK].unique()) - set(_ended(runs, list(completed))))
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
    numbers = [
        config_id(TaskName.parse(task), Kind(kind), place)
        for task, kind, place in zip(kept[TASK], kept[KIND], kept[PLACE], strict=True)
    ]
    frame = kept.assign(**{CONFIG_ID: numbers}).drop(columns=[KIND, PLACE, WIDTH, DIVERGED_AT])
    return validate(
        make_table(
            name,
            OPTIMIZERS[settings["optimizer"]].space,
            METRIC,
            frame if base is None else pd.concat([base.frame.astype({TASK: str}), frame]),
            Provenance("training runs of HyperBO's own workloads", "Apache-2.0", notes),
        )
    )


def _ended(runs: pd.DataFrame, tasks: Sequence[str]) -> list[str]:
    """Those tasks that have a run whose last evaluation is not a divergence."""
    last = runs[runs[TASK].isin(tasks)].drop_duplicates([TASK, KIND, PLACE], keep="last")
    return [str(task) for task in last.loc[last[STATUS] == Status.COMPLETED.value, TASK].unique()]


def _is_held(base: TuningTable | None, job: Job) -> bool:
    """Whether a table has all runs of a block."""
    if base is None:
        return False
    block = job.arguments
    held = _held(base, str(block["task"]))
    places = range(block["first"], block["first"] + block["count"])
    return all(config_id(block["task"], block["kind"], place) in held for place in places)


@cache
def _held(base: TuningTable, task: str) -> frozenset[int]:
    """The configurations that a table has of a task."""
    frame = base.frame
    return frozenset(frame.loc[(frame[TASK] == task).to_numpy(), CONFIG_ID].unique().tolist())


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
