"""`hyperbo quickstart --live`, and the benchmark of the same, on a workload that trains at once."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from hyperbo.registry import Registry
from hyperbo.space import sample_halton
from hyperbo.suggest import from_scratch
from hyperbo_datasets.catalogue import resolve
from hyperbo_datasets.collect.collected_table import METRIC
from hyperbo_datasets.collect.optimizers import Nesterov
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.collect.train import Trainer
from hyperbo_datasets.schema import make_table
from hyperbo_datasets.sources.pd1 import SPACE
from hyperbo_datasets.store import folder_for, save
from hyperbo_service.benchmark import live_study
from hyperbo_service.cli import app
from hyperbo_service.offline.live_race import Course, tune, unrelated_tasks
from tests.datasets.collect.conftest import cloud
from tests.datasets.collect.tiny import middle

__all__ = ["cloud"]

WORKLOAD = "cloud_middle_4"
UNRELATED = ("a_mlp_8", "b_gemma_8", "b_griffin_8")


@pytest.fixture(autouse=True)
def mine(home: Path, cloud: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    """A corpus, and a collected table some of whose tasks are related to it."""
    monkeypatch.setenv("HYPERBO_HOME", str(home))
    points = SPACE.decode(sample_halton(SPACE, 8, np.random.default_rng(0)))
    frames = [
        pd.DataFrame(points).assign(
            **{"task": task, "config_id": range(8), METRIC.name: np.linspace(0.1, 0.9, 8)}
        )
        for task in (*UNRELATED, "cloud_mlp_8", "a_middle_8")
    ]
    save(make_table("mine", SPACE, METRIC, pd.concat(frames)), folder_for("mine"))


def test_learns_from_unrelated_tasks_and_trains(home: Path) -> None:
    """A prior that saw neither corpus nor network is stored; two starts train the same runs."""
    result = CliRunner().invoke(app, ["quickstart", "--live", WORKLOAD, "--table", "mine",
                                 "--trials", "2", "--steps", "10", "--json"])  # fmt: skip

    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["workload"] == WORKLOAD
    assert {*document["error_rates"]} == {"HyperBO", "GP from scratch"}
    for errors in document["error_rates"].values():
        assert len(errors) == 2
        assert all(0.0 <= error <= 1.0 for error in errors)
    manifest = Registry(home / "priors").load("quickstart-live").manifest
    assert manifest.training.tasks == UNRELATED


def test_a_race_is_run_for_every_seed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The benchmark prints a row for each start and keeps each run."""
    file = tmp_path / "runs.json"

    live_study.main([WORKLOAD, "--table", "mine", "--seeds", "1", "--trials", "2",
                     "--out", str(file)])  # fmt: skip

    lines = capsys.readouterr().out.splitlines()
    assert lines[-4] == "| start | 1 runs | 2 runs |"
    assert [line.split("|")[1].strip() for line in lines[-2:]] == ["HyperBO", "GP from scratch"]
    courses = json.loads(file.read_text())
    assert [(each["method"], each["seed"], len(each["errors"])) for each in courses] == [
        ("HyperBO", 0, 2),
        ("GP from scratch", 0, 2),
    ]


def test_every_seed_has_a_design_of_its_own() -> None:
    """From nothing, seeds begin with other configurations, and equal seeds with the same."""
    trainer = Trainer(middle(), Nesterov())

    courses = [
        tune(trainer, Nesterov(), from_scratch(4), "a", seed, 3, lambda *_: None).errors
        for seed in (0, 0, 1)
    ]

    assert courses[0] == courses[1]
    assert not {*courses[0]} & {*courses[2]}


def test_the_summary_is_of_the_least_errors() -> None:
    """Means over seeds of the best so far, with their range."""
    courses = [Course("a", 0, (0.5, 0.7), 1.0), Course("a", 1, (0.9, 0.2), 1.0)]

    assert live_study.summary(courses).splitlines()[2:] == [
        "| a | 0.700 (0.500-0.900) | 0.350 (0.200-0.500) |"
    ]


def test_nothing_related_is_learned_from() -> None:
    """Of the bundled table, a Gemma keeps no Gemma, distilled or not, and no other code."""
    names = [task.name for task in unrelated_tasks(
        resolve("pd1-mini"), TaskName("python-source", "gemma", 8))]  # fmt: skip

    assert "kjv_gemma2_8" in names
    assert not [name for name in names if "_gemma_" in name or "_gemma-" in name]
    assert not [name for name in names if name.startswith("python-source")]
