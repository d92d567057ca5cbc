"""A collection: a folder of training runs that grows by instalments."""

from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from hyperbo.errors import JobsFailedError
from hyperbo.jobs import Executor, Progress, read_manifest, read_results_by_key, run_jobs
from hyperbo_datasets.collect.blocks import Block, missing_blocks
from hyperbo_datasets.collect.collected_table import check_base, check_corpora, is_collection
from hyperbo_datasets.collect.points import MOST_PLACES, Kind, place_of
from hyperbo_datasets.collect.sweep import (
    KIND,
    PLACE,
    Sweep,
    block_job,
    fastest_widths,
    speed_jobs,
)
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.collect.workloads.catalogue import check
from hyperbo_datasets.collect.workloads.size import Size
from hyperbo_datasets.errors import CollectError, CorpusError
from hyperbo_datasets.schema import CONFIG_ID, TASK, TuningTable

WORTH_MEASURING = 64
"""Runs of a task; fewer are trained in less time than it takes to find out how."""

MEASURING, TRAINING = "measuring speed", "training"
"""The stages of a call."""

Report = Callable[[str, Progress], None]


@dataclass(frozen=True)
class Plan:
    """What an instalment brings a collection to.

    Attributes:
        sweep: What every run shares.
        tasks: The tasks.
        matched: Configurations that all tasks share.
        unmatched: Configurations of each task's own.
        width: How many are trained side by side. If None, the fastest, which is measured; but one
            of the published size, which leaves nothing idle and much memory taken, and one where
            a task has fewer runs than `WORTH_MEASURING`.
        base: A table of an earlier collection with the same sweep, whose runs are not trained
            again.
    """

    sweep: Sweep
    tasks: tuple[TaskName, ...]
    matched: int
    unmatched: int
    width: int | None = None
    base: TuningTable | None = None

    def __post_init__(self) -> None:
        if self.width is not None and self.width < 1:
            raise CollectError(f"No run is trained {self.width} side by side; wanted 1 or more.")
        most = max(self.matched, self.unmatched)
        if not self.tasks or min(self.matched, self.unmatched) < 0 or not 0 < most <= MOST_PLACES:
            raise CollectError(
                f"{len(self.tasks)} tasks, {self.matched} matched and {self.unmatched} unmatched "
                f"configurations are nothing to collect; wanted a task, and 1 to {MOST_PLACES:,} "
                "configurations of either kind."
            )

    @property
    def known_width(self) -> int | None:
        """How many are trained side by side, where that need not be measured."""
        is_small = self.matched + self.unmatched < WORTH_MEASURING
        if self.width is None and (is_small or self.sweep.size is Size.PUBLISHED):
            return 1
        return self.width

    @property
    def counts(self) -> dict[Kind, int]:
        """Configurations of each kind."""
        return {Kind.MATCHED: self.matched, Kind.UNMATCHED: self.unmatched}


def collect(
    plan: Plan,
    folder: Path,
    *,
    executor: Executor,
    report: Report = lambda *_: None,
) -> None:
    """Train what the folder does not hold yet, and keep each block of runs as it ends.

    Kill it at any time: the same call goes on, nothing is lost that was kept, nothing is trained
    twice. A later call may name more tasks or more configurations. An executor that stops early
    leaves the rest to a later call.

    Args:
        plan: What shall be there in the end.
        folder: The collection's folder; made if there is none.
        executor: Where runs are trained.
        report: Told of progress, once before each stage and after each of its jobs.

    Raises:
        CorpusError: If a corpus is missing or damaged; nothing has been trained then.
        CollectError: If there is no such task, the table to extend is of another sweep, or a
            corpus has changed since; nothing has been trained then.
        StudyError: If the folder belongs to another sweep, another process is at work in it, or it
            cannot be written to.
        JobsFailedError: Once all else is done, if blocks failed.
    """
    _check_tasks(plan)
    if plan.base is not None:
        check_base(plan.base, plan.sweep)
        check_corpora(plan.base, plan.tasks)
    stored = _stored_blocks(plan, folder)
    missing = _missing_blocks(plan, stored)
    failures: list[str] = []
    with _told_at_the_end(failures):
        _measure(plan, {block.task for block in missing}, folder, executor, report)
    widths = _widths(plan, folder)
    with _told_at_the_end(failures):
        run_jobs(
            # What is stored is not run again: any width will do.
            [block_job(plan.sweep, block, 1) for block in stored]
            + [
                block_job(plan.sweep, block, widths[block.task])
                for block in missing
                if block.task in widths
            ],
            folder / "runs",
            settings=plan.sweep.settings,
            executor=executor,
            on_progress=lambda progress: report(TRAINING, progress),
        )
    if failures:
        raise JobsFailedError("\n".join(failures))


