"""The top of the command line: what it loads, and how it ends."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import Result

from hyperbo_datasets import catalogue
from hyperbo_service import cli

# Training as the shared home's prior was trained compiles nothing anew.
SAME_AS_BEFORE = ("--hold-out", "elks", "--steps", "300")

HEAVY = ("jax", "gpjax", "numpy", "pandas", "scipy", "sqlalchemy", "plotly", "grpc", "platformdirs")


@pytest.mark.parametrize(
    "command",
    [
        "",
        "data",
        "db",
        "pretrain",
        "prior",
        "serve",
        "study",
        "study compare",
        "study create",
        "suggest",
        "token",
        "trial",
    ],
)
def test_help_loads_nothing_heavy(command: str) -> None:
    """`--help` of any command works where only the base install's libraries are, and is quick."""
    program = (
        "import sys\n"
        f"for name in {HEAVY!r}: sys.modules[name] = None\n"
        "from hyperbo_service import cli\n"
        "cli.main()\n"
    )
    arguments = [*command.split(), "--help"]
    ended = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stderr
    assert "Usage: hyperbo" in ended.stdout or "Usage: -c" in ended.stdout


def test_missing_extra_is_named() -> None:
    """Where the extra `server` is missing, a command says how to install it, in one line."""
    program = (
        "import sys\nsys.modules['pandas'] = None\nfrom hyperbo_service import cli\ncli.main()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, "data", "list"], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.strip().endswith("Install the extra: pip install 'hyperbo[server]'")
    assert len(ended.stderr.strip().splitlines()) == 1


def test_interrupt_ends_with_130(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends a command with code 130 and a word, not a stack trace."""
    monkeypatch.setattr(catalogue, "entries", _interrupt)

    result = run("data", "list")

    assert result.exit_code == 130
    assert "Stopped." in result.stderr
    assert result.stdout == ""


def test_fault_of_ours_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What nobody foresaw ends with code 1 and one line that says how to find out more."""
    monkeypatch.setattr(catalogue, "entries", _break)
    monkeypatch.setattr(sys, "argv", ["hyperbo", "data", "list"])
    monkeypatch.delenv("HYPERBO_TRACEBACK", raising=False)

    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert ended.value.code == 1
    written = capsys.readouterr()
    assert written.err.startswith("error: unexpected ZeroDivisionError: by zero.")
    assert "HYPERBO_TRACEBACK=1" in written.err


def test_unwritable_registry_is_one_line(run: Callable[..., Result], tmp_path: Path) -> None:
    """A registry that is a file, and can hold nothing, is refused in one line."""
    blocked = tmp_path / "file"
    blocked.write_text("")

    result = run("pretrain", "toy", "--registry", blocked, *SAME_AS_BEFORE)

    assert result.exit_code == 2
    assert [line for line in result.stderr.splitlines() if line.startswith("error: ")]


def test_version(run: Callable[..., Result]) -> None:
    """`--version` prints the version."""
    assert run("--version").stdout.startswith("hyperbo ")


def test_misspelt_command_is_guessed(run: Callable[..., Result]) -> None:
    """A misspelt command is answered with the one that was meant."""
    result = run("sugest", "trials.csv")

    assert result.exit_code == 2
    assert "Did you mean 'suggest'?" in result.stderr


def test_runs_as_a_program(home: Path) -> None:
    """`python -m hyperbo_service.cli` in a fresh process gives pure JSON on standard output."""
    ended = subprocess.run(
        [sys.executable, "-m", "hyperbo_service.cli", "data", "list", "--json"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "HYPERBO_HOME": str(home)},
    )

    assert ended.stdout.startswith("[")
    assert '"toy"' in ended.stdout


def _interrupt() -> None:
    raise KeyboardInterrupt


def _break() -> None:
    raise ZeroDivisionError("by zero")


@pytest.fixture
def listens_to_interrupts() -> Iterator[None]:
    """Ctrl-C raises, also where this session was started in the background and ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("listens_to_interrupts")
def test_an_interrupt_that_a_callback_swallowed_comes_again() -> None:
    """Ctrl-C ends the command even where it hit a callback that cannot raise."""
    swallowed = SimpleNamespace(exc_type=KeyboardInterrupt)

    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - it may come at any moment of the wait
        cli.repeat_swallowed_interrupt(swallowed)
        threading.Event().wait(10.0)
