"""`hyperbo study`: the studies of the service, and the offline comparison of methods."""

import difflib
from typing import Any

import typer
from typer.core import TyperGroup

from hyperbo_service.commands import (
    compare,
    study_files,
    study_insights,
    study_live,
    study_manage,
    study_read,
    study_watch,
)
from hyperbo_service.commands.options import examples
from hyperbo_service.console import note

DEFAULT = "compare"


class StudyGroup(TyperGroup):
    """A group in which a first word that is no subcommand is a table to compare methods on."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default subcommand before arguments that name none; `--live` is one, too."""
        if args and args[0].partition("=")[0] == "--live":
            args = ["live", *args[0].split("=")[1:], *args[1:]]
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            close = difflib.get_close_matches(args[0], self.commands, n=1, cutoff=0.75)
            if close:
                note(f"{args[0]!r} is taken for a table; if a command is meant: {close[0]!r}")
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    group = typer.Typer(
        cls=StudyGroup,
        name="study",
        help=(
            "Studies: create them, look into them, take them in and out; or compare methods "
            "offline.\n\n"
            "They are on a server (--server, else $HYPERBO_SERVER, else localhost:8080), or with "
            "--local in a file of your own. [cyan]hyperbo study TABLE[/] is short for "
            "[cyan]hyperbo study compare TABLE[/]."
        ),
        no_args_is_help=True,
        rich_markup_mode="rich",
        epilog=examples(
            (
                "hyperbo study create digits --space space.json --metric accuracy --goal maximize",
                "a new study",
            ),
            ("hyperbo study watch digits", "follow it"),
            ("hyperbo study best digits", "what it found"),
            ("hyperbo study export digits digits.csv", "its trials as a table"),
            ("hyperbo study compare lcbench", "methods on a table, without a service"),
        ),
    )
    study_manage.register_create(group)
    study_read.register(group)
    study_watch.register(group)
    study_insights.register(group)
    study_files.register(group)
    study_live.register(group)
    study_manage.register_moves(group)
    compare.register(group)
    app.add_typer(group)
