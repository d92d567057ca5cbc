"""A user's home with one small table and one prior trained on it, and the command line in it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from hyperbo_service.cli import app
from tests.service.certificates import certificates
from tests.service.databases import postgres_server, postgres_url

__all__ = ["certificates", "postgres_server", "postgres_url"]

SPACE = {
    "name": "toy",
    "parameters": [
        {"type": "float", "name": "rate", "low": 1e-4, "high": 1.0, "scale": "log"},
        {"type": "integer", "name": "layers", "low": 1, "high": 8},
    ],
    "metric": {
        "name": "error",
        "goal": "minimise",
        "warp": {"kind": "negative_log_error", "scale": 1.0, "epsilon": 1e-3},
    },
}
TASKS = ("ants", "bees", "cats", "dogs", "elks")
CONFIGURATIONS = 30

Run = Callable[..., Result]


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `space.json` and `runs.csv`: five tasks, alike, and one that is constant."""
    folder = tmp_path_factory.mktemp("written")
    (folder / "space.json").write_text(json.dumps(SPACE))
    rng = np.random.default_rng(0)
    rates, layers = 10 ** rng.uniform(-4, 0, CONFIGURATIONS), rng.integers(1, 9, CONFIGURATIONS)
    lines = ["task,config_id,rate,layers,error"]
    for number, task in enumerate(TASKS):
        errors = 0.1 + 0.05 * number + 0.05 * (np.log10(rates) + 2.0) ** 2 + 0.01 * layers
        errors = np.minimum(errors + 0.002 * rng.standard_normal(CONFIGURATIONS), 1.0)
        lines += [
            f"{task},{config},{rates[config]:.9g},{layers[config]},{errors[config]:.6f}"
            for config in range(CONFIGURATIONS)
        ]
    lines += [f"flat,{c},{rates[c]:.9g},{layers[c]},0.5" for c in range(CONFIGURATIONS)]
    (folder / "runs.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="session")
def furnished(written: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the table `toy` and the prior `toy@1`, trained without `elks`."""
    home = tmp_path_factory.mktemp("furnished")
    runner = CliRunner(env=_environment(home))
    space = str(written / "space.json")
    for arguments in (
        ["data", "import", "csv", str(written / "runs.csv"), "--space", space],
        ["pretrain", "toy", "--hold-out", "elks", "--steps", "300"],
    ):
        result = runner.invoke(app, arguments)
        assert result.exit_code == 0, result.output
    return home


@pytest.fixture
def home(furnished: Path, tmp_path: Path) -> Path:
    """A copy of the furnished home, to do with as one likes."""
    copy = tmp_path / "home"
    shutil.copytree(furnished, copy)
    return copy


@pytest.fixture
def run(home: Path) -> Run:
    """Run the command line in the copied home."""
    runner = CliRunner(env=_environment(home))

    def invoke(*arguments: str | Path) -> Result:
        return runner.invoke(app, [str(argument) for argument in arguments])

    return invoke


@pytest.fixture
def runner(tmp_path: Path) -> CliRunner:
    """The command line in an empty home, which is the test's temporary folder."""
    return CliRunner(env=_environment(tmp_path))


@pytest.fixture
def refused(run: Run) -> Callable[..., str]:
    """Run a command that must be refused with code 2, and give its one line on standard error."""

    def invoke(*arguments: str | Path) -> str:
        result = run(*arguments)
        lines = result.stderr.strip().splitlines()
        errors = [line for line in lines if line.startswith("error: ")]
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
        assert len(errors) == 1
        assert "Traceback" not in result.stderr
        return errors[0]

    return invoke


def _environment(home: Path) -> dict[str, str]:
    return {"HYPERBO_HOME": str(home), "COLUMNS": "100"}
