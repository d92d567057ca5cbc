"""`hyperbo study live`, as a user runs it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from hyperbo_datasets.sources.pd1 import SPACE
from hyperbo_service.choices import OptimizerName, SizeName
from hyperbo_service.cli import app
from hyperbo_service.commands.study_live import _study_id
from tests.datasets.collect.conftest import cloud

__all__ = ["cloud"]

Run = Callable[..., Result]
TASK = "cloud_middle_4"
STUDY = "live-cloud-middle-4-nesterov"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's home of the test's own."""
    return tmp_path / "home"


@pytest.fixture
def run(home: Path, cloud: Path) -> Run:  # noqa: ARG001 - the corpus lies in the home
    """Run `hyperbo study` on a file in that home."""
    runner = CliRunner(env={"HYPERBO_HOME": str(home), "COLUMNS": "120"})

    def invoke(*arguments: object) -> Result:
        return runner.invoke(app, ["study", *(str(each) for each in arguments), "--local"])

    return invoke


@pytest.fixture
def live(run: Run) -> Run:
    """Train two runs from nothing."""
    return lambda *arguments: run("live", *arguments, "--trials", 2, "--prior", "none")


def told(result: Result) -> Any:
    """The JSON that a command printed."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_trials_are_training_runs(live: Run, run: Run) -> None:
    """Each trial is a run of PD1's parameters with its curve; the best one is told."""
    document = told(live(TASK, "--json"))

    assert document["study"] == STUDY
    assert [each["number"] for each in document["trials"]] == [1, 2]
    for each in document["trials"]:
        SPACE.check(each["parameters"])
    errors = [each["error_rate"] for each in document["trials"] if each["error_rate"] is not None]
    assert document["best"] == min(errors)
    trials = told(run("trials", STUDY, "--curves", "--json"))
    curves = [each["measurements"] for each in trials if each["state"] == "completed"]
    assert [len(curve) for curve in curves] == [10] * len(errors)


def test_the_same_command_goes_on(live: Run) -> None:
    """The study is the workload's own; a second call adds trials to it."""
    live(TASK)

    assert [each["number"] for each in told(live(TASK, "--json"))["trials"]] == [3, 4]


def test_equal_seeds_tune_alike(live: Run) -> None:
    """Suggestions, models and batches all follow from the seed."""
    runs = [
        [(each["parameters"], each["error_rate"]) for each in told(found)["trials"]]
        for found in (
            live(TASK, "--study", "one", "--seed", 5, "--json"),
            live(TASK, "--study", "two", "--seed", 5, "--json"),
            live(TASK, "--study", "three", "--seed", 6, "--json"),
        )
    ]

    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_option_is_the_command(run: Run) -> None:
    """`--live WORKLOAD` and `--live=WORKLOAD` stand for `live WORKLOAD`."""
    few = ("--trials", 1, "--prior", "none", "--json")

    assert told(run("--live", TASK, *few))["study"] == STUDY
    assert told(run(f"--live={TASK}", *few))["trials"][0]["number"] == 2


def test_shows_every_run(live: Run) -> None:
    """People see parameters and error of each run, the best one, and how to go on."""
    result = live(TASK)

    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.stdout.splitlines() if line.strip()[:1] in {"1", "2"}]
    assert [len(row) for row in rows] == [7, 7]
    assert "Best error" in result.stdout
    assert "Suggested from the prior: none" in result.stdout
    assert f"hyperbo study show {STUDY}" in result.stdout


def test_conditional_space_is_shown(live: Run) -> None:
    """Where runs have different parameters, each run says its own."""
    result = live(TASK, "--optimizer", "chosen")

    assert result.exit_code == 0, result.output
    text = " ".join(result.stdout.split())
    assert text.count("optimizer nesterov, decay_steps_factor") >= 1
    assert text.count("optimizer adamw, learning_rate") >= 1
    assert text.count("optimizer ") == 2


def test_divergence_is_told(live: Run, run: Run) -> None:
    """A run that diverges is infeasible, and there is no best one."""
    document, shown = told(live("cloud_abyss_4", "--json")), live("cloud_abyss_4").stdout

    assert [each["error_rate"] for each in document["trials"]] == [None, None]
    assert document["best"] is None
    assert shown.count("diverged") == 2
    trials = told(run("trials", "live-cloud-abyss-4-nesterov", "--json"))
    assert {each["state"] for each in trials} == {"infeasible"}


def test_other_sizes_are_another_study() -> None:
    """What is not to be compared does not share a study."""
    names = {
        _study_id(TASK, optimizer, size, seed)
        for optimizer in OptimizerName
        for size in SizeName
        for seed in range(2)
    }

    assert STUDY in names
    assert f"{STUDY}-published" in names
    assert f"{STUDY}-seed1" in names
    assert len(names) == 12


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("cloud_midle_4", "Did you mean 'middle'?"),
        ("cloud_middle", "such as kjv_gemma2_16"),
        ("cifar10_mlp_8", "hyperbo data corpora --download cifar10"),
    ],
)
def test_what_cannot_be_trained_is_refused(run: Run, home: Path, task: str, words: str) -> None:
    """One line says what would be right; no study is made."""
    result = run("live", task)

    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert (result.exit_code, result.stdout, len(lines)) == (2, "", 1)
    assert words in lines[0]
    assert not (home / "local.db").exists()


def test_another_prior_is_another_study(run: Run, live: Run) -> None:
    """A study goes on with the prior that it was begun with, and refuses any other."""
    assert live(TASK).exit_code == 0

    refused = run("live", TASK, "--trials", 1, "--prior", "auto")
    went_on = run("live", TASK, "--trials", 1, "--json")

    assert refused.exit_code == 2
    assert "begun with the prior 'none', not 'auto'" in " ".join(refused.stderr.split())
    assert [each["number"] for each in told(went_on)["trials"]] == [3]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("cloud_middle_8",), "begun with the workload 'cloud_middle_4', not 'cloud_middle_8'"),
        ((TASK, "--seed", 1), "begun with the seed '0', not '1'"),
    ],
)
def test_trials_of_one_study_may_be_compared(
    live: Run, run: Run, arguments: tuple[object, ...], words: str
) -> None:
    """Runs of another workload or seed are not mixed in."""
    assert live(TASK, "--study", "mine").exit_code == 0

    refused = live(*arguments, "--study", "mine")

    assert refused.exit_code == 2
    assert words in " ".join(refused.stderr.split())
    assert len(told(run("trials", "mine", "--json"))) == 2
