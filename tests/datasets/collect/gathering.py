"""Collecting in this process, with a record of what was trained."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from hyperbo.jobs import Failed, Finished, Job, SerialExecutor
from hyperbo_datasets.collect.collection import Plan, collect
from hyperbo_datasets.schema import TuningTable


@dataclass(frozen=True)
class Recorder:
    """Runs jobs one by one and remembers what was trained."""

    jobs: list[Job] = field(default_factory=list)
    before: Callable[[], object] = lambda: None

    def run(self, jobs: Sequence[Job]) -> Generator[Finished | Failed, None, None]:
        """Yield the outcomes in the order of the jobs."""
        for job in jobs:
            self.before()
            self.jobs.append(job)
            yield from SerialExecutor().run([job])

    @property
    def trained(self) -> list[tuple[str, str, int]]:
        """The task, kind and place of every run that was trained."""
        return [
            (str(job.arguments["task"]), str(job.arguments["kind"]), place)
            for job in self.jobs
            if "kind" in job.arguments
            for place in range(
                job.arguments["first"], job.arguments["first"] + job.arguments["count"]
            )
        ]


def gather(wanted: Plan, folder: Path) -> Recorder:
    """Collect in this process, and tell what was trained."""
    recorder = Recorder()
    collect(wanted, folder, executor=recorder)
    return recorder


def assert_same(table: TuningTable, expected: TuningTable) -> None:
    """Two tables hold the same runs, bit by bit; only what they cost may differ."""
    order = ["task", "config_id", "step"]
    frames = [
        each.frame.astype({"task": str}).sort_values(order, ignore_index=True).drop(columns="cost")
        for each in (table, expected)
    ]
    pd.testing.assert_frame_equal(*frames, check_exact=True)
    assert table.provenance == expected.provenance
