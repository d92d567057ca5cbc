"""Sweeps: blocks of training runs as jobs, each done anywhere, resumed after a kill."""

import json
import math
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from hyperbo.jobs import Job, installed_versions
from hyperbo.space import Value
from hyperbo_datasets.collect.blocks import BLOCK, Block
from hyperbo_datasets.collect.optimizers import OPTIMIZERS, Optimizer
from hyperbo_datasets.collect.points import Kind, configurations
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.collect.train import Evaluation, Trainer
from hyperbo_datasets.collect.workloads.catalogue import build, corpus_digest
from hyperbo_datasets.collect.workloads.size import Size
from hyperbo_datasets.errors import CollectError, CorpusError
from hyperbo_datasets.schema import COST, SEED, STATUS, STEP, TASK, Status

METRIC_NAME = "valid/error_rate"
KIND, PLACE, WIDTH, DIVERGED_AT = "kind", "place", "width", "diverged_at"
CORPUS, VERSIONS = "corpus", "versions"

WIDTHS = (1, 4, 8)
"""How many configurations at once are tried for speed; each divides the block."""

LEAST_ROUNDS, LEAST_SECONDS = 3, 2.0
"""How often, and for how long, each of them is timed at least."""


@dataclass(frozen=True)
class Sweep:
    """What is collected: every task's runs follow from it.

    Attributes:
        optimizer: The optimiser's name; see `OPTIMIZERS`.
        size: Size of the networks and of their data.
        seed: Of the points, the initial models and the order of the examples.
    """

    optimizer: str
    size: Size
    seed: int = 0

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS or self.seed < 0:
            raise CollectError(
                f"Nothing is swept by the optimiser {self.optimizer!r} with the seed {self.seed}; "
                f"wanted one of {', '.join(OPTIMIZERS)}, and a seed of 0 or more."
            )

    @property
    def settings(self) -> dict[str, Any]:
        """What a folder of results is bound to."""
        return {"optimizer": self.optimizer, "size": self.size.value, "seed": self.seed}


def block_job(sweep: Sweep, block: Block, width: int) -> Job:
    """The job that trains a block.

    How many configurations are trained side by side is none of its settings: it changes the time
    that a run takes, and its result by rounding only.

    Args:
        sweep: The sweep.
        block: The configurations.
        width: How many are trained side by side.
    """
    return Job(
        settings={
            **_settings(sweep, block.task),
            "kind": block.kind.value,
            "first": block.first,
            "count": block.count,
        },
        function=train_block,
        arguments={
            "sweep": sweep,
            "task": block.task,
            "kind": block.kind,
            "first": block.first,
            "count": block.count,
            "width": width,
            "corpus": digest_of(block.task),
        },
    )


def speed_jobs(sweep: Sweep, tasks: Sequence[TaskName]) -> list[Job]:
    """A job for each task that measures how many configurations at once are fastest."""
    return [
        Job(
            settings={**_settings(sweep, task), "widths": list(WIDTHS)},
            function=measure_speed,
            arguments={"sweep": sweep, "task": task},
        )
        for task in tasks
    ]


def fastest_widths(speeds: pd.DataFrame) -> dict[TaskName, int]:
    """The width with the least seconds a run, by task, from what `measure_speed` found."""
    best = speeds.loc[speeds.groupby(TASK)["seconds"].idxmin()]
    return {
        TaskName.parse(str(task)): int(width)
        for task, width in zip(best[TASK], best[WIDTH], strict=True)
    }


def digest_of(task: TaskName) -> str:
    """What tells the content of a task's corpus, here and now, from any other."""
    return corpus_digest(task.corpus)[:16]


