"""A collection: a folder of training runs that grows by instalments, and the table it makes."""

import json
from collections import defaultdict
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hyperbo.errors import JobsFailedError, StudyError
from hyperbo.jobs import (
    Executor,
    Progress,
    read_manifest,
    read_results,
    read_results_by_key,
    run_jobs,
)
from hyperbo_datasets.checks import validate
from hyperbo_datasets.collect.blocks import Block, missing_blocks
from hyperbo_datasets.collect.optimizers import OPTIMIZERS
from hyperbo_datasets.collect.points import (
    MOST_PLACES,
    Kind,
    config_id,
    configurations,
    place_of,
)
from hyperbo_datasets.collect.sweep import (
    CORPUS,
    DIVERGED_AT,
    KIND,
    METRIC_NAME,
    PLACE,
    VERSIONS,
    WIDTH,
    Sweep,
    block_job,
    digest_of,
    fastest_widths,
    speed_jobs,
)
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.collect.workloads.catalogue import check
from hyperbo_datasets.collect.workloads.size import Size
from hyperbo_datasets.errors import CollectError, CorpusError
from hyperbo_datasets.metric import Metric, Minimise, NegativeLogError
from hyperbo_datasets.schema import (
    CONFIG_ID,
    SEED,
    STATUS,
    STEP,
    TASK,
    Provenance,
    Status,
    TuningTable,
    make_table,
)

SOURCE = "training runs of HyperBO's own workloads"
"""The provenance of every collected table."""

METRIC = Metric(METRIC_NAME, Minimise(), NegativeLogError(epsilon=1e-3))
"""Half an error in the 500 validation examples that the least of the small workloads has."""

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
            of the published size, which leaves nothing idle and much memory taken.
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
        return 1 if self.width is None and self.sweep.size is Size.PUBLISHED else self.width

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
        _check_corpora(plan.base, plan.tasks)
    stored = _stored_blocks(plan, folder)
    missing = _missing_blocks(plan, stored)
    failures: list[str] = []
    try:
        _measure(plan, {block.task for block in missing}, folder, executor, report)
    except JobsFailedError as error:
        failures.append(str(error))
    widths = _widths(plan, folder)
    try:
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
    except JobsFailedError as error:
        failures.append(str(error))
    if failures:
        raise JobsFailedError("\n".join(failures))


