"""Where commands write: results to standard output, everything else to standard error."""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

_WIDTH_WITHOUT_TERMINAL = 100


def results() -> Console:
    """Standard output, for what was asked for."""
    return _console(is_error=False)


def messages() -> Console:
    """Standard error, for progress, notes and errors, so that piped output stays clean."""
    return _console(is_error=True)


def say(markup: str) -> None:
    """Write a line of results; it is never broken, so that paths and commands can be copied."""
    results().print(markup, soft_wrap=True)


def print_json(document: Mapping[str, Any] | Sequence[Any]) -> None:
    """Write a JSON document, and nothing else, to standard output."""
    text = json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False)
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """Tell something worth knowing that is no result."""
    messages().print(f"[cyan]note:[/] {escape(text)}", soft_wrap=True)


def warn(text: str) -> None:
    """Tell something that was handled, but may not be meant."""
    messages().print(f"[yellow]warning:[/] {escape(text)}", soft_wrap=True)


def fail(text: str) -> None:
    """Tell why a command ends here."""
    messages().print(f"[bold red]error:[/] {escape(text)}", soft_wrap=True)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show a spinner while something runs whose end cannot be foretold."""
    with messages().status(f"[dim]{escape(what)} ...[/]", spinner="dots"):
        yield


class Bars:
    """Progress bars on standard error, one a stage; a stage is added when it is first reported."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._stages: dict[str, TaskID] = {}

    def report(self, stage: str, done: float, total: float, detail: str = "") -> None:
        """Say how far a stage is.

        Args:
            stage: What is being done.
            done: How much of it is done.
            total: How much there is.
            detail: What else to show of it.
        """
        if stage not in self._stages:
            self.finish()
            self._stages[stage] = self._progress.add_task(escape(stage), total=total, detail="")
        task = self._stages[stage]
        self._progress.update(task, completed=done, total=total, detail=escape(detail))

    def leave(self) -> None:
        """Leave the bars begun so far as they are: the rest is for another time."""
        for task in self._stages.values():
            self._progress.stop_task(task)
        self._stages.clear()

    def finish(self) -> None:
        """Fill the bars begun so far: a stage may end before it has taken all its steps."""
        for task in self._stages.values():
            total = self._progress.tasks[task].total
            self._progress.update(task, completed=total or 0.0)
            self._progress.stop_task(task)


@contextmanager
def bars() -> Iterator[Bars]:
    """Show progress bars; where standard error is no terminal, only how they ended."""
    progress = Progress(
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        TextColumn("[progress.percentage]{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[detail]}[/]"),
        console=messages(),
    )
    with progress:
        shown = Bars(progress)
        yield shown
        shown.finish()


def table(*columns: str, title: str = "") -> Table:
    """A table in the house's style; a column whose name begins with `>` is set flush right."""
    styled = Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        header_style="bold cyan",
        pad_edge=False,
        padding=(0, 1),
    )
    for column in columns:
        is_number = column.startswith(">")
        styled.add_column(
            escape(column.removeprefix(">")),
            justify="right" if is_number else "left",
            no_wrap=is_number,
            overflow="fold",
        )
    return styled


def facts(pairs: Mapping[str, str]) -> Padding:
    """Names and what is said of each, in two columns."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="cyan", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in pairs.items():
        grid.add_row(Text(name), Text(text))
    return Padding(grid, (0, 0, 0, 2))


def number(value: float, digits: int = 4) -> str:
    """A number as people read it."""
    return f"{value:.{digits}g}"


def _console(*, is_error: bool) -> Console:
    stream = sys.stderr if is_error else sys.stdout
    is_plain = not stream.isatty() and "COLUMNS" not in os.environ
    return Console(
        stderr=is_error, highlight=False, width=_WIDTH_WITHOUT_TERMINAL if is_plain else None
    )
