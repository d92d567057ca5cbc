"""The documentation: its code runs, and it speaks of every command."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from hyperbo_service.cli import app
from hyperbo_service.client import MockTransport
from tests.service.certificates import Certificates, certificates
from tests.service.client.fake_server import serve

__all__ = ["certificates"]

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs/reference/commands.md"
BLOCK = re.compile(r"```(python|bash)\n(.*?)```", re.DOTALL)


def train(rate: float, layers: int) -> Iterator[tuple[int, float]]:
    """What the README leaves to its reader: steps and accuracies of a training."""
    for step in (1, 2, 3):
        yield step, 1.0 - rate / layers - 1.0 / (1 + step)


@pytest.mark.parametrize("page", ["README.md", "docs/guide.md"])
def test_python_blocks_run(page: str) -> None:
    """The Python blocks of a page run one after the other, as a reader would type them."""
    blocks = [code for kind, code in BLOCK.findall((ROOT / page).read_text()) if kind == "python"]
    assert blocks
    names: dict[str, object] = {"train": train}
    with serve(MockTransport()) as address:
        for block in blocks:
            code = block.replace("localhost:8080", address)
            exec(compile(code, page, "exec"), names)  # noqa: S102 - that is the point


class Reader:
    """Someone who types every block of a page, in a folder and a home of their own."""

    def __init__(self, folder: Path) -> None:
        self.names: dict[str, object] = {}
        self._folder = folder
        self._server: subprocess.Popen[bytes] | None = None
        self._ports = {"8080": free_port(), "8443": free_port()}
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HYPERBO_HOME": str(folder / "home"),
            "HYPERBO_SERVER": f"localhost:{self._ports['8080']}",
        }

    def type(self, kind: str, code: str) -> None:
        """Run a block; a server that it starts alone goes on until the end of the page."""
        if code.strip() == "hyperbo serve &":
            command = ["hyperbo", "serve", "--port", self._ports["8080"]]
            self._server = subprocess.Popen(
                command, env=os.environ | self.environment, stdout=subprocess.DEVNULL
            )
        elif kind == "python":
            exec(compile(code, "page", "exec"), self.names)  # noqa: S102 - that is the point
        else:
            self._run(code.replace("8443", self._ports["8443"]))

    def leave(self) -> None:
        """Stop the server."""
        if self._server is not None:
            self._server.terminate()
            self._server.wait(60)

    def _run(self, code: str) -> None:
        ended = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f"{_STOP_SERVERS}\n{code}"],
            cwd=self._folder,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert ended.returncode == 0, f"{code}\n{ended.stdout}\n{ended.stderr}"


# Background jobs of a block end with it.
_STOP_SERVERS = "trap 'kill $(jobs -p) 2> /dev/null || true; wait' EXIT"


def free_port() -> str:
    """A port that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return str(listener.getsockname()[1])


@pytest.fixture
def reader(
    tmp_path: Path, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Reader]:
    """A reader who has a certificate for a server of theirs."""
    for name, path in (
        ("authority.pem", certificates.authority),
        ("server.pem", certificates.server.certificate),
        ("server.key", certificates.server.key),
    ):
        (tmp_path / name).write_bytes(path.read_bytes())
    reader = Reader(tmp_path)
    for variable, text in reader.environment.items():
        monkeypatch.setenv(variable, text)
    yield reader
    reader.leave()


def test_service_page_runs(reader: Reader) -> None:
    """All blocks of the page on the service run in order, Python and shell, on a real server."""
    for kind, code in BLOCK.findall((ROOT / "docs/service.md").read_text()):
        reader.type(kind, code)

    assert reader.names["study"].info().resolved_prior == "wheel@1"  # type: ignore[attr-defined]


def _paths(command: object, prefix: str) -> list[str]:
    children = getattr(command, "commands", {})
    return [path for name in children for path in _paths(children[name], f"{prefix} {name}")] or [
        prefix
    ]


def test_reference_has_a_paragraph_for_every_command() -> None:
    """Each command has its heading and a paragraph below it; no other heading is a command."""
    sections = re.split(r"^### ", REFERENCE.read_text(), flags=re.MULTILINE)[1:]
    told = {
        head.strip("`"): text.strip() for head, _, text in (s.partition("\n") for s in sections)
    }
    commands = _paths(typer.main.get_command(app), "hyperbo")

    assert len(commands) > 30
    assert [path for path in commands if path not in told] == []
    assert [path for path in told if path not in commands] == []
    assert [path for path, text in told.items() if len(text) < 60] == []


def test_links_between_pages_lead_somewhere() -> None:
    """Every relative link of README and docs is a file of the repository."""
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if not link.startswith("http"):
                assert (page.parent / link).exists(), f"{page.name}: {link}"