def read_runs(folder: Path) -> pd.DataFrame:
    """Every evaluation of every run in a collection's folder, in a fixed order.

    Raises:
        StudyError: If there is no collection or no run, or a file is damaged.
    """
    blocks = read_results_by_key(folder / "runs")
    if not blocks:
        raise StudyError(f"No run in {folder} has ended yet. Run the same again, with more time.")
    runs = _each_once([*blocks.values()], [TASK, KIND, PLACE])
    return runs.sort_values([TASK, KIND, PLACE, STEP], ignore_index=True)


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
        base: The table that the collection extends, if it does; its runs stand.

    Raises:
        StudyError: If there is no collection or no run, or a file is damaged.
        CollectError: If every run of every task diverged.
    """
    settings = read_manifest(folder / "runs")["settings"]
    parts = [] if base is None else [base.frame.astype({TASK: str, STATUS: str})]
    made_with = {} if base is None else base.provenance.settings
    if base is None or has_runs(folder):
        runs = read_runs(folder)
        parts.append(_numbered(runs))
        made_with = _made_with(runs, settings, made_with)
    frame = _each_once(parts, [TASK, CONFIG_ID])
    last = frame.sort_values(STEP, kind="stable").drop_duplicates([TASK, CONFIG_ID], keep="last")
    completed = set(last.loc[last[STATUS] == Status.COMPLETED.value, TASK])
    lost = sorted(set(last[TASK]) - completed)
    kept = frame[~frame[TASK].isin(lost)]
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
    space = OPTIMIZERS[settings["optimizer"]].space
    provenance = Provenance(SOURCE, notes=notes, settings=made_with)
    return validate(make_table(name, space, METRIC, kept, provenance))


def is_collection(folder: Path) -> bool:
    """Whether a folder holds one."""
    return (folder / "runs" / "manifest.json").exists()


def has_runs(folder: Path) -> bool:
    """Whether a folder holds a collection, and any run of it."""
    return is_collection(folder) and any((folder / "runs" / "results").glob("*.parquet"))


def check_base(base: TuningTable, sweep: Sweep) -> None:
    """Refuse to extend a table of another sweep: its ids would mean other runs.

    Raises:
        CollectError: If the table's space, metric, seed, size or configurations are not the
            sweep's.
    """
    if base.space != OPTIMIZERS[sweep.optimizer].space or base.metric != METRIC:
        raise CollectError(
            f"The table {base.name!r} is over another search space or metric than collections "
            f"with the optimiser {sweep.optimizer!r}. Extend it with the optimiser it was "
            "collected with."
        )
    seeds = sorted(base.frame[SEED].unique().tolist())
    if seeds != [sweep.seed]:
        raise CollectError(
            f"The table {base.name!r} has runs of the seeds {seeds}, not of {sweep.seed}, so that "
            "its configurations are others. Extend it with the seed it was collected with."
        )
    made_with = base.provenance.settings
    if made_with.get("size") != sweep.size.value:
        raise CollectError(
            f"The networks of the table {base.name!r} are of size {made_with.get('size')}, not "
            f"{sweep.size.value}. Extend it with the size it was collected with."
        )
    _check_points(base, sweep)


def _check_points(base: TuningTable, sweep: Sweep) -> None:
    """Refuse a table whose ids mean other configurations: other versions may draw others.

    Every task draws its points alike, so those of one task tell.
    """
    space = OPTIMIZERS[sweep.optimizer].space
    first = base.tasks[0]
    frame = base.frame[base.frame[TASK] == first].drop_duplicates(CONFIG_ID).set_index(CONFIG_ID)
    task = TaskName.parse(first)
    for kind in Kind:
        places = [place for found, place in map(place_of, frame.index) if found is kind]
        points = configurations(space, task, kind, 0, max(places, default=-1) + 1, sweep.seed)
        rows = frame.loc[[config_id(task, kind, place) for place in places]]
        stored = space.encode_columns({name: rows[name].to_numpy() for name in space.names})
        drawn = space.encode([points[place] for place in places])
        if not np.allclose(stored, drawn, rtol=0.0, atol=1e-6):
            raise CollectError(
                f"The configurations of the table {base.name!r} are not those that its numbers "
                "stand for here: it was collected by other versions, "
                f"{base.provenance.settings.get('versions')}. Collect under another name."
            )


def _check_corpora(base: TuningTable, tasks: Sequence[TaskName]) -> None:
    """Refuse to add runs that are trained on other data than those of the same task before."""
    known: Mapping[str, str] = base.provenance.settings.get("corpora", {})
    changed = [str(t) for t in tasks if known.get(str(t)) not in (None, digest_of(t))]
    if changed:
        raise CollectError(
            f"The runs of {', '.join(changed)} in the table {base.name!r} were trained on another "
            "content of the corpus than it has here. Bring that back, or leave the tasks out."
        )


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


def _made_with(
    runs: pd.DataFrame, settings: Mapping[str, Any], before: Mapping[str, Any]
) -> dict[str, Any]:
    """What runs were collected with, added to what those before them were."""
    corpora = runs.drop_duplicates(TASK).set_index(TASK)[CORPUS].to_dict()
    versions = [json.loads(text) for text in runs[VERSIONS].unique()]
    earlier = before.get("versions", [])
    return {
        **settings,
        "corpora": {**before.get("corpora", {}), **corpora},
        "versions": [*earlier, *(each for each in versions if each not in earlier)],
    }


def _numbered(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs with their configurations' numbers, in the columns of a table."""
    numbers = [
        config_id(TaskName.parse(task), Kind(kind), place)
        for task, kind, place in zip(runs[TASK], runs[KIND], runs[PLACE], strict=True)
    ]
    numbered = runs.assign(**{CONFIG_ID: numbers})
    return numbered.drop(columns=[KIND, PLACE, WIDTH, DIVERGED_AT, CORPUS, VERSIONS])


def _each_once(parts: Sequence[pd.DataFrame], run: list[str]) -> pd.DataFrame:
    """The parts one under the other; a run that several have is taken from the first of them."""
    frame = pd.concat(parts, keys=range(len(parts)), names=["part"]).reset_index("part")
    first = frame.groupby(run, observed=True)["part"].transform("min")
    return frame[frame["part"] == first].drop(columns="part").reset_index(drop=True)
