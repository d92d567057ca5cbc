"""`hyperbo prior`: the priors that were stored, and which of them is better."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.text import Text

from hyperbo_service.commands import prior_transfer
from hyperbo_service.commands.numerics import keep_compiled_programs
from hyperbo_service.commands.options import AsJson, RegistryFolder, examples
from hyperbo_service.commands.space_table import space_table
from hyperbo_service.console import (
    bars,
    facts,
    number,
    print_json,
    results,
    say,
    table,
    warn,
    working,
)

Reference = Annotated[
    str,
    typer.Argument(metavar="PRIOR", help="A stored prior: NAME (the newest) or NAME@VERSION."),
]


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    group = typer.Typer(
        name="prior",
        help="Stored priors: list, show, verify and compare them; push them to a service, or pull.",
        no_args_is_help=True,
        rich_markup_mode="rich",
        epilog=examples(
            ("hyperbo prior list", "what there is"),
            ("hyperbo prior show lcbench", "the newest version of lcbench"),
            ("hyperbo prior compare lcbench@1 lcbench@2 --table lcbench", "which is better"),
            ("hyperbo prior push lcbench", "to the service"),
        ),
    )
    group.command(
        "list",
        help="List all stored priors, the damaged ones too; every byte is checked.",
        epilog=examples(
            ("hyperbo prior list", "your own registry"),
            ("hyperbo prior list --registry team/priors --json", "another, for a script"),
        ),
    )(list_priors)
    group.command(
        "show",
        help="Show a prior: what it was trained on, which space it serves, how well it did.",
        epilog=examples(
            ("hyperbo prior show lcbench", "the newest version"),
            ("hyperbo prior show lcbench@1 --json", "its whole manifest"),
        ),
    )(show_prior)
    group.command(
        "verify",
        help="Verify that a prior is as it was written, and can be used. Exit code 2 if not.",
        epilog=examples(("hyperbo prior verify lcbench@1", "before a long study, or after a copy")),
    )(verify_prior)
    group.command(
        "compare",
        help="Compare two priors by how well they foretell the tasks of a table.\n\n"
        "The measure is log evidence per result (nats, larger is better): 0.1 more means that "
        "each result was given 10% more probability. Tasks that a prior was trained on are shown, "
        "but do not count.",
        epilog=examples(
            ("hyperbo prior compare lcbench@1 lcbench@2 --table lcbench", "on all tasks"),
            ("hyperbo prior compare a b --table lcbench --task adult", "on one task"),
        ),
    )(compare_priors)
    prior_transfer.register(group)
    app.add_typer(group)


def list_priors(*, registry: RegistryFolder = None, as_json: AsJson = False) -> None:
    """Print a row for each stored prior."""
    with working("reading the registry"):
        store = _registry(registry)
        entries = store.list()
    if as_json:
        print_json([_entry_document(entry) for entry in entries])
        return
    if not entries:
        say(f"No priors in {store.root} yet. Next: [cyan]hyperbo pretrain lcbench[/]")
        return
    shown = table("prior", ">tasks", ">results", "metric", "model", "created")
    for entry in entries:
        manifest = entry.manifest
        if manifest is None:
            problem = Text(f"cannot be used: {entry.problem}", "red")
            shown.add_row(Text(str(entry.reference)), "", "", problem)
            continue
        cells = (
            str(entry.reference),
            str(len(manifest.training.tasks)),
            f"{manifest.training.points:,}",
            "any" if manifest.metric is None else str(manifest.metric["name"]),
            str(manifest.notes.get("model", "-")),
            f"{manifest.created:%Y-%m-%d %H:%M} UTC",
        )
        shown.add_row(*map(Text, cells))
    results().print(shown)


def show_prior(
    prior: Reference, *, registry: RegistryFolder = None, as_json: AsJson = False
) -> None:
    """Print a prior's manifest."""
    with working("reading the prior"):
        store = _registry(registry)
        manifest = store.verify(prior)
    if as_json:
        print_json({**manifest.to_json(), "content_hash": manifest.content_hash()})
        return
    training, out = manifest.training, results()
    out.print(f"\n[bold]{manifest.reference}[/]")
    out.print(
        facts(
            {
                "folder": str(
                    store.root / manifest.reference.name / str(manifest.reference.version)
                ),
                "created": f"{manifest.created:%Y-%m-%d %H:%M} UTC",
                "content": f"sha256 {manifest.content_hash()}",
                **_metric(manifest),
                "trained on": f"{len(training.tasks)} tasks, {training.points:,} results "
                f"(digest {training.digest[:12]})",
                "tasks": ", ".join(training.tasks),
                "scores": ", ".join(_flat(manifest.scores)) or "-",
                "lineage": ", ".join(_flat(manifest.notes)) or "-",
                "written by": ", ".join(f"{k} {v}" for k, v in manifest.libraries.items()),
            }
        )
    )
    out.print()
    if manifest.space is None:
        out.print("It serves any search space: hyperbo suggest --prior NAME --space FILE.")
    else:
        out.print(space_table(manifest.space.to_json()))


