"""`hyperbo study watch`: a study as it goes on."""

import json
import sys
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.live import Live
from rich.text import Text

from hyperbo_service.commands.documents import configuration, counts, document
from hyperbo_service.commands.options import AsJson
from hyperbo_service.commands.service_options import Service, StudyId, add_command
from hyperbo_service.commands.study_read import trial_cells
from hyperbo_service.console import number, results, table

_ROWS = 15


def register(group: typer.Typer) -> None:
    """Add the command to the group of studies."""
    add_command(
        group,
        "watch",
        watch,
        "Watch a study until it is completed: a live table, or a line for each change where the "
        "output is no terminal. Ctrl-C ends it; the study goes on.",
        ("hyperbo study watch digits", "in a terminal"),
        ("hyperbo study watch digits --json", "a JSON object a line, for a script"),
        ("hyperbo study watch digits --forever", "also when it is completed"),
    )


class Picture:
    """What is known of a watched study.

    Attributes:
        study: The study as it was told last.
        trials: Its trials by name.
    """

    def __init__(self) -> None:
        self.study: Any = None
        self.trials: dict[str, Any] = {}

    def take(self, change: Any) -> None:
        """Take in a change."""
        self.study = change.study or self.study
        self.trials.update((trial.name, trial) for trial in change.trials)
        for name in change.deleted:
            self.trials.pop(name, None)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come: it is completed, and no trial is running."""
        return (
            self.study is not None
            and self.study.state == "completed"
            and not self.study.trial_counts.get("running", 0)
        )

    @property
    def best(self) -> Any:
        """The best completed trial; None if there is none."""
        sign = 1.0 if self.study.goal == "maximize" else -1.0
        done = [trial for trial in self.trials.values() if trial.value is not None]
        return max(done, key=lambda trial: sign * trial.value, default=None)

    def table(self) -> Group:
        """The study's state, its best trial and its latest ones."""
        head = Text.assemble(
            (self.study.id, "bold"),
            f": {self.study.state}, {counts(self.study.trial_counts)}",
        )
        best = self.best
        line = f"best {self.study.metric}: "
        line += "-" if best is None else f"{number(best.value, 6)} in trial {best.number}"
        shown = table(">trial", "state", f">{self.study.metric}", "configuration")
        for trial in sorted(self.trials.values(), key=lambda each: each.number)[-_ROWS:]:
            style = "green" if best is not None and trial.name == best.name else ""
            shown.add_row(*(Text(cell, style) for cell in trial_cells(trial)))
        return Group(head, Text(line), shown)


def watch(
    service: Service,
    study: StudyId,
    *,
    forever: Annotated[
        bool, typer.Option("--forever", help="Go on when the study is completed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show changes until the study is completed."""
    picture, out = Picture(), results()
    is_live = out.is_terminal and not as_json
    with service.client() as client:
        changes = client.study(study).watch()
        with Live(console=out, refresh_per_second=4) if is_live else nullcontext() as live:
            for change in changes:
                picture.take(change)
                if live is not None:
                    live.update(picture.table())
                elif as_json:
                    _write_lines(json.dumps(each) for each in _events(change))
                else:
                    _write_lines(_lines(change, picture))
                # Its trials come after the study; the watermark says that all are there.
                if change.watermark and picture.is_over and not forever:
                    return


def _events(change: Any) -> Iterable[dict[str, Any]]:
    if change.study is not None:
        yield {"event": "study", **document(change.study)}
    for trial in change.trials:
        yield {"event": "trial", **document(trial)}
    for name in change.deleted:
        yield {"event": "deleted", "name": name}


def _lines(change: Any, picture: Picture) -> Iterable[str]:
    if change.study is not None:
        yield f"{change.study.id}: {change.study.state}, {counts(change.study.trial_counts)}"
    for trial in change.trials:
        place, state, value, _ = trial_cells(trial)
        measured = f" {picture.study.metric}={value}" if value else ""
        reason = f" ({trial.reason})" if trial.reason else ""
        yield f"trial {place}: {state}{measured} {configuration(trial.parameters)}{reason}"
    for name in change.deleted:
        yield f"trial {name.rpartition('/')[2]}: deleted"


def _write_lines(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()
