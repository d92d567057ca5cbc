"""Sweeps: what a job is known by, and the rows it makes."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hyperbo.jobs import installed_versions
from hyperbo_datasets.collect import speed
from hyperbo_datasets.collect.blocks import Block
from hyperbo_datasets.collect.optimizers import Nesterov
from hyperbo_datasets.collect.points import Kind, configurations
from hyperbo_datasets.collect.sweep import (
    METRIC_NAME,
    WIDTHS,
    Sweep,
    block_job,
    digest_of,
    fastest_widths,
    measure_speed,
    speed_jobs,
    train_block,
)
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.collect.workloads.catalogue import corpus_digest
from hyperbo_datasets.collect.workloads.size import Size
from hyperbo_datasets.errors import CorpusError
from tests.datasets.collect.conftest import forget_corpora
from tests.datasets.collect.tiny import STEPS

SWEEP = Sweep("nesterov", Size.SMALL)
TASK, ABYSS = TaskName("cloud", "middle", 4), TaskName("cloud", "abyss", 4)

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def block() -> pd.DataFrame:
    """Six configurations, four at a time."""
    return train_block(SWEEP, TASK, Kind.UNMATCHED, 2, 6, 4, digest_of(TASK))


def test_a_row_for_every_evaluation(block: pd.DataFrame) -> None:
    """Ten evaluations of each run, in order, with the configuration that its place stands for."""
    for place, run in block.groupby("place"):
        assert run["step"].tolist() == list(range(2, STEPS + 1, 2)) or "diverged" in set(
            run["status"]
        )
        point = configurations(Nesterov().space, TASK, Kind.UNMATCHED, int(str(place)), 1, 0)[0]
        assert run[[*point]].drop_duplicates().to_dict("records") == [point]
    assert block["place"].unique().tolist() == [2, 3, 4, 5, 6, 7]
    assert {*block["task"]} == {"cloud_middle_4"}
    assert {*block["kind"]} == {"unmatched"}
    assert ({*block["seed"]}, {*block["width"]}) == ({0}, {4})


def test_curves_have_no_holes(block: pd.DataFrame) -> None:
    """Completed evaluations are numbers; only a run's last row may lack one, where it diverged."""
    completed = block[block["status"] == "completed"]

    assert np.isfinite(completed[METRIC_NAME]).all()
    assert (completed["diverged_at"] == 0).all()
    assert (block.groupby("place")["cost"].diff().dropna() > 0).all()
    assert (block.groupby("place")["step"].diff().dropna() > 0).all()


def test_how_runs_are_cut_into_blocks_changes_nothing(block: pd.DataFrame) -> None:
    """Two blocks, or other neighbours, give the same rows, but for rounding and time."""
    digest = digest_of(TASK)
    parts = [train_block(SWEEP, TASK, Kind.UNMATCHED, first, 3, 4, digest) for first in (2, 5)]

    order = ["place", "step"]
    together = block.sort_values(order, ignore_index=True).drop(columns="cost")
    apart = pd.concat(parts).sort_values(order, ignore_index=True).drop(columns="cost")
    pd.testing.assert_frame_equal(apart, together, check_exact=True)


def test_a_run_that_diverges_ends_with_a_row() -> None:
    """The row stands at the step of the divergence, and nothing comes after it."""
    rows = train_block(SWEEP, ABYSS, Kind.MATCHED, 0, 3, 2, digest_of(ABYSS))

    assert rows["place"].tolist() == [0, 1, 2]
    assert rows["step"].tolist() == rows["diverged_at"].tolist() == [1, 1, 1]
    assert {*rows["status"]} == {"diverged"}
    assert rows[METRIC_NAME].isna().all()


def test_a_worker_with_other_data_trains_nothing() -> None:
    """On a machine of a cluster whose corpus differs, the error names it and the way out."""
    with pytest.raises(CorpusError, match=r"cloud has another content on .+\. Bring the same"):
        train_block(SWEEP, TASK, Kind.MATCHED, 0, 3, 1, "0" * 16)


