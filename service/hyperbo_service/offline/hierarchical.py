"""Pre-training of a hierarchical prior from several tables: it serves spaces never seen."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hyperbo.pretraining import Progress, pretrain_hierarchical, standardise
from hyperbo.prior_manifest import PriorReference, TrainingData
from hyperbo.registry import Registry
from hyperbo.surrogates import HierarchicalPrior
from hyperbo_datasets.schema import TuningTable
from hyperbo_datasets.store import content_digest
from hyperbo_datasets.to_tasks import to_tasks
from hyperbo_service.errors import CommandError
from hyperbo_service.offline.trainers import random_key

SETTINGS: Mapping[str, Any] = {"model": "hierarchical"}


def pretrain(
    tables: Sequence[TuningTable], seed: int, report: Callable[[str, Progress], None]
) -> HierarchicalPrior:
    """Learn how process parameters are distributed over the tables' search spaces.

    Args:
        tables: One for each search space.
        seed: Which results are looked at.
        report: Told the stage and the progress in it.

    Raises:
        TaskError: If there are fewer than two tables, or one has too few tasks that vary.
        CommandError: If two tables have one search space.
    """
    digests = [table.space.digest() for table in tables]
    repeated = [table.name for table in tables if digests.count(table.space.digest()) > 1]
    if repeated:
        raise CommandError(
            f"The tables {', '.join(repeated)} have one and the same search space; the "
            "hierarchical model learns from how spaces differ. Give one table for each space."
        )
    return pretrain_hierarchical(
        random_key(seed),
        [standardise(to_tasks(table)) for table in tables],
        on_progress=lambda place, progress: report(f"learning {tables[place].name}", progress),
    )


def store(
    registry: Registry,
    name: str,
    tables: Sequence[TuningTable],
    prior: HierarchicalPrior,
    lineage: Mapping[str, Any],
) -> PriorReference:
    """Save a hierarchical prior with where it comes from.

    Raises:
        PriorError: As `Registry.save`.
    """
    return registry.save(
        name,
        prior,
        space=None,
        metric=None,
        training=TrainingData.of([task for table in tables for task in to_tasks(table)]),
        scores={},
        notes={
            "tables": {table.name: {"content_sha256": content_digest(table)} for table in tables},
            **lineage,
        },
    )
