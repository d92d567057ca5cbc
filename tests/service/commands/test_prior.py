"""`hyperbo prior`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Run = Callable[..., Result]
Refused = Callable[..., str]


@pytest.fixture
def damaged(home: Path) -> Path:
    """One byte of the prior's weights is another."""
    path = home / "priors" / "toy" / "1" / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    return path


def test_list_and_show_agree(run: Run) -> None:
    """The list and the manifest give the same content hash."""
    (row,) = json.loads(run("prior", "list", "--json").stdout)
    manifest = json.loads(run("prior", "show", "toy", "--json").stdout)

    assert row["prior"] == "toy@1"
    assert row["content_hash"] == manifest["content_hash"]
    assert row["model"] == "hyperbo"


def test_show_tells_lineage(run: Run) -> None:
    """People see tasks, table and space."""
    shown = run("prior", "show", "toy@1").stdout

    assert "ants, bees, cats, dogs" in shown
    assert "error, to minimise" in shown
    assert "0.0001 to 1" in shown


def test_list_of_empty_registry(run: Run, tmp_path: Path) -> None:
    """A registry that is not there yet is empty, and says how to begin."""
    result = run("prior", "list", "--registry", tmp_path / "none")

    assert result.exit_code == 0
    assert "hyperbo pretrain" in result.stdout


@pytest.mark.usefixtures("damaged")
def test_damage_is_found(run: Run, refused: Refused) -> None:
    """One changed byte is found by verify, told by list, and never loaded."""
    assert "SHA-256" in refused("prior", "verify", "toy@1")
    assert "cannot be used" in run("prior", "list").stdout
    assert "SHA-256" in refused("suggest", "--prior", "toy")


def test_truncation_is_found(refused: Refused, home: Path) -> None:
    """Weights that end early are refused with both sizes."""
    path = home / "priors" / "toy" / "1" / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-10])

    assert "bytes; the manifest says" in refused("prior", "verify", "toy")


def test_intact_prior_is_verified(run: Run) -> None:
    """An untouched prior is intact."""
    assert json.loads(run("prior", "verify", "toy", "--json").stdout)["is_intact"]


def test_unknown_prior_is_guessed(refused: Refused) -> None:
    """A misspelt prior is answered with the one that was meant."""
    assert "Did you mean 'toy'?" in refused("prior", "show", "tooy")


def test_compare_with_itself_is_even(run: Run) -> None:
    """A prior is as good as itself on every task; only the task it never saw counts."""
    result = run("prior", "compare", "toy@1", "toy", "--table", "toy", "--json")

    document = json.loads(result.stdout)
    assert document["wins"] == [0, 0]
    assert document["judged_tasks"] == 2  # the one held out, and the constant one left out
    assert not document["only_trained_on"]
    left, right = document["mean_log_evidence_per_point"]
    assert left == right


def test_compare_prefers_the_prior_that_learned_more(run: Run) -> None:
    """A prior trained on alike tasks foretells a new one better than one hardly trained."""
    arguments = ("--model", "hyperbo", "--steps", "1", "--task", "ants,bees,cats")
    assert run("pretrain", "toy", "--name", "raw", *arguments).exit_code == 0

    result = run("prior", "compare", "raw", "toy", "--table", "toy", "--task", "elks", "--json")

    assert json.loads(result.stdout)["wins"] == [0, 1]


def test_compare_on_trained_tasks_warns(run: Run) -> None:
    """Where only tasks are left that a prior was trained on, that is said."""
    result = run("prior", "compare", "toy", "toy", "--table", "toy", "--task", "ants")

    assert "flatter" in result.stderr
    assert "Even" in result.stdout


def test_compare_on_another_space(refused: Refused) -> None:
    """A table of another space cannot be compared on."""
    message = refused("prior", "compare", "toy", "toy", "--table", "lcbench")

    assert "another search space" in message
