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


def test_goes_on_from_a_checkpoint(run: Run, home: Path, tmp_path: Path) -> None:
    """A training that is called again ends where it would have; another's file is refused."""
    file = tmp_path / "run.checkpoint"
    arguments = ("pretrain", "toy", "--steps", "3", "--checkpoint", file)
    first, again = (run(*arguments, "--name", name) for name in ("first", "again"))
    other = run("pretrain", "toy", "--steps", "4", "--checkpoint", file, "--name", "other")

    weights = [home / "priors" / name / "1" / "weights.safetensors" for name in ("first", "again")]
    assert (first.exit_code, again.exit_code, other.exit_code) == (0, 0, 2)
    assert weights[0].read_bytes() == weights[1].read_bytes()
    assert "belongs to a run with another prior" in " ".join(other.stderr.split())


@pytest.fixture
def other_table(run: Run, written: Path, tmp_path: Path) -> str:
    """A second table, of one parameter more."""
    space = json.loads((written / "space.json").read_text())
    space["name"] = "wide"
    space["parameters"].append({"type": "float", "name": "dropout", "low": 0.0, "high": 1.0})
    (tmp_path / "wide.json").write_text(json.dumps(space))
    header, *lines = (written / "runs.csv").read_text().split()
    wide = [f"{line},{number % 30 / 30:.3f}" for number, line in enumerate(lines)]
    (tmp_path / "wide.csv").write_text("\n".join([f"{header},dropout", *wide]))
    run("data", "import", "csv", tmp_path / "wide.csv", "--space", tmp_path / "wide.json")
    return "wide"


def test_hierarchical_prior_serves_a_space_never_seen(
    run: Run, refused: Refused, other_table: str, tmp_path: Path
) -> None:
    """Learned from two spaces, it suggests in a third, which must be named."""
    stored = run("pretrain", "toy", other_table, "--model", "hierarchical", "--name", "any")
    parameters = [{"type": "float", "name": f"x{axis}", "low": 0, "high": 1} for axis in range(4)]
    (tmp_path / "new.json").write_text(json.dumps({"parameters": parameters}))
    arguments = ("--space", tmp_path / "new.json", "--metric", "loss", "--goal", "minimize")
    found = run("suggest", "--prior", "any", *arguments, "--json")

    assert "Stored any@1" in stored.stdout
    assert "It serves any search space" in run("prior", "show", "any").stdout
    assert "any@1" in run("prior", "list").stdout
    assert set(json.loads(found.stdout)["suggestions"][0]) == {"x0", "x1", "x2", "x3"}
    assert "say which one to tune" in refused("suggest", "--prior", "any")


def test_hierarchical_model_needs_two_tables(refused: Refused, home: Path) -> None:
    """One space says nothing about how spaces differ; nothing is stored."""
    message = refused("pretrain", "toy", "--model", "hierarchical", "--name", "any")

    assert "at least two" in message
    assert not (home / "priors" / "any").exists()


def test_other_models_take_one_table(refused: Refused, other_table: str) -> None:
    """Several spaces are refused with the model that takes them."""
    assert "--model hierarchical" in refused("pretrain", "toy", other_table)


@pytest.mark.parametrize("option", [("--objective", "ekl"), ("--steps", "7")])
def test_hierarchical_model_ignores_nothing(
    refused: Refused, other_table: str, option: tuple[str, str]
) -> None:
    """Options that the model has no use for are refused, not passed over."""
    arguments = ("pretrain", "toy", other_table, "--model", "hierarchical")

    assert "leave out --objective" in refused(*arguments, *option)


def test_one_space_twice_is_refused(refused: Refused) -> None:
    """Two tables of one space say nothing about how spaces differ."""
    message = refused("pretrain", "toy", "toy", "--model", "hierarchical")

    assert "one and the same search space" in message
