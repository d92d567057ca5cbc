"""Every example of the documentation runs, and does what it says."""

import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from hyperbo_service.client import Client
from tests.examples.conftest import EXAMPLES

Example = Callable[..., str]


def test_flax_on_digits(example: Example, client: Client) -> None:
    """A Flax network learns digits in every trial, and its learning curves arrive."""
    printed = example("flax_digits.py", "2")

    trials = list(client.study("flax-digits").history(measurements=True))
    assert [trial.state for trial in trials] == ["completed"] * 2
    assert [each.step for each in trials[0].measurements] == [1, 2, 3, 4, 5]
    assert client.study("flax-digits").best().value > 0.5
    assert printed.splitlines()[-1].startswith("best: 0.")


def test_pytorch_style_without_pytorch(example: Example, client: Client, tmp_path: Path) -> None:
    """Without PyTorch, NumPy stands in for it in the same loop."""
    (tmp_path / "torch.py").write_text("raise ImportError")
    printed = example("pytorch_style.py", "4", path=tmp_path)

    assert "best of NumpyTrainer" in printed
    assert client.study("pytorch-style").info().state == "completed"
    assert client.study("pytorch-style").best().value < 0.5


@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not a dependency")
def test_pytorch_style_with_pytorch(example: Example, client: Client) -> None:
    """With PyTorch the same program trains a network."""
    assert "best of TorchTrainer" in example("pytorch_style.py", "3")
    assert client.study("pytorch-style").best().value < 0.5


def test_shell_script(example: Example, client: Client) -> None:
    """A training command is tuned from the shell; where it breaks, the trial is infeasible."""
    printed = example("shell_script.sh", "3")

    counts = client.study("shell-script").info().trial_counts
    assert counts["completed"] + counts["infeasible"] == 3
    assert "learning_rate=" in printed


def test_killed_workers_trial_is_finished_by_another(example: Example, client: Client) -> None:
    """One of eight workers is killed; all trials end all the same, its own on another."""
    printed = example("eight_workers.py", "16")

    lost = client.study("eight-workers").trial(2)
    killed = re.search(r"killed: \[(\d)\]", printed)
    assert killed is not None
    assert "completed: 16 of 16" in printed
    assert lost.state == "completed"
    assert not lost.client_id.startswith(f"worker-{killed[1]}-")
    assert [each.step for each in lost.measurements] == [1, 2, 3, 4]


def test_every_example_has_a_test() -> None:
    """No example is without a test."""
    tested = {"flax_digits.py", "pytorch_style.py", "shell_script.sh", "eight_workers.py"}

    assert {path.name for path in EXAMPLES.iterdir() if path.is_file()} == tested
