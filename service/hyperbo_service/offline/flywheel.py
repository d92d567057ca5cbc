"""Finished studies of the service as a table to pre-train from: which ones, and their trials."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hyperbo.space import SearchSpace
from hyperbo_datasets.metric import Identity, Metric, Warp, goal_from_name
from hyperbo_datasets.schema import TuningTable
from hyperbo_datasets.sources import service as source
from hyperbo_service.client import Client, StudyRecord, TrialRecord
from hyperbo_service.errors import CommandError

FEWEST_STUDIES = 3
"""Tasks from which what they have in common can be learned."""

Kind = tuple[str, str]
"""What studies must share: the search space's digest and the goal."""


@dataclass(frozen=True)
class Wanted:
    """Which studies to learn from.

    Attributes:
        kind: Their search space and goal; None: the only kind of which there are enough.
        metric: Name of their metric; None: any.
        filter: What else they must fulfil, as the service filters.
        min_trials: How many trials of each must have told something.
        warp: How a model shall see the metric.
    """

    kind: Kind | None = None
    metric: str | None = None
    filter: str = ""
    min_trials: int = 10
    warp: Warp = field(default_factory=Identity)


@dataclass(frozen=True)
class Selection:
    """What there is to learn from.

    Attributes:
        table: A task for each study.
        digest: The search space's digest.
        trials: Number of trials by study.
    """

    table: TuningTable
    digest: str
    trials: Mapping[str, int]

    @property
    def default_name(self) -> str:
        """A name for the prior that is the same whenever the search space is."""
        return f"studies-{self.digest[:8]}"

    @property
    def told(self) -> str:
        """What there is, in words."""
        return (
            f"{len(self.trials)} studies with {sum(self.trials.values()):,} trials fit: "
            f"{', '.join(self.trials)}"
        )

    def lineage(self, address: str, project: str, wanted: Wanted) -> dict[str, Any]:
        """Where the prior comes from, for its manifest."""
        return {
            "service": {
                "server": address,
                "project": project,
                "filter": wanted.filter,
                "space_sha256": self.digest,
                "studies": dict(self.trials),
                "trials": sum(self.trials.values()),
            }
        }


def kind_of(record: StudyRecord) -> Kind:
    """The kind of a study."""
    return space_of(record.space).digest(), record.goal


def space_of(document: Mapping[str, Any]) -> SearchSpace:
    """The search space of a JSON object."""
    return SearchSpace.from_json(json.dumps(dict(document)))


def select(client: Client, wanted: Wanted, report: Callable[[int, int], None]) -> Selection:
    """Choose completed studies and read their trials.

    Args:
        client: A client of the service.
        wanted: Which.
        report: Told how many studies of how many have been read.

    Raises:
        CommandError: If fewer fit than can be learned from; the message names what there is.
        TableError: If their values do not fit the warp.
    """
    conditions = " AND ".join(each for each in ("state = COMPLETED", wanted.filter) if each)
    found = list(client.studies(conditions))
    chosen = _chosen(found, wanted)
    studies = []
    for done, record in enumerate(chosen):
        report(done, len(chosen))
        studies.append(source.Study(record.id, _runs(client.study(record.id).export().trials)))
    report(len(chosen), len(chosen))
    first = chosen[0]
    digest, _ = kind_of(first)
    names = sorted({record.metric for record in chosen})
    metric = Metric("-".join(names), goal_from_name(first.goal), wanted.warp)
    table = source.load(
        f"studies-{digest[:8]}", space_of(first.space), metric, studies, "studies of the service"
    )
    return Selection(table, digest, {study.name: len(study.runs) for study in studies})


def _chosen(found: Sequence[StudyRecord], wanted: Wanted) -> list[StudyRecord]:
    """The studies to learn from, all of one kind."""
    kinds: dict[Kind, list[StudyRecord]] = defaultdict(list)
    for record in found:
        is_told = _told(record) >= wanted.min_trials
        if is_told and wanted.metric in (None, record.metric):
            kinds[kind_of(record)].append(record)
    if wanted.kind is not None:
        chosen = kinds.get(wanted.kind, [])
        if len(chosen) < FEWEST_STUDIES:
            raise CommandError(_too_few(len(chosen), found, kinds, wanted))
        return chosen
    enough = [records for records in kinds.values() if len(records) >= FEWEST_STUDIES]
    if len(enough) == 1:
        return enough[0]
    if enough:
        raise CommandError(
            f"There are {len(enough)} kinds of studies to learn from: {_listed(kinds)}. Say which "
            "by --like STUDY, or by --space FILE."
        )
    raise CommandError(_too_few(max(map(len, kinds.values()), default=0), found, kinds, wanted))


def _too_few(
    count: int,
    found: Sequence[StudyRecord],
    kinds: Mapping[Kind, Sequence[StudyRecord]],
    wanted: Wanted,
) -> str:
    small = sum(_told(record) < wanted.min_trials for record in found)
    there = f"Completed studies: {len(found)}"
    if small:
        there += f", {small} of them with fewer than {wanted.min_trials} finished trials"
    if kinds:
        there += f"; the others are {_listed(kinds)}"
    return (
        f"Studies that fit: {count}; a prior is learned from {FEWEST_STUDIES} or more of one "
        f"search space and goal. {there}. Complete more (hyperbo study finish), or lower "
        "--min-trials, or loosen --filter."
    )


def _listed(kinds: Mapping[Kind, Sequence[StudyRecord]]) -> str:
    """Each kind with some of its studies."""
    parts = []
    for (_, goal), records in kinds.items():
        names = ", ".join(record.id for record in records[:3])
        more = f" and {len(records) - 3} more" if len(records) > 3 else ""
        size = len(space_of(records[0].space).names)
        parts.append(f"{names}{more} (to {goal} {records[0].metric}, {size} parameters)")
    return "; ".join(parts)


def _told(record: StudyRecord) -> int:
    """How many trials say something of the objective."""
    counts = record.trial_counts
    completed = counts.get("completed", 0)
    return completed + counts.get("infeasible", 0) if completed else 0


def _runs(trials: Sequence[TrialRecord]) -> list[source.Run]:
    """The trials that say something of the objective."""
    return [
        source.Run(trial.parameters, trial.value, _seconds(trial))
        for trial in trials
        if trial.state in ("completed", "infeasible")
    ]


def _seconds(trial: TrialRecord) -> float | None:
    if trial.started is None or trial.ended is None:
        return None
    return max(0.0, (trial.ended - trial.started).total_seconds())
