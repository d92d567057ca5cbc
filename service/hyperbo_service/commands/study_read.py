"""`hyperbo study list`, `show`, `trials` and `best`: looking into studies."""

import json
from collections.abc import Sequence
from itertools import islice
from typing import Annotated, Any

import typer
from rich.text import Text

from hyperbo_service.choices import StateName
from hyperbo_service.commands.documents import configuration, counts, document, moment
from hyperbo_service.commands.options import AsJson
from hyperbo_service.commands.service_options import Service, StudyId, add_command
from hyperbo_service.commands.space_table import space_table
from hyperbo_service.console import facts, number, print_json, results, say, table

Filter = Annotated[
    str,
    typer.Option(
        "--filter",
        metavar="TEXT",
        help="Comparisons joined by AND, such as 'state = COMPLETED AND labels.team = \"vision\"'.",
    ),
]


def register(group: typer.Typer) -> None:
    """Add the commands to the group of studies."""
    add_command(
        group,
        "list",
        list_studies,
        "List the project's studies by creation time.",
        ("hyperbo study list", "all of them"),
        ("hyperbo study list --filter 'labels.team = \"vision\"'", "those of a team"),
        ("hyperbo study list --json | jq -r '.[].id'", "their ids, for a script"),
    )
    add_command(
        group,
        "show",
        show,
        "Show a study: its state, budget, prior, search space and best trial.",
        ("hyperbo study show digits", "for people"),
        ("hyperbo study show digits --json | jq .trial_counts", "how far it is"),
    )
    add_command(
        group,
        "trials",
        trials,
        "List a study's trials by number.",
        ("hyperbo study trials digits", "all of them"),
        ("hyperbo study trials digits --state running", "those under way"),
        ("hyperbo study trials digits --curves --json", "with their learning curves"),
    )
    add_command(
        group,
        "best",
        best,
        "Show the best completed trials of a study, best first. Exit code 4 if there is none.",
        ("hyperbo study best digits", "the best"),
        ("hyperbo study best digits --count 5 --json", "the five best"),
    )


def list_studies(service: Service, *, where: Filter = "", as_json: AsJson = False) -> None:
    """Print a row for each study."""
    with service.asked("listing studies") as client:
        records = list(client.studies(where))
    if as_json:
        print_json(document(records))
        return
    if not records:
        say("No such study. Next: [cyan]hyperbo study create NAME --space space.json[/]")
        return
    shown = table("study", "state", "metric", "prior", "trials", "created")
    for record in records:
        cells = (
            record.id,
            record.state,
            f"{record.goal} {record.metric}",
            record.resolved_prior or record.prior,
            counts(record.trial_counts),
            moment(record.created),
        )
        shown.add_row(*map(Text, cells))
    results().print(shown)


def show(service: Service, study: StudyId, *, as_json: AsJson = False) -> None:
    """Print what there is to say of a study."""
    with service.asked("reading the study") as client:
        opened = client.study(study)
        record, found = opened.info(), opened.best()
    if as_json:
        print_json({**document(record), "best": document(found)})
        return
    out = results()
    out.print(Text(f"\n{record.display_name or record.id}", "bold"))
    out.print(facts(_facts(record, found)))
    out.print()
    out.print(space_table(json.dumps(record.space)))


def trials(
    service: Service,
    study: StudyId,
    *,
    state: Annotated[
        StateName | None, typer.Option(help="Only trials in this state.", show_default=False)
    ] = None,
    where: Annotated[
        str,
        typer.Option(
            "--filter",
            metavar="TEXT",
            help="Comparisons of state, client_id, origin, create_time and update_time.",
        ),
    ] = "",
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many.", show_default="all")
    ] = None,
    curves: Annotated[
        bool, typer.Option("--curves", help="With --json, the learning curves too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print a row for each trial."""
    conditions = [where, f"state = {state.value.upper()}" if state else ""]
    with service.asked("reading trials") as client:
        history = client.study(study).history(
            " AND ".join(each for each in conditions if each), measurements=curves
        )
        records = list(islice(history, limit))
    _print_trials(records, as_json=as_json)


def best(
    service: Service,
    study: StudyId,
    *,
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Print the best trials."""
    with service.asked("looking for the best") as client:
        records = client.study(study).best(count)
    _print_trials(records, as_json=as_json)
    if not records:
        raise typer.Exit(4)


def trial_cells(trial: Any) -> tuple[str, str, str, str]:
    """Number, state, value and configuration of a trial as people read them."""
    if trial.value is not None:
        value = number(trial.value, 6)
    else:
        # A running trial shows what it measured last.
        value = f"({number(trial.measurements[-1].value, 6)})" if trial.measurements else ""
    return str(trial.number), trial.state, value, configuration(trial.parameters)


def _print_trials(records: Sequence[Any], *, as_json: bool) -> None:
    if as_json:
        print_json(document(records))
        return
    if not records:
        say("No such trial.")
        return
    shown = table(">trial", "state", ">value", "configuration", "remark")
    for record in records:
        remark = record.reason or (record.client_id if record.state == "running" else "")
        shown.add_row(*map(Text, (*trial_cells(record), remark)))
    results().print(shown)


def _facts(record: Any, found: Any) -> dict[str, str]:
    state = record.state + (f" ({record.stop_reason})" if record.stop_reason else "")
    limits = {
        "trials": record.max_trials,
        "seconds": record.max_duration,
        "target": record.target,
    }
    budget = ", ".join(f"{name} {limit:g}" for name, limit in limits.items() if limit is not None)
    prior = record.resolved_prior or record.prior
    labels = ", ".join(f"{key}={value}" for key, value in record.labels.items())
    best_text = "-"
    if found is not None:
        best_text = (
            f"{number(found.value, 6)} in trial {found.number}: {configuration(found.parameters)}"
        )
    return {
        "name": record.name,
        "state": state,
        "metric": f"{record.metric}, to {record.goal}",
        "trials": counts(record.trial_counts),
        "best": best_text,
        "budget": budget or "no limit",
        "prior": prior + (f": {record.prior_note}" if record.prior_note else ""),
        "early stopping": record.early_stopping or "none",
        "labels": labels or "-",
        "seed": str(record.seed),
        "created": moment(record.created),
        "ended": moment(record.ended),
    }
