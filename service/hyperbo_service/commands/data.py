"""`hyperbo data`: tables of tuning results, and getting more of them in."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from hyperbo_service.commands import data_collect, data_corpora
from hyperbo_service.commands.options import AsJson, examples, listing
from hyperbo_service.commands.space_table import space_table
from hyperbo_service.console import facts, number, print_json, results, say, table, working
from hyperbo_service.errors import CommandError
from hyperbo_service.names import pick

Name = Annotated[
    str,
    typer.Argument(
        metavar="TABLE",
        help="A table's name (see [cyan]hyperbo data list[/]), or the folder of a stored table.",
    ),
]


_SPACE_FILE = (
    '{"name": "my-runs",',
    ' "parameters": [{"type": "float", "name": "lr", "low": 1e-5, "high": 1, "scale": "log"},',
    '                {"type": "integer", "name": "layers", "low": 1, "high": 8}],',
    ' "metric": {"name": "error", "goal": "minimise",',
    '            "warp": {"kind": "negative_log_error", "scale": 1, "epsilon": 0.001}},',
    ' "columns": {"task": "dataset", "lr": "learning rate"},',
    ' "ignore": ["started_at"]}',
)


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    group = typer.Typer(
        name="data",
        help="Tables of tuning results: list, describe, import, check and collect them.",
        no_args_is_help=True,
        rich_markup_mode="rich",
        epilog=examples(
            ("hyperbo data list", "what there is"),
            ("hyperbo data describe lcbench", "its space, metric and tasks"),
            ("hyperbo data import csv runs.csv --space space.json", "bring your own results"),
        ),
    )
    group.command(
        "list",
        help="List the tables there are: bundled with HyperBO, and imported by you.",
        epilog=examples(
            ("hyperbo data list", "a table for people"),
            ("hyperbo data list --json", "the same for a script"),
        ),
    )(list_tables)
    group.command(
        "describe",
        help="Describe a table: where it comes from, its search space, its metric, its tasks.",
        epilog=examples(
            ("hyperbo data describe lcbench", "35 deep-learning tasks"),
            ("hyperbo data describe lcbench --json | jq .by_task", "each task's range"),
        ),
    )(describe_table)
    group.command(
        "import",
        help=(
            "Import tuning results into your store, checked row by row.\n\n"
            "LAYOUT is one of csv (any CSV or parquet file, with --space), pd1, hpob, taskset, "
            "fcnet, lcbench."
        ),
        epilog=examples(
            ("hyperbo data import csv runs.csv --space space.json", "your own results"),
            ("hyperbo data import pd1 pd1.tar.gz --select matched", "PD1's matched trials"),
            ("hyperbo data import hpob hpob-data/ --select 5860", "one space of HPO-B"),
        )
        + listing("A space file for csv", _SPACE_FILE),
    )(import_table)
    group.command(
        "check",
        help="Check a table, and say everything that is wrong or noteworthy. Exit code 2 if wrong.",
        epilog=examples(
            ("hyperbo data check lcbench", "a table by name"),
            ("hyperbo data check runs.csv --space space.json", "a file before it is imported"),
        ),
    )(check_table)
    data_collect.register(group)
    data_corpora.register(group)
    app.add_typer(group)


def list_tables(*, as_json: AsJson = False) -> None:
    """Print a row for each table that can be resolved by name."""
    with working("reading tables"):
        from hyperbo_datasets.catalogue import IMPORTERS, entries, resolve

        rows = []
        for entry in entries():
            manifest = entry.stored.manifest if entry.stored is not None else None
            if manifest is None:
                found = resolve(entry.name)
                tasks, count = len(found.tasks), len(found.frame)
                metric, source = found.metric.name, found.provenance.source
            else:
                tasks, count = len(manifest.get("tasks", [])), manifest.get("rows", 0)
                metric = manifest.get("metric", {}).get("name", "")
                source = manifest.get("provenance", {}).get("source", "")
            rows.append(
                {
                    "name": entry.name,
                    "is_bundled": entry.is_bundled,
                    "tasks": tasks,
                    "rows": count,
                    "metric": metric,
                    "source": source,
                    "problem": entry.stored.problem if entry.stored is not None else None,
                }
            )
    if as_json:
        print_json(rows)
        return
    shown = table("name", ">tasks", ">rows", "metric", "source")
    for row in rows:
        if row["problem"]:
            shown.add_row(str(row["name"]), "", "", "", Text(f"damaged: {row['problem']}", "red"))
            continue
        source = f"{row['source']}{' (bundled)' if row['is_bundled'] else ''}"
        cells = (str(row["name"]), str(row["tasks"]), f"{row['rows']:,}", str(row["metric"]))
        shown.add_row(*map(Text, cells), Text(source))
    results().print(shown)
    layouts = table("layout", "reads", "--select")
    for layout, importer in IMPORTERS.items():
        option = "" if layout == "csv" else importer.option
        layouts.add_row(layout, Text(importer.summary), Text(option))
    say("More can be imported by [cyan]hyperbo data import LAYOUT PATH[/]:")
    results().print(layouts)


def describe_table(name: Name, *, as_json: AsJson = False) -> None:
    """Print what `hyperbo_datasets.catalogue.describe` finds."""
    with working("reading the table"):
        from hyperbo_datasets.catalogue import describe, resolve

        found = resolve(name)
        summary = describe(found)
    if as_json:
        print_json(summary)
        return
    out = results()
    kind = "the same in every task" if summary["is_matched"] else "different from task to task"
    warp = {key: value for key, value in summary["metric"]["warp"].items() if key != "kind"}
    settings = ", ".join(f"{key} {number(value)}" for key, value in warp.items())
    lost = summary["share_not_completed"]
    out.print(f"\n[bold]{summary['name']}[/]")
    out.print(
        facts(
            {
                "source": summary["source"],
                "licence": summary["licence"],
                "notes": summary["notes"] or "-",
                "tasks": str(summary["tasks"]),
                "configurations": f"{summary['configurations']:,}, {kind}",
                "runs": f"{summary['runs']:,}" + (f", {lost:.1%} not completed" if lost else ""),
                "metric": f"{summary['metric']['name']}, to {summary['metric']['goal']}",
                "models see": summary["metric"]["warp"]["kind"].replace("_", " ")
                + (f" ({settings})" if settings else ""),
            }
        )
    )
    out.print()
    out.print(space_table(found.space.to_json()))
    out.print(_tasks_table(summary))


def import_table(
    layout: Annotated[str, typer.Argument(metavar="LAYOUT", help="The files' layout.")],
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A file, folder or archive.")],
    *,
    space: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="For csv: a JSON file naming parameters, metric and columns.",
            show_default=False,
        ),
    ] = None,
    select: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help="Part to import. pd1: matched or unmatched. hpob: a search-space id.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Store it under this name.", show_default=False),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a table of that name, if there is one.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read tables in a public layout and save them in the user's store."""
    with working(f"reading {path.name}"):
        from hyperbo_datasets.catalogue import BUNDLED, IMPORTERS
        from hyperbo_datasets.store import folder_for, save

        pick(layout, IMPORTERS, "layout")
        tables = IMPORTERS[layout].read(path, _importer_option(layout, space, select))
        if name is not None:
            if len(tables) != 1:
                raise CommandError(
                    f"{path} holds {len(tables)} tables, which cannot share the name {name!r}. "
                    "Choose one of them by --select, or leave out --name."
                )
            tables = [dataclasses.replace(tables[0], name=name)]
        taken = [found.name for found in tables if found.name in BUNDLED]
        if taken:
            raise CommandError(
                f"{taken[0]!r} is the name of a table that comes with HyperBO, which would hide "
                "the imported one. Choose another with --name."
            )
        folders = [(found, folder_for(found.name)) for found in tables]
        for found, folder in folders:
            save(found, folder, replace=replace)
    if as_json:
        print_json(
            [
                {
                    "name": found.name,
                    "folder": str(folder),
                    "tasks": len(found.tasks),
                    "rows": len(found.frame),
                }
                for found, folder in folders
            ]
        )
        return
    shown = table("imported", ">tasks", ">rows", "stored in")
    for found, folder in folders:
        cells = (found.name, str(len(found.tasks)), f"{len(found.frame):,}", str(folder))
        shown.add_row(*map(Text, cells))
    results().print(shown)
    say(f"Next: [cyan]hyperbo pretrain {folders[0][0].name}[/]")


