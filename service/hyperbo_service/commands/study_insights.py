"""`hyperbo study predict` and `prior-report`: what the service believes of a study."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from hyperbo_service.commands.documents import configuration, document
from hyperbo_service.commands.native_values import (
    parameters_of,
    read_assignments,
    read_configuration,
)
from hyperbo_service.commands.options import AsJson
from hyperbo_service.commands.service_options import Service, StudyId, add_command
from hyperbo_service.console import number, print_json, results, say, table
from hyperbo_service.errors import CommandError
from hyperbo_service.rows_file import read_rows


def register(group: typer.Typer) -> None:
    """Add the commands to the group of studies."""
    add_command(
        group,
        "predict",
        predict,
        "Predict the noise-free metric at configurations: median and 95% interval.\n\n"
        "They come from a .csv or .json file with a value for each parameter, or as pairs.",
        ("hyperbo study predict digits lr=0.01 layers=3", "at one configuration"),
        ("hyperbo study predict digits --points grid.csv --json", "at many"),
    )
    add_command(
        group,
        "prior-report",
        prior_report,
        "Say whether the prior helped: its evidence against starting from nothing.",
        ("hyperbo study prior-report digits", "for people"),
        ("hyperbo study prior-report digits --json | jq .verdict", "for a script"),
    )


def predict(
    service: Service,
    study: StudyId,
    pairs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME=VALUE", help="One configuration, a pair a parameter.", show_default=False
        ),
    ] = None,
    *,
    points: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A .csv or .json file of configurations, a row each.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print a row for each configuration."""
    if bool(pairs) == (points is not None):
        raise CommandError(
            "Say where to predict: either pairs such as lr=0.01 layers=3, or --points FILE."
        )
    with service.asked("predicting") as client:
        opened = client.study(study)
        parameters = parameters_of(opened.info().space)
        if points is None:
            configurations = [read_assignments(pairs or [], parameters)]
        else:
            configurations = [
                read_configuration(row, parameters, f"{points}, row {place}")
                for place, row in enumerate(read_rows(points), start=1)
            ]
        found = opened.predict(configurations)
    if as_json:
        print_json(
            [
                {"parameters": each, **prediction._asdict()}
                for each, prediction in zip(configurations, found, strict=True)
            ]
        )
        return
    shown = table(f">{opened.metric}", ">95% from", ">to", "configuration")
    for each, prediction in zip(configurations, found, strict=True):
        shown.add_row(*map(number, prediction), Text(configuration(each)))
    results().print(shown)


def prior_report(service: Service, study: StudyId, *, as_json: AsJson = False) -> None:
    """Print the report."""
    with service.asked("weighing the prior") as client:
        report: Any = client.study(study).prior_report()
    if as_json:
        print_json(document(report))
        return
    colours = {"helped": "green", "misled": "red"}
    colour, verdict = colours.get(report.verdict, "yellow"), report.verdict.replace("_", " ")
    say(f"[bold {colour}]{verdict}[/] [dim]({report.prior or 'no prior'})[/]")
    results().print(Text(report.summary))
