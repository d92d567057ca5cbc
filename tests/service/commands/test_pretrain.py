"""`hyperbo pretrain`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from hyperbo.registry import Registry
from hyperbo_datasets.catalogue import resolve
from hyperbo_datasets.store import content_digest

Run = Callable[..., Result]
Refused = Callable[..., str]


def test_stores_prior_with_lineage(home: Path) -> None:
    """The stored prior names its tasks, its data's digest, the task held out and its score."""
    prior = Registry(home / "priors").load("toy@1")

    manifest = prior.manifest
    table = resolve(str(home / "tables" / "toy"))
    assert manifest.training.tasks == ("ants", "bees", "cats", "dogs")
    assert manifest.notes["table"] == {"name": "toy", "content_sha256": content_digest(table)}
    assert manifest.notes["left_out"] == ["flat"]
    assert manifest.metric == table.metric.to_dict()
    assert set(manifest.scores["by_task"]) == {"elks"}


def test_says_what_was_left_out(run: Run) -> None:
    """A constant task teaches nothing; that it was left out is said, and why."""
    result = run("pretrain", "toy", "--hold-out", "elks", "--steps", "5", "--json")

    assert json.loads(result.stdout)["left_out"] == ["flat"]
    assert "warning: left out" in result.stderr
    assert "flat" in result.stderr


def test_same_name_gets_next_version(run: Run) -> None:
    """A second prior of a name never replaces the first."""
    result = run("pretrain", "toy", "--hold-out", "elks", "--steps", "5")

    assert "Stored toy@2" in result.stdout
    assert run("prior", "verify", "toy@1").exit_code == 0


@pytest.mark.parametrize(
    ("model", "objective"), [("hyperbo", "nll"), ("ablr", "ekl"), ("fsbo", "euclid")]
)
def test_trains_every_model_and_objective(run: Run, model: str, objective: str) -> None:
    """Each model is trained by its objective and can be suggested from."""
    result = run(
        "pretrain", "toy", "--model", model, "--objective", objective,
        "--steps", "2", "--name", model, "--task", "ants,bees", "--task", "cats", "--json",
    )  # fmt: skip

    document = json.loads(result.stdout)
    assert document["tasks"] == ["ants", "bees", "cats"]
    assert document["settings"] == {
        "model": model, "objective": objective, "steps": 2, "seed": 0,
    }  # fmt: skip
    assert run("prior", "verify", model).exit_code == 0


def test_unknown_task_is_guessed(refused: Refused) -> None:
    """A misspelt task is answered with the one that was meant."""
    assert "Did you mean 'bees'?" in refused("pretrain", "toy", "--hold-out", "beez")


def test_task_cannot_be_both(refused: Refused) -> None:
    """A task is learned from or held out, not both."""
    message = refused("pretrain", "toy", "--task", "ants,bees,cats", "--hold-out", "ants")

    assert "both learned from and held out" in message


def test_too_few_tasks(refused: Refused, home: Path) -> None:
    """Two tasks have too little in common to learn from; nothing is stored."""
    assert "at least 3" in refused("pretrain", "toy", "--task", "ants,bees", "--name", "small")
    assert not (home / "priors" / "small").exists()


def test_bad_name_is_refused_before_training(refused: Refused) -> None:
    """A name that cannot be stored under is refused at once, not after the training."""
    assert "no name of a prior" in refused("pretrain", "toy", "--name", "My Prior!")
