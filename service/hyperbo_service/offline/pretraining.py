"""Pre-training from a table: choose tasks, train, score on tasks held out, store with lineage."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hyperbo.pretraining import standardise
from hyperbo.prior_manifest import PriorReference, TrainingData
from hyperbo.registry import Registry
from hyperbo.surrogates import Expert
from hyperbo.tasks import Task
from hyperbo_datasets.schema import TuningTable
from hyperbo_datasets.store import content_digest
from hyperbo_datasets.to_tasks import to_tasks
from hyperbo_service.errors import CommandError
from hyperbo_service.names import pick_all
from hyperbo_service.offline.evidence import log_evidence_per_point
from hyperbo_service.offline.trainers import Report, Trainer, random_key

HELD_OUT_POINTS = 100


@dataclass(frozen=True)
class Division:
    """Which of a table's tasks are learned from, and which are kept for scoring.

    Attributes:
        training: Tasks to learn from.
        held_out: Tasks to score on.
    """

    training: tuple[Task, ...]
    held_out: tuple[Task, ...]


@dataclass(frozen=True)
class Pretrained:
    """What came of a pre-training.

    Attributes:
        expert: The prior.
        trained_on: The tasks that it learned from.
        left_out: Names of tasks that teach nothing: constant, or of one point.
        held_out_scores: Log evidence per point on each task held out, in nats.
        seconds: Wall time of the training.
    """

    expert: Expert
    trained_on: tuple[Task, ...]
    left_out: tuple[str, ...]
    held_out_scores: Mapping[str, float]
    seconds: float

    @property
    def points(self) -> int:
        """Number of results learned from."""
        return sum(task.size for task in self.trained_on)


def divide(table: TuningTable, wanted: list[str], held_out: list[str]) -> Division:
    """Divide a table's tasks into those learned from and those held out.

    Args:
        table: The table.
        wanted: Names of the tasks to learn from; none means all but those held out.
        held_out: Names of the tasks to hold out.

    Raises:
        UnknownNameError: If a task is unknown.
        CommandError: If a task is to be both, or nothing is left.
        TableError: If the table is not usable.
    """
    kept = pick_all(held_out, table.tasks, f"task in table {table.name!r} called")
    chosen = pick_all(wanted, table.tasks, f"task in table {table.name!r} called")
    both = [name for name in chosen if name in kept]
    if both:
        raise CommandError(f"Task {both[0]!r} is both learned from and held out; choose one.")
    training = chosen or tuple(name for name in table.tasks if name not in kept)
    if not training:
        raise CommandError("Every task is held out; leave some to learn from.")
    return Division(
        tuple(to_tasks(table, task_names=training)),
        tuple(to_tasks(table, task_names=kept)) if kept else (),
    )


def pretrain(division: Division, trainer: Trainer, seed: int, report: Report) -> Pretrained:
    """Train a prior and score it on the tasks held out.

    Raises:
        TaskError: If fewer than three tasks vary.
    """
    begun = time.monotonic()
    tasks = standardise(list(division.training))
    expert = trainer.train(random_key(seed), tasks, report)
    seconds = time.monotonic() - begun
    scores = {
        task.name: log_evidence_per_point(expert, task, points=HELD_OUT_POINTS, seed=0)
        for task in division.held_out
    }
    trained_on = tuple(task for task in division.training if task.name not in tasks.left_out)
    return Pretrained(expert, trained_on, tasks.left_out, scores, seconds)


def store(
    registry: Registry,
    name: str,
    table: TuningTable,
    found: Pretrained,
    lineage: Mapping[str, Any],
) -> PriorReference:
    """Save a prior with where it comes from.

    Raises:
        PriorError: As `Registry.save`.
    """
    scores = dict(found.held_out_scores)
    mean = float(np.mean(list(scores.values()))) if scores else None
    return registry.save(
        name,
        found.expert,
        space=table.space,
        metric=table.metric.to_dict(),
        training=TrainingData.of(found.trained_on),
        scores={"held_out_log_evidence_per_point": mean, "by_task": scores} if scores else {},
        notes={
            "table": {"name": table.name, "content_sha256": content_digest(table)},
            "left_out": list(found.left_out),
            "seconds": round(found.seconds, 2),
            **lineage,
        },
    )