def verify_prior(
    prior: Reference, *, registry: RegistryFolder = None, as_json: AsJson = False
) -> None:
    """Say that a prior is intact; an error says that it is not."""
    with working("checking every byte"):
        manifest = _registry(registry).verify(prior)
    if as_json:
        print_json(
            {
                "prior": str(manifest.reference),
                "is_intact": True,
                "content_hash": manifest.content_hash(),
            }
        )
        return
    say(
        f"[green]✓[/] {manifest.reference} is intact and usable "
        f"[dim](sha256 {manifest.content_hash()[:16]}...)[/]"
    )


def compare_priors(
    left: Annotated[str, typer.Argument(metavar="PRIOR", help="The first: NAME or NAME@VERSION.")],
    right: Annotated[str, typer.Argument(metavar="PRIOR", help="The second.")],
    *,
    table_name: Annotated[
        str, typer.Option("--table", metavar="TABLE", help="Whose tasks to compare them on.")
    ],
    tasks: Annotated[
        list[str] | None,
        typer.Option(
            "--task",
            "--tasks",
            metavar="TASK",
            help="Compare on this task only; repeat it, or separate by commas.",
            show_default=False,
        ),
    ] = None,
    points: Annotated[
        int, typer.Option(min=1, max=2000, help="Results of each task to look at.")
    ] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Which results are looked at.")] = 0,
    registry: RegistryFolder = None,
    as_json: AsJson = False,
) -> None:
    """Print log evidence per result by task, and which prior is better on how many."""
    keep_compiled_programs()
    with working("starting JAX"):
        from hyperbo_datasets.catalogue import resolve
        from hyperbo_service.offline.comparison import compare

        store = _registry(registry)
        source = resolve(table_name)
    with bars() as shown:
        found = compare(
            store,
            (left, right),
            source,
            tasks or [],
            points=points,
            seed=seed,
            report=lambda done, total: shown.report("weighing evidence", done, total),
        )
    if found.is_flattering:
        warn(
            "both priors, or one of them, were trained on every task compared, so the numbers "
            "flatter; pre-train with --hold-out to have tasks to judge by"
        )
    if as_json:
        print_json(_comparison_document(found))
        return
    _print_comparison(found)


def _registry(folder: Any) -> Any:
    keep_compiled_programs()
    from hyperbo.registry import Registry, default_root

    return Registry(default_root() if folder is None else folder)


def _metric(manifest: Any) -> dict[str, str]:
    if manifest.metric is None:
        return {"metric": "any"}
    return {
        "metric": f"{manifest.metric['name']}, to {manifest.metric['goal']}",
        "models see": _warp(manifest.metric),
    }


def _warp(metric: Any) -> str:
    warp = metric.get("warp", {"kind": "identity"})
    settings = ", ".join(f"{key} {value:g}" for key, value in warp.items() if key != "kind")
    return str(warp["kind"]).replace("_", " ") + (f" ({settings})" if settings else "")


def _flat(mapping: Any, above: str = "") -> Iterator[str]:
    """Names and values of a nested mapping, one after the other; digests cut short."""
    for name, value in mapping.items():
        label = f"{above}{name}"
        if isinstance(value, dict):
            yield from _flat(value, f"{label}: ")
        elif value not in ([], None):
            listed = value if isinstance(value, list) else [value]
            text = ", ".join(number(x) if isinstance(x, float) else str(x) for x in listed)
            yield f"{label} {text[:12] if 'sha256' in name else text}"


def _entry_document(entry: Any) -> dict[str, Any]:
    document: dict[str, Any] = {"prior": str(entry.reference), "problem": entry.problem}
    if entry.manifest is not None:
        manifest = entry.manifest
        document |= {
            "created": manifest.created.isoformat(),
            "tasks": len(manifest.training.tasks),
            "points": manifest.training.points,
            "metric": manifest.metric,
            "parameters": None if manifest.space is None else list(manifest.space.names),
            "model": manifest.notes.get("model"),
            "scores": manifest.scores,
            "content_hash": manifest.content_hash(),
        }
    return document


def _comparison_document(found: Any) -> dict[str, Any]:
    return {
        "priors": [found.left, found.right],
        "mean_log_evidence_per_point": list(found.means),
        "wins": list(found.wins),
        "judged_tasks": len(found.judged),
        "only_trained_on": found.is_flattering,
        "by_task": [
            {
                "task": each.task,
                "points": each.points,
                "log_evidence_per_point": [each.left, each.right],
                "trained_on": each.is_known,
            }
            for each in found.by_task
        ],
    }


def _print_comparison(found: Any) -> None:
    shown = table("task", f">{found.left}", f">{found.right}", ">difference", "")
    for each in found.by_task:
        left, right = Text(f"{each.left:.3f}"), Text(f"{each.right:.3f}")
        (left if each.left > each.right else right).stylize("bold green")
        remark = "trained on: does not count" if each.is_known and not found.is_flattering else ""
        difference = f"{each.right - each.left:+.3f}"
        shown.add_row(Text(each.task), left, right, difference, Text(remark, "dim"))
    out = results()
    out.print("\nLog evidence per result, in nats; larger is better.")
    out.print(shown)
    (first, second), (won, lost) = found.means, found.wins
    if won == lost:
        verdict = "[bold]Even[/]"
    else:
        verdict = f"[bold green]{found.left if won > lost else found.right}[/] is better"
    say(
        f"{verdict}: {found.left} wins on {won} and {found.right} on {lost} of "
        f"{len(found.judged)} tasks; means {first:.3f} and {second:.3f}."
    )
