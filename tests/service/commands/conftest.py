"""The command line on a real server, each test in a project of its own."""

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hyperbo_service.cli import app
from hyperbo_service.client import Client
from tests.service.running import address

__all__ = ["address"]

Cli = Callable[..., Result]

SPACE = {
    "parameters": [
        {"type": "float", "name": "lr", "low": 1e-5, "high": 1.0, "scale": "log"},
        {"type": "integer", "name": "layers", "low": 1, "high": 8},
        {
            "type": "categorical",
            "name": "optimizer",
            "categories": ["adam", "sgd"],
            "children": [
                {
                    "category": "sgd",
                    "parameters": [
                        {"type": "categorical", "name": "nesterov", "categories": [False, True]}
                    ],
                }
            ],
        },
        {"type": "fixed", "name": "epochs", "value": 3},
    ],
    "metric": {"name": "accuracy", "goal": "maximize"},
}
TRIALS = (
    {"lr": 0.1, "layers": 2, "optimizer": "adam", "epochs": 3},
    {"lr": 0.01, "layers": 3, "optimizer": "sgd", "nesterov": True, "epochs": 3},
    {"lr": 0.001, "layers": 4, "optimizer": "sgd", "nesterov": False, "epochs": 3},
)

_projects = (f"test-{number}" for number in itertools.count(1))


@pytest.fixture
def project() -> str:
    """A project that nobody else uses."""
    return next(_projects)


@pytest.fixture
def cli(address: str, project: str, tmp_path: Path) -> Cli:
    """Run the command line on the server, in this test's project and an empty home."""
    environment = {
        "HYPERBO_HOME": str(tmp_path / "home"),
        "HYPERBO_SERVER": address,
        "HYPERBO_PROJECT": project,
        "HYPERBO_TOKEN": "",
        "COLUMNS": "120",
    }
    runner = CliRunner(env=environment)

    def invoke(*arguments: object, **environment: str) -> Result:
        return runner.invoke(app, [str(argument) for argument in arguments], env=environment)

    return invoke


@pytest.fixture
def refusal(cli: Cli) -> Callable[..., str]:
    """Run a command that must be refused with code 2, and give its one line on standard error."""

    def invoke(*arguments: object) -> str:
        result = cli(*arguments)
        lines = result.stderr.strip().splitlines()
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
        assert len([line for line in lines if line.startswith("error: ")]) == 1, result.stderr
        return lines[-1]

    return invoke


@pytest.fixture
def client(address: str, project: str) -> Iterator[Client]:
    """The client on the same server and project."""
    with Client(address, project=project) as client:
        yield client


@pytest.fixture
def space_file(tmp_path: Path) -> Path:
    """A space with all kinds of parameters but a discrete one, and its metric."""
    path = tmp_path / "space.json"
    path.write_text(json.dumps(SPACE))
    return path


@pytest.fixture
def study(cli: Cli, space_file: Path) -> str:
    """The id of a new study that starts from nothing."""
    result = cli("study", "create", "digits", "--space", space_file, "--prior", "none")
    assert result.exit_code == 0, result.output
    return "digits"


@pytest.fixture
def filled(study: str, client: Client) -> str:
    """The same with a completed trial with a curve, an infeasible, a failed and a waiting one."""
    opened = client.study(study)
    for parameters in TRIALS:
        opened.enqueue(parameters)
    first, second, third = opened.ask(3, lease=600.0)
    for step, value in ((1, 0.5), (2, 0.75)):
        first.report(value, step=step, elapsed=10.0 * step)
    first.complete(cost=2.5)
    second.infeasible("out of memory")
    third.fail("disk full")
    opened.enqueue(TRIALS[0])
    return study