@contextmanager
def _told_at_the_end(failures: list[str]) -> Iterator[None]:
    """Note which jobs failed, so that the others go on first."""
    try:
        yield
    except JobsFailedError as error:
        failures.append(str(error))


def _check_tasks(plan: Plan) -> None:
    """Refuse tasks that there cannot be; what they lack is told at once, not one by one."""
    lacking: dict[str, CorpusError] = {}
    for task in plan.tasks:
        try:
            check(task, plan.sweep.size)
        except CorpusError as error:
            lacking.setdefault(task.corpus, error)
    if lacking:
        raise CorpusError("\n".join(map(str, lacking.values())))


def _measure(
    plan: Plan, tasks: Container[TaskName], folder: Path, executor: Executor, report: Report
) -> None:
    """Measure how many configurations those tasks train fastest side by side, if it is not said."""
    wanted = [task for task in plan.tasks if task in tasks]
    if wanted and plan.known_width is None:
        run_jobs(
            speed_jobs(plan.sweep, wanted),
            folder / "speed",
            settings=plan.sweep.settings,
            executor=executor,
            on_progress=lambda progress: report(MEASURING, progress),
        )


def _widths(plan: Plan, folder: Path) -> Mapping[TaskName, int]:
    """How many configurations each task trains side by side, as it was measured once and for all.

    A block that is resumed must be trained as its neighbours were, or rounding would differ. A task
    that was not measured, since the executor stopped early or the measurement failed, has none.
    """
    if plan.known_width is not None:
        return dict.fromkeys(plan.tasks, plan.known_width)
    if not (folder / "speed" / "manifest.json").exists():
        return {}
    speeds = read_results_by_key(folder / "speed")
    return fastest_widths(pd.concat(speeds.values(), ignore_index=True)) if speeds else {}


def _missing_blocks(plan: Plan, stored: Sequence[Block]) -> list[Block]:
    """The blocks that bring every task to what is planned."""
    held = _held_places(plan, stored)
    return [
        block
        for task in plan.tasks
        for kind, count in plan.counts.items()
        for block in missing_blocks(task, kind, count, held[task, kind])
    ]


def _stored_blocks(plan: Plan, folder: Path) -> list[Block]:
    """The blocks of the plan's tasks that the folder holds.

    Raises:
        CollectError: If some were trained on other data than there are now.
    """
    # The folder of another sweep is refused later, by the harness.
    if not is_collection(folder) or read_manifest(folder / "runs")["settings"] != (
        plan.sweep.settings
    ):
        return []
    stored = []
    for key, runs in read_results_by_key(folder / "runs").items():
        block = Block(
            TaskName.parse(runs[TASK].iloc[0]),
            Kind(runs[KIND].iloc[0]),
            first=int(runs[PLACE].min()),
            count=int(runs[PLACE].nunique()),
        )
        if block.task not in plan.tasks:
            continue
        if block_job(plan.sweep, block, width=1).key != key:
            raise CollectError(
                f"{folder} holds runs of {block.task} that were trained on another content of the "
                f"corpus {block.task.corpus} than it has now. Bring that back, or take another "
                "folder."
            )
        stored.append(block)
    return stored


def _held_places(
    plan: Plan, stored: Sequence[Block]
) -> Mapping[tuple[TaskName, Kind], Container[int]]:
    """Which points of each sequence are trained: in the folder, or in the table to extend."""
    held: dict[tuple[TaskName, Kind], set[int]] = defaultdict(set)
    for block in stored:
        held[block.task, block.kind].update(block.places)
    if plan.base is not None:
        pairs = plan.base.frame[[TASK, CONFIG_ID]].drop_duplicates()
        for name, number in zip(pairs[TASK], pairs[CONFIG_ID], strict=True):
            kind, place = place_of(int(number))
            held[TaskName.parse(name), kind].add(place)
    return held
