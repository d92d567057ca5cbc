"""`hyperbo quickstart`, on the small table."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from hyperbo.registry import Registry

Run = Callable[..., Result]


@pytest.fixture
def arguments() -> tuple[str, ...]:
    """The small table in place of LCBench."""
    return ("quickstart", "--table", "toy", "--hold-out", "elks", "--trials", "5", "--steps", "30")


def test_tells_the_story(run: Run, arguments: tuple[str, ...]) -> None:
    """It says what it learns from, compares three methods, and what to do next."""
    result = run(*arguments)

    assert result.exit_code == 0, result.output
    assert "elks is held out" in result.stderr
    for method in ("HyperBO", "GP from scratch", "random search"):
        assert method in result.stdout
    assert "hyperbo suggest --prior quickstart@1" in result.stdout


def test_is_honest(run: Run, home: Path, arguments: tuple[str, ...]) -> None:
    """The prior never saw the task; curves rise and end at most at the pool's best."""
    document = json.loads(run(*arguments, "--json").stdout)

    assert "elks" not in Registry(home / "priors").load("quickstart").manifest.training.tasks
    for curve in document["maximised_best_by_trial"].values():
        assert np.all(np.diff(curve) >= 0.0)
        assert curve[-1] <= document["maximised_optimum"] + 1e-12


def test_unknown_task_is_guessed(run: Run) -> None:
    """A misspelt task is answered with the one that was meant."""
    result = run("quickstart", "--table", "toy", "--hold-out", "elk")

    assert result.exit_code == 2
    assert "Did you mean 'elks'?" in result.stderr


def test_live_holds_out_by_itself(run: Run) -> None:
    """A task to hold out is not silently left unheeded."""
    result = run("quickstart", "--live", "kjv_gemma_8", "--hold-out", "elks")

    assert result.exit_code == 2
    assert "--hold-out goes without --live" in result.stderr
