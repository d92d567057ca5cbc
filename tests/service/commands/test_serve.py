"""`hyperbo serve`: what it says, what it refuses, and that it ends in order."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
import typer
from typer.testing import CliRunner

from hyperbo_service.cli import app
from hyperbo_service.config import settings


@pytest.fixture
def server(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A server in a process of its own, on any free port, in an empty home."""
    environment = os.environ | {"HYPERBO_HOME": str(tmp_path), "HYPERBO_PORT": "0"}
    with subprocess.Popen(
        [sys.executable, "-m", "hyperbo_service.cli", "serve"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def _until(stream: IO[str], word: str) -> str:
    """What a process writes up to a line with that word."""
    said = ""
    for line in stream:
        said += line
        if word in line:
            return said
    raise AssertionError(said)


def test_every_setting_has_its_flag() -> None:
    """Each setting may be given on the command line, and nothing else but the file."""
    command = typer.main.get_command(app).commands["serve"]  # type: ignore[attr-defined]
    flags = {option for parameter in command.params for option in parameter.opts}

    assert flags == {"--config", *(each.flag for each in settings())}


def test_without_options_it_serves_and_says_how_to_connect(
    server: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    """The printed program runs as it is; SIGTERM ends the server in order, with its data kept."""
    assert server.stdout is not None
    assert server.stderr is not None
    said = _until(server.stdout, "trial.complete")
    program = re.sub("^  ", "", said.partition("Connect\n")[2], flags=re.MULTILINE)

    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120
    )
    server.send_signal(signal.SIGTERM)
    _, errors = server.communicate(timeout=60)

    assert ran.returncode == 0, ran.stderr
    assert f"{tmp_path}/service.db" in "".join(said.split())  # a long path is folded
    assert "not needed" in said
    assert server.returncode == 0
    events = [json.loads(line)["event"] for line in errors.splitlines() if line[:1] == "{"]
    assert events == ["started", "stopping", "stopped"]
    assert (tmp_path / "service.db").stat().st_size > 0


def test_off_loopback_it_refuses(runner: CliRunner) -> None:
    """A host that others reach needs TLS; the way out is told in one line."""
    result = runner.invoke(app, ["serve", "--host", "192.0.2.1"])

    assert result.exit_code == 2
    assert "no TLS" in result.stderr
    assert "--insecure" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_taken_port_is_refused(runner: CliRunner, tmp_path: Path) -> None:
    """A port that another program has ends the command with code 2 and the remedy."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        database = f"sqlite:///{tmp_path}/x.db"
        result = runner.invoke(app, ["serve", "--port", str(port), "--database", database])

    assert result.exit_code == 2
    assert f"127.0.0.1:{port}" in result.stderr
    assert "--port 0" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "70000"], "--port is 70000; wanted a whole number from 0 to 65535"),
        (["--log-level", "loud"], "wanted one of debug"),
        (["--config", "none.toml"], "none.toml cannot be read"),
        (["--database", "mysql://x"], "wanted sqlite:///"),
        (["--tls-certificate", "a.pem"], "set tls_key too"),
    ],
)
def test_wrong_settings_are_refused(runner: CliRunner, arguments: list[str], said: str) -> None:
    """What is wrong with a setting is told in one line, before anything is opened."""
    result = runner.invoke(app, ["serve", *arguments])

    assert result.exit_code == 2
    assert said in result.stderr
