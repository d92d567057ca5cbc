"""Examples run as their readers run them: in a process of their own, on a real server."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hyperbo_service.client import Client
from tests.service.running import address

__all__ = ["address"]

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"

Example = Callable[..., str]


@pytest.fixture
def example(address: str, tmp_path: Path) -> Example:
    """Run an example with arguments, and give what it printed."""

    def run(name: str, *arguments: str, path: Path | None = None) -> str:
        program = "bash" if name.endswith(".sh") else sys.executable
        ended = subprocess.run(
            [program, str(EXAMPLES / name), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            cwd=tmp_path,
            env=environment(address, tmp_path) | ({"PYTHONPATH": str(path)} if path else {}),
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    return run


@pytest.fixture
def client(address: str) -> Iterator[Client]:
    """A client of the server that the examples use, which has no study yet."""
    with Client(address) as client:
        for record in client.studies():
            client.study(record.id).delete(force=True)
        yield client


def environment(address: str, home: Path) -> dict[str, str]:
    """A user's environment, with the `hyperbo` command on its path."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HYPERBO_HOME": str(home),
        "HYPERBO_SERVER": address,
        "HYPERBO_TOKEN": "",
    }
