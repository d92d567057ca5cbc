"""The connection of commands to the service, and what they need to be installed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import Result

from hyperbo_service.auth import Scope, new_token
from hyperbo_service.client import MockTransport
from hyperbo_service.config import ServerConfig
from hyperbo_service.domain import utc_now
from hyperbo_service.serving import Serving, serving
from tests.service.certificates import Certificates, certificates
from tests.service.client.fake_server import serve

__all__ = ["certificates"]

Cli = Callable[..., Result]
Refusal = Callable[..., str]

BEYOND_THE_BASE = (
    "jax", "gpjax", "equinox", "optax", "numpy", "pandas", "pyarrow", "scipy", "safetensors",
    "sqlalchemy", "alembic", "psycopg", "plotly", "platformdirs", "prometheus_client",
    "opentelemetry", "grpc_health", "grpc_reflection",
)  # fmt: skip
POINTS = [
    {"lr": 0.1, "layers": 2, "optimizer": "adam", "epochs": 3},
    {"lr": 0.2, "layers": 3, "optimizer": "adam", "epochs": 3},
]


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """The command line with only the base install's libraries, on a mock server."""
    program = (
        "import sys\n"
        f"for name in {BEYOND_THE_BASE!r}: sys.modules[name] = None\n"
        "from hyperbo_service import cli\n"
        "cli.main()\n"
    )
    with serve(MockTransport(POINTS)) as address:

        def run(*arguments: str, code: int = 0) -> str:
            ended = subprocess.run(
                [sys.executable, "-c", program, *arguments],
                capture_output=True,
                text=True,
                check=False,
                cwd=tmp_path,
                env={**os.environ, "HYPERBO_SERVER": address, "HYPERBO_TOKEN": ""},
            )
            assert ended.returncode == code, ended.stderr
            return ended.stdout if code == 0 else ended.stderr

        yield run


def test_base_install_suffices(bare: Callable[..., str], space_file: Path) -> None:
    """A study is created, tuned, looked at, exported and imported without JAX or SQLAlchemy."""
    bare("study", "create", "digits", "--space", str(space_file))
    trial = json.loads(bare("trial", "ask", "digits"))
    token = ("--fencing-token", str(trial["fencing_token"]))
    bare("trial", "report", trial["trial"], "0.5", "--step", "1", *token)
    bare("trial", "complete", trial["trial"], *token)
    bare("study", "export", "digits", "digits.csv")
    bare("study", "export", "digits", "digits.json")
    bare("study", "import", "digits.csv", "--into", "digits")
    bare("study", "import", "digits.json", "--into", "copy")

    assert "0.5 in trial 1" in bare("study", "show", "digits")
    assert len(json.loads(bare("study", "trials", "digits", "--json"))) == 2
    assert len(json.loads(bare("study", "trials", "copy", "--json"))) == 1


def test_file_needs_the_server_extra(bare: Callable[..., str]) -> None:
    """Without a server, the base install does not suffice, and says what does."""
    assert "hyperbo[server]" in bare("study", "list", "--local", code=2)


def test_no_server_is_one_line(refusal: Refusal) -> None:
    """Where no server answers, that is said, with how to start one."""
    message = refusal("study", "list", "--server", "localhost:1", "--patience", "0")

    assert "hyperbo serve" in message


def test_without_a_server(cli: Cli, space_file: Path, tmp_path: Path) -> None:
    """With `--local` the same commands work on a file, named or not."""
    file = tmp_path / "runs.db"
    environment = {"HYPERBO_SERVER": ""}
    arguments = ("study", "create", "digits", "--space", space_file, "--prior", "none")
    for local in (("--local",), ("--local", str(file)), (f"--local={tmp_path}/other",)):
        assert cli(*arguments, *local, **environment).exit_code == 0

    found = cli("study", "show", "--local", file, "digits", "--json", **environment)
    assert json.loads(found.stdout)["id"] == "digits"
    assert (tmp_path / "other").exists()
    assert list((tmp_path / "home").glob("*.db"))


def test_server_and_file_contradict(refusal: Refusal) -> None:
    """A command is either with a server or without."""
    assert "leave out" in refusal("study", "list", "--local", "--server", "localhost:1")


def test_token_is_not_sent_in_clear(refusal: Refusal) -> None:
    """A token for another machine needs TLS."""
    message = refusal("study", "list", "--server", "example.org:80", "--token", "secret")

    assert "in clear" in message
    assert "--tls, --insecure" in message
    assert "secret" not in message


@pytest.fixture
def guarded(tmp_path: Path, certificates: Certificates) -> Iterator[Serving]:
    """A server with TLS that asks for tokens."""
    config = ServerConfig(
        port=0,
        database=f"sqlite:///{tmp_path}/guarded.db",
        registry=tmp_path / "priors",
        drain_seconds=0.0,
        require_tokens=True,
        tls_certificate=certificates.server.certificate,
        tls_key=certificates.server.key,
    )
    with serving(config) as running:
        yield running


def test_token_over_tls(
    cli: Cli, refusal: Refusal, guarded: Serving, certificates: Certificates
) -> None:
    """With the authority's certificate and a token one is let in; without a token not."""
    text, token = new_token("ann", "red", Scope.READ, now=utc_now())
    guarded.backend.store.change(lambda writer: writer.add_token(token))
    address = ("--server", f"grpcs://{guarded.server.address}", "--project", "red")
    trusting = ("study", "list", *address, "--ca", certificates.authority)

    assert cli(*trusting, HYPERBO_TOKEN=text).exit_code == 0
    assert "token" in refusal(*trusting)
    assert "--ca FILE" in refusal("study", "list", *address, "--patience", "0")
