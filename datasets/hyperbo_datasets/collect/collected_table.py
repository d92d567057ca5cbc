"""The tuning table that a collection makes, and which earlier tables a sweep may add to."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hyperbo.errors import StudyError
from hyperbo.jobs import read_manifest, read_results, read_results_by_key
from hyperbo_datasets.checks import validate
from hyperbo_datasets.collect.optimizers import OPTIMIZERS
from hyperbo_datasets.collect.points import Kind, config_id, configurations, place_of
from hyperbo_datasets.collect.sweep import (
    CORPUS,
    DIVERGED_AT,
    KIND,
    METRIC_NAME,
    PLACE,
    VERSIONS,
    WIDTH,
    Sweep,
    digest_of,
)
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.errors import CollectError
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


def check_corpora(base: TuningTable, tasks: Sequence[TaskName]) -> None:
    """Refuse to add runs that are trained on other data than those of the same task before.

    Raises:
        CollectError: If a task's corpus has another content here than the table's runs were
            trained on.
    """
    known: Mapping[str, str] = base.provenance.settings.get("corpora", {})
    changed = [str(t) for t in tasks if known.get(str(t)) not in (None, digest_of(t))]
    if changed:
        raise CollectError(
            f"The runs of {', '.join(changed)} in the table {base.name!r} were trained on another "
            "content of the corpus than it has here. Bring that back, or leave the tasks out."
        )


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
