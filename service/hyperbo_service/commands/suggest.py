"""`hyperbo suggest`: what to try next, from a file of trials."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from hyperbo_service.choices import GoalName
from hyperbo_service.commands.numerics import keep_compiled_programs
from hyperbo_service.commands.options import AsJson, RegistryFolder, examples
from hyperbo_service.console import note, number, print_json, results, say, table, working
from hyperbo_service.errors import CommandError


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        "suggest",
        help=(
            "Suggest what to try next, from a file of trials: once, without a service.\n\n"
            "The file has a column for each parameter and one for the metric. A trial whose "
            "metric is empty is still running, and is not suggested again. A trial that gave no "
            "result says so in a column 'status': diverged, failed or infeasible."
        ),
        epilog=examples(
            ("hyperbo suggest --prior lcbench", "a study's first trial"),
            ("hyperbo suggest trials.csv --prior lcbench --count 4", "the next four, at once"),
            ("hyperbo suggest trials.csv --space space.json", "from nothing but a space"),
            ("hyperbo suggest trials.json --prior lcbench --json", "for a script"),
        ),
    )(suggest)


def suggest(
    trials: Annotated[
        Path | None,
        typer.Argument(
            metavar="TRIALS",
            help="A .csv or .json file of trials; without one, or if it is empty, the first.",
            show_default=False,
        ),
    ] = None,
    *,
    prior: Annotated[
        str | None,
        typer.Option(
            metavar="PRIOR",
            help="Start from this stored prior: NAME or NAME@VERSION. It knows the space.",
            show_default=False,
        ),
    ] = None,
    space: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The search space as JSON. Without --prior, start from nothing in it.",
            show_default=False,
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The metric's column. Default: the prior's or the space file's.",
            show_default=False,
        ),
    ] = None,
    goal: Annotated[
        GoalName | None,
        typer.Option(help="Which way is better. Default: as above.", show_default=False),
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=64, help="How many suggestions.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Same file, same seed: same answer.")] = 0,
    registry: RegistryFolder = None,
    as_json: AsJson = False,
) -> None:
    """Print native values to try next, and what they rest on."""
    if prior is None and space is None:
        raise CommandError(
            "Say where to start: --prior NAME (see hyperbo prior list), or --space FILE to start "
            "from nothing."
        )
    keep_compiled_programs()
    with working("starting JAX"):
        from hyperbo.registry import Registry, default_root
        from hyperbo_service.offline.suggestion import ask, from_nothing, from_stored_prior

        if prior is not None:
            store = Registry(default_root() if registry is None else registry)
            door = from_stored_prior(store, prior, space, metric, goal)
        else:
            door = from_nothing(space or Path(), metric, goal)
    if trials is not None and not trials.exists():
        note(f"{trials} does not exist yet: this is the study's first trial")
    with working("weighing what was seen"):
        found = ask(door, trials, count=count, seed=seed)
    if as_json:
        print_json(_document(door, found))
    else:
        _print(door, found)


def _document(door: Any, found: Any) -> dict[str, Any]:
    trials = found.trials
    return {
        "suggestions": list(found.configurations),
        "metric": door.metric.to_dict(),
        "prior": door.prior,
        "trust": found.trust,
        "trials": {
            "completed": trials.completed,
            "pending": trials.pending,
            "without_result": trials.lost,
            "best": trials.best,
        },
    }


def _print(door: Any, found: Any) -> None:
    out, trials = results(), found.trials
    out.print(f"\n[bold]Try next[/], to {door.metric.goal.name} {door.metric.name}:")
    for first in range(0, len(found.configurations), _SIDE_BY_SIDE):
        part = found.configurations[first : first + _SIDE_BY_SIDE]
        shown = table("parameter", *(f">#{first + place}" for place in range(1, len(part) + 1)))
        for name in door.space.names:
            cells = [_cell(configuration.get(name)) for configuration in part]
            shown.add_row(Text(name), *map(Text, cells))
        out.print(shown)
    say(f"[dim]So far:[/] {_so_far(trials, door.metric.name)}")
    trust = ", ".join(f"{name} {weight:.0%}" for name, weight in found.trust.items())
    measured = "as measured on these trials" if trials.completed else "before the first result"
    say(f"[dim]Trust:[/]  {trust} [dim]({measured})[/]")
    say("[dim]Six digits are shown; --json gives every one.[/]")


_SIDE_BY_SIDE = 5


def _so_far(trials: Any, metric: str) -> str:
    text = f"{trials.completed} completed, {trials.pending} running"
    if trials.lost:
        text += f", {trials.lost} without a result"
    return text if trials.best is None else f"{text}; best {metric} {number(trials.best, 6)}"


def _cell(value: Any) -> str:
    """A native value, short; a dot where the parameter does not exist."""
    return "·" if value is None else number(value, 6) if isinstance(value, float) else str(value)
