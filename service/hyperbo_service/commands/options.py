"""Options that several commands share, and the way their examples are written."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from hyperbo_service.choices import ExecutorName

AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON on standard output, for a script to read.")
]

RegistryFolder = Annotated[
    Path | None,
    typer.Option(
        "--registry",
        metavar="FOLDER",
        help="Where priors are stored. Default: $HYPERBO_HOME/priors, or your user data folder.",
        show_default=False,
    ),
]

ExecutorOption = Annotated[
    ExecutorName,
    typer.Option(
        "--executor", help="Where jobs run: in processes here, or on a cluster of Ray or Slurm."
    ),
]

AddressOption = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Ray: a cluster's HOST:PORT, or auto; default: $RAY_ADDRESS, else this machine. "
        "Slurm: the partition.",
        show_default=False,
    ),
]


def examples(*lines: tuple[str, str]) -> str:
    """The epilog of a command's help: what to type, and what it does.

    Args:
        lines: Pairs of a command line and its effect.
    """
    width = max(len(command) for command, _ in lines)
    fits = all(len(effect) + width < 92 for _, effect in lines)
    shown = ["[bold]Examples[/]"]
    for command, effect in lines:
        if fits:
            padding = " " * (width - len(command))
            shown.append(f"[cyan]{escape(command)}[/]{padding}   [dim]{escape(effect)}[/]")
        else:
            shown.append(f"[dim]# {escape(effect)}[/]")
            shown.append(f"[cyan]{escape(command)}[/]")
    return "\n".join(shown)


def listing(title: str, lines: Sequence[str]) -> str:
    """A file's content to show below the examples of a command's help.

    Args:
        title: What the file is.
        lines: Its lines; leading spaces are kept.
    """
    return "\n".join(["\n", f"[bold]{escape(title)}[/]", *(escape(line) for line in lines)])