def train_block(
    sweep: Sweep, task: TaskName, kind: Kind, first: int, count: int, width: int, corpus: str
) -> pd.DataFrame:
    """Train a block of configurations, and record every evaluation of each.

    Args:
        sweep: The sweep.
        task: The task.
        kind: Of which sequence the configurations are.
        first: Place of the first.
        count: How many.
        width: How many are trained side by side.
        corpus: The digest that the task's corpus must have, wherever this runs.

    Returns:
        A row for each evaluation: task, `kind`, `place` in its sequence, the parameters, seed,
        step, error rate, status, cost (seconds since the run began), `width`, `diverged_at` (the
        step at which the run diverged, 0 if it did not), `corpus` and `versions` (of Python and
        packages, as JSON). A run that diverges ends with a row at that step, without error rate.

    Raises:
        CorpusError: If the corpus is missing, damaged, or of another content.
    """
    if digest_of(task) != corpus:
        raise CorpusError(
            f"The corpus {task.corpus} has another content on {platform.node()} than where the "
            "collection was begun. Bring the same files there, or leave the task out."
        )
    optimizer = OPTIMIZERS[sweep.optimizer]
    points = configurations(optimizer.space, task, kind, first, count, sweep.seed)
    trainer = _trainer(sweep, task, width)
    rows = [
        {TASK: str(task), KIND: kind.value, PLACE: first + begin + place, **row, SEED: sweep.seed}
        for begin in range(0, count, width)
        for place, row in _train(trainer, optimizer, points[begin : begin + width])
    ]
    made_with = {CORPUS: corpus, VERSIONS: json.dumps(installed_versions())}
    return pd.DataFrame(rows).assign(**{WIDTH: width}, **made_with)


def measure_speed(sweep: Sweep, task: TaskName) -> pd.DataFrame:
    """Seconds a run takes, by the number of configurations that are trained side by side.

    Timed from one evaluation to the next, without compilation: the least of several, since whatever
    else a machine does only adds, taken in turn, since a machine may be fast now and slow later.

    Returns:
        A row for each width: task, `width`, `seconds` a run.
    """
    optimizer, workload = OPTIMIZERS[sweep.optimizer], build(task, sweep.size)
    points = configurations(optimizer.space, task, Kind.MATCHED, 0, BLOCK, sweep.seed)
    trainers = [Trainer(workload, optimizer, sweep.seed, width) for width in WIDTHS]
    rounds: list[list[float]] = []
    begun = time.perf_counter()
    while len(rounds) < LEAST_ROUNDS or time.perf_counter() - begun < LEAST_SECONDS:
        rounds.append([each.time_evaluation(points[: each.width]) for each in trainers])
    seconds = np.min(rounds, axis=0) * [each.evaluations for each in trainers]
    return pd.DataFrame({TASK: str(task), WIDTH: WIDTHS, "seconds": seconds})


def _train(
    trainer: Trainer, optimizer: Optimizer, points: Sequence[Mapping[str, Value]]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every evaluation of every run, up to where it diverged, as a place and a row."""
    ended: set[int] = set()
    for evaluations in trainer.train(points):
        for place, found in enumerate(evaluations):
            if place not in ended:
                yield place, _row(optimizer, points[place], found)
            if found.diverged_at is not None:
                ended.add(place)


def _row(optimizer: Optimizer, point: Mapping[str, Value], found: Evaluation) -> dict[str, Any]:
    has_diverged = found.diverged_at is not None
    return {
        **{name: point.get(name) for name in optimizer.space.names},
        STEP: found.diverged_at if has_diverged else found.step,
        METRIC_NAME: math.nan if has_diverged else found.error_rate,
        STATUS: (Status.DIVERGED if has_diverged else Status.COMPLETED).value,
        COST: found.seconds,
        DIVERGED_AT: found.diverged_at or 0,
    }


def _settings(sweep: Sweep, task: TaskName) -> dict[str, Any]:
    return {**sweep.settings, "task": str(task), "corpus": digest_of(task)}


@lru_cache(maxsize=2)
def _trainer(sweep: Sweep, task: TaskName, width: int) -> Trainer:
    """Kept by the worker process from block to block, with its data and compiled programs."""
    return Trainer(build(task, sweep.size), OPTIMIZERS[sweep.optimizer], sweep.seed, width)
