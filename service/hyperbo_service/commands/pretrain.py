"""`hyperbo pretrain`: learn a prior from the tuning results of many tasks."""

from typing import Annotated, Any

import typer

from hyperbo_service.choices import ModelName, ObjectiveName
from hyperbo_service.commands.numerics import keep_compiled_programs
from hyperbo_service.commands.options import AsJson, RegistryFolder, examples
from hyperbo_service.console import bars, facts, print_json, results, say, warn, working


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        "pretrain",
        help="Pre-train a prior on a table of tuning results, and store it in the registry.",
        epilog=examples(
            ("hyperbo pretrain lcbench", "stored as lcbench@1"),
            ("hyperbo pretrain lcbench --hold-out Fashion_MNIST", "and scored on that task"),
            ("hyperbo pretrain lcbench --objective ekl --name lcbench-ekl", "another objective"),
        ),
    )(pretrain)


def pretrain(
    table: Annotated[
        str, typer.Argument(metavar="TABLE", help="A table's name; see hyperbo data list.")
    ],
    *,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The prior's name. Default: the table's.", show_default=False
        ),
    ] = None,
    model: Annotated[
        ModelName,
        typer.Option(
            help="The prior model, a Gaussian process on a shared feature network. hyperbo: with a "
            "learned mean, the default method. ablr, fsbo: the priors of these methods."
        ),
    ] = ModelName.HYPERBO,
    objective: Annotated[
        ObjectiveName,
        typer.Option(
            help="What to minimise: nll, the likelihood; or, where the tasks share "
            "configurations, the divergences ekl or euclid."
        ),
    ] = ObjectiveName.NLL,
    steps: Annotated[int, typer.Option(min=1, help="Training steps of Adam.")] = 5_000,
    tasks: Annotated[
        list[str] | None,
        typer.Option(
            "--task",
            "--tasks",
            metavar="TASK",
            help="Learn from these tasks only; repeat it, or separate by commas.",
            show_default=False,
        ),
    ] = None,
    hold_out: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TASK",
            help="Keep a task out of training, and score the prior on it; repeatable.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Randomness of the training.")] = 0,
    registry: RegistryFolder = None,
    as_json: AsJson = False,
) -> None:
    """Train with a progress bar, store, and tell what was learned."""
    keep_compiled_programs()
    with working("starting JAX"):
        from hyperbo.prior_manifest import check_name
        from hyperbo.registry import Registry, default_root
        from hyperbo_datasets.catalogue import resolve
        from hyperbo_service.offline import pretraining
        from hyperbo_service.offline.trainers import trainer

        store = Registry(default_root() if registry is None else registry)
        chosen = trainer(model, objective, steps)
        prior_name = table.rstrip("/").rpartition("/")[2].lower() if name is None else name
        check_name(prior_name)
        source = resolve(table)
        division = pretraining.divide(source, tasks or [], hold_out or [])
    with bars() as shown:
        found = pretraining.pretrain(
            division,
            chosen,
            seed,
            lambda stage, p: shown.report(stage, p.step, p.steps, f"loss {p.loss:.3f}"),
        )
    if found.left_out:
        names = ", ".join(found.left_out)
        warn(f"left out, since a task that is constant or has one result teaches nothing: {names}")
    lineage = {**chosen.settings(), "seed": seed}
    reference = pretraining.store(store, prior_name, source, found, lineage)
    folder = store.root / reference.name / str(reference.version)
    if as_json:
        print_json(
            {
                "prior": str(reference),
                "folder": str(folder),
                "table": source.name,
                "tasks": [task.name for task in found.trained_on],
                "points": found.points,
                "left_out": list(found.left_out),
                "seconds": round(found.seconds, 2),
                "held_out_log_evidence_per_point": dict(found.held_out_scores),
                "settings": lineage,
            }
        )
        return
    out = results()
    out.print(f"\n[bold green]Stored[/] [bold]{reference}[/]")
    out.print(facts(_summary(found, folder)))
    say(f"\nNext: [cyan]hyperbo suggest trials.csv --prior {reference}[/]")


def _summary(found: Any, folder: Any) -> dict[str, str]:
    summary = {
        "folder": str(folder),
        "learned from": f"{len(found.trained_on)} tasks, {found.points:,} results, "
        f"in {found.seconds:.1f} s",
    }
    if found.held_out_scores:
        summary["held out"] = ", ".join(
            f"{task}: {score:+.3f} nats per result" for task, score in found.held_out_scores.items()
        )
    return summary