def check_table(
    name: Annotated[
        str,
        typer.Argument(
            metavar="TABLE_OR_FILE",
            help="A table's name, the folder of a stored one, or (with --space) a CSV or parquet "
            "file.",
        ),
    ],
    *,
    space: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The JSON file that describes a CSV or parquet file.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print every finding; exit code 2 if one of them makes the table unusable."""
    with working("checking"):
        from hyperbo_datasets.catalogue import resolve
        from hyperbo_datasets.checks import check
        from hyperbo_datasets.sources import csv

        is_file = Path(name).is_file()
        if space is None and is_file:
            raise CommandError(
                f"{name} is a file; say what its columns mean by --space FILE "
                "(hyperbo data import --help)."
            )
        report = check(resolve(name) if space is None else csv.read(Path(name), space))
    if as_json:
        print_json(report.to_dict())
    else:
        colours = {"error": "bold red", "warning": "yellow", "note": "cyan"}
        for finding in report.findings:
            severity = finding.severity.value
            line = Text.assemble((f"{severity}: ", colours[severity]), finding.message)
            results().print(line, soft_wrap=True)
        verdict = "[green]usable[/]" if report.is_usable else "[bold red]not usable[/]"
        count = len(report.findings)
        say(f"Table {report.table} is {verdict}; {count} finding{'s' * (count != 1)}.")
    if not report.is_usable:
        raise typer.Exit(2)


def _importer_option(layout: str, space: Path | None, select: str | None) -> str | None:
    """The one option that a layout's reader takes."""
    if layout == "csv":
        if select is not None:
            raise CommandError("The csv layout takes --space, not --select.")
        if space is None:
            raise CommandError(
                "A CSV or parquet file needs --space FILE: a JSON file that names its parameters, "
                "its metric and its columns. 'hyperbo data import --help' shows one."
            )
        return str(space)
    if space is not None:
        raise CommandError(f"The {layout} layout knows its own space; leave out --space.")
    return select


def _tasks_table(summary: dict[str, Any]) -> Any:
    metric = summary["metric"]["name"]
    is_lossy = summary["share_not_completed"] > 0.0
    columns = (">runs", f">best {metric}", ">median", ">worst", *([">lost"] if is_lossy else []))
    shown = table("task", *columns)
    for task in summary["by_task"]:
        values = [task["best"], task["median"], task["worst"]]
        cells = ["-" if value is None else number(value) for value in values]
        lost = [f"{task['share_not_completed']:.1%}"] if is_lossy else []
        shown.add_row(Text(task["task"]), f"{task['runs']:,}", *cells, *lost)
    return shown