def test_a_block_says_what_it_was_made_with(block: pd.DataFrame) -> None:
    """The corpus's digest, and the versions of Python, JAX and Optax."""
    (versions,) = {*block["versions"]}

    assert {*block["corpus"]} == {digest_of(TASK)}
    assert json.loads(versions) == installed_versions()
    assert {"python", "jax", "jaxlib", "optax"} <= {*json.loads(versions)}


def test_conditional_configurations_have_holes() -> None:
    """Under the conditional space, parameters that take no part are missing."""
    rows = train_block(Sweep("chosen", Size.SMALL), TASK, Kind.MATCHED, 0, 6, 1, digest_of(TASK))

    is_adamw = rows["optimizer"] == "adamw"
    assert 0 < is_adamw.sum() < len(rows)
    assert (rows["adamw.beta1"].notna() == is_adamw).all()
    assert (rows["hps.lr_hparams.power"].isna() == is_adamw).all()


def test_a_jobs_settings_are_for_good() -> None:
    """A folder of an earlier release goes on: a block is known by these settings."""
    job = block_job(SWEEP, Block(TASK, Kind.UNMATCHED, 16, 8), width=8)

    assert job.settings == {
        "optimizer": "nesterov",
        "size": "small",
        "seed": 0,
        "task": "cloud_middle_4",
        "corpus": corpus_digest("cloud")[:16],
        "kind": "unmatched",
        "first": 16,
        "count": 8,
    }
    assert job.key == block_job(SWEEP, Block(TASK, Kind.UNMATCHED, 16, 8), width=1).key


def test_other_data_are_another_job(cloud: Path) -> None:
    """Runs on another content of a corpus are not taken for these."""
    block = Block(TASK, Kind.MATCHED, 0, 16)
    before = block_job(SWEEP, block, 1).key

    cloud.write_text(cloud.read_text().replace(",1\n", ",0\n", 1))
    forget_corpora()

    assert block_job(SWEEP, block, 1).key != before


def test_the_fastest_width_is_taken() -> None:
    """For each task the width with the least seconds a run."""
    speeds = pd.DataFrame(
        {
            "task": ["a_b_1", "a_b_1", "c_d_2", "c_d_2"],
            "width": [1, 8, 1, 8],
            "seconds": [0.5, 0.7, 0.5, 0.1],
        }
    )

    assert fastest_widths(speeds) == {TaskName("a", "b", 1): 1, TaskName("c", "d", 2): 8}


def test_the_speed_command_counts_who_gains(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A row for each task asked for, one by one over the better of the others."""
    monkeypatch.setattr(speed, "DEFAULT_TASKS", (TASK, TaskName("cloud", "middle", 8)))
    monkeypatch.setattr(speed.os, "sched_setaffinity", lambda *_: None, raising=False)
    seconds = dict(zip(WIDTHS, (0.6, 0.4, 0.3), strict=True))
    monkeypatch.setattr(
        speed,
        "measure_speed",
        lambda _, task: pd.DataFrame(
            {"task": str(task), "width": [*seconds], "seconds": [*seconds.values()]}
        ),
    )

    speed.main(["--tasks", "*_4"])

    *_, row, count = capsys.readouterr().out.splitlines()
    assert row.split() == ["cloud_middle_4", "0.600", "0.400", "0.300", "2.000"]
    assert count == "at least 1.5 times faster side by side: 1 of 1"


@pytest.mark.parametrize("task", [TASK, ABYSS], ids=str)
def test_speed_is_measured_for_every_width(task: TaskName) -> None:
    """Each way has its seconds a run, even where every run diverges at once."""
    (job,) = speed_jobs(SWEEP, [task])

    found = measure_speed(**job.arguments)

    assert found["width"].tolist() == list(WIDTHS)
    assert (found["seconds"] > 0).all()
