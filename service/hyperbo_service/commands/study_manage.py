"""`hyperbo study create`, and the commands that change a study as a whole."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from hyperbo_service.choices import GoalName, StoppingName
from hyperbo_service.commands.documents import document
from hyperbo_service.commands.durations import seconds
from hyperbo_service.commands.options import AsJson
from hyperbo_service.commands.service_options import Service, StudyId, add_command
from hyperbo_service.commands.space_file import read_space_file
from hyperbo_service.console import print_json, say
from hyperbo_service.errors import CommandError


def register_create(group: typer.Typer) -> None:
    """Add `create` to the group of studies."""
    add_command(
        group,
        "create",
        create,
        "Create a study; one of that name with the same space and metric is left as it is.\n\n"
        "The space file is a JSON object with a list 'parameters' and, unless --metric and --goal "
        "say it, an object 'metric' with name and goal.",
        (
            "hyperbo study create digits --space space.json --metric accuracy --goal maximize",
            "trials without end",
        ),
        (
            "hyperbo study create digits --space space.json --max-trials 50 --max-duration 12h",
            "metric and goal from the file, and a budget",
        ),
        ("hyperbo study create digits --space space.json --prior none --local", "without a server"),
    )


def register_moves(group: typer.Typer) -> None:
    """Add `pause`, `resume`, `finish` and `delete` to the group of studies."""
    add_command(
        group,
        "pause",
        pause,
        "Pause a study: it gives no trials until it is resumed. Running ones may go on.",
        ("hyperbo study pause digits", "for now"),
    )
    add_command(
        group,
        "resume",
        resume,
        "Resume a study that is paused or completed; a used-up budget can be raised.",
        ("hyperbo study resume digits", "after a pause"),
        ("hyperbo study resume digits --max-trials 100", "with a larger budget"),
    )
    add_command(
        group,
        "finish",
        finish,
        "Complete a study: it gives no more trials, and `hyperbo pretrain --from-service` learns "
        "from it. Running trials may still report.",
        ("hyperbo study finish digits", "it has found enough"),
    )
    add_command(
        group,
        "delete",
        delete,
        "Delete a study. One that has trials needs --force, and they are deleted too.",
        ("hyperbo study delete digits --force", "with its trials"),
    )


def create(
    service: Service,
    study: StudyId,
    *,
    space: Annotated[Path, typer.Option(metavar="FILE", help="JSON file of the search space.")],
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="What is tuned. Default: the space file's.", show_default=False
        ),
    ] = None,
    goal: Annotated[
        GoalName | None,
        typer.Option(help="Which way is better. Default: the space file's.", show_default=False),
    ] = None,
    prior: Annotated[
        str, typer.Option(metavar="PRIOR", help="auto, none, or a stored prior NAME@VERSION.")
    ] = "auto",
    max_trials: Annotated[
        int | None, typer.Option(min=1, help="Trials to give out.", show_default="no limit")
    ] = None,
    max_duration: Annotated[
        str | None,
        typer.Option(
            metavar="SPAN", help="Time from now on, such as 12h or 3d.", show_default="no limit"
        ),
    ] = None,
    target: Annotated[
        float | None,
        typer.Option(help="A value that is good enough to end the study.", show_default="none"),
    ] = None,
    early_stopping: Annotated[
        StoppingName, typer.Option(help="Rule by which a trial is advised to stop.")
    ] = StoppingName.MEDIAN,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Feeds all randomness.", show_default="drawn by the server"),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="A label, to filter by; repeatable."),
    ] = None,
    display_name: Annotated[str, typer.Option(metavar="TEXT", help="A name for people.")] = "",
    must_be_new: Annotated[
        bool, typer.Option("--new", help="Refuse if there is a study of that name.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Create a study, and say how to go on."""
    found = read_space_file(space)
    name, way = metric or found.metric.get("name"), goal or found.metric.get("goal")
    if not name or not way:
        raise CommandError(
            f"What is tuned? Give --metric NAME and --goal maximize|minimize, or put a metric "
            f"into {space}."
        )
    budget = None if max_duration is None else seconds(max_duration)
    with service.asked("creating the study") as client:
        opened = client.study(
            study,
            space=found.space,
            metric=name,
            goal=way,
            prior=prior,
            max_trials=max_trials,
            max_duration=budget,
            target=target,
            early_stopping=None if early_stopping is StoppingName.NONE else early_stopping.value,
            seed=seed,
            labels=_labels(label or []),
            display_name=display_name,
            allow_existing=not must_be_new,
        )
        record = opened.info()
    if as_json:
        print_json(document(record))
        return
    say(f"[bold green]Study[/] [bold]{record.id}[/]: to {record.goal} {escape(record.metric)}")
    say(f"Next: [cyan]hyperbo trial ask {record.id}[/], or in Python client.study({record.id!r})")


def pause(service: Service, study: StudyId, *, as_json: AsJson = False) -> None:
    """Let a study give no trials for now."""
    with service.asked("pausing the study") as client:
        record = client.study(study).pause()
    _tell(record, as_json=as_json)


def resume(
    service: Service,
    study: StudyId,
    *,
    max_trials: Annotated[
        int | None, typer.Option(min=1, help="The new budget of trials.", show_default="as it was")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let a study give trials again."""
    with service.asked("resuming the study") as client:
        opened = client.study(study)
        if max_trials is not None:
            opened.update(max_trials=max_trials)
        record = opened.resume() if opened.info().state != "active" else opened.info()
    _tell(record, as_json=as_json)


def finish(service: Service, study: StudyId, *, as_json: AsJson = False) -> None:
    """Complete a study."""
    with service.asked("completing the study") as client:
        opened = client.study(study)
        record = opened.finish() if opened.info().state != "completed" else opened.info()
    _tell(record, as_json=as_json)


def delete(
    service: Service,
    study: StudyId,
    *,
    force: Annotated[bool, typer.Option("--force", help="Also if it has trials.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a study."""
    with service.asked("deleting the study") as client:
        client.study(study).delete(force=force)
    if as_json:
        print_json({"deleted": study})
    else:
        say(f"Deleted {study}.")


def _tell(record: Any, *, as_json: bool) -> None:
    if as_json:
        print_json(document(record))
    else:
        say(f"{record.id} is {record.state}.")


def _labels(pairs: Sequence[str]) -> dict[str, str]:
    wrong = [pair for pair in pairs if "=" not in pair]
    if wrong:
        raise CommandError(f"The label {wrong[0]!r} is no KEY=VALUE; write such as team=vision.")
    return dict(pair.split("=", 1) for pair in pairs)
