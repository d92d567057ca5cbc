"""`hyperbo pretrain`: learn a prior from the tuning results of many tasks."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from hyperbo_service.choices import ModelName, ObjectiveName
from hyperbo_service.commands.numerics import keep_compiled_programs
from hyperbo_service.commands.options import AsJson, RegistryFolder, examples
from hyperbo_service.console import bars, facts, print_json, results, say, warn, working
from hyperbo_service.errors import CommandError

DEFAULT_STEPS = 5_000


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        "pretrain",
        help="Pre-train a prior on a table of tuning results, and store it in the registry.",
        epilog=examples(
            ("hyperbo pretrain lcbench", "stored as lcbench@1"),
            ("hyperbo pretrain lcbench --hold-out Fashion_MNIST", "and scored on that task"),
            ("hyperbo pretrain lcbench --objective ekl --name lcbench-ekl", "another objective"),
            ("hyperbo pretrain lcbench fcnet --model hierarchical --name any", "for any space"),
        ),
    )(pretrain)


def pretrain(
    tables: Annotated[
        list[str],
        typer.Argument(
            metavar="TABLE...",
            help="A table's name; see hyperbo data list. The hierarchical model takes several.",
        ),
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
            "learned mean, the default method. ablr, fsbo: the priors of these methods. "
            "hierarchical: learned from several search spaces, for one never seen."
        ),
    ] = ModelName.HYPERBO,
    objective: Annotated[
        ObjectiveName,
        typer.Option(
            help="What to minimise: nll, the likelihood; or, where the tasks share "
            "configurations, the divergences ekl or euclid."
        ),
    ] = ObjectiveName.NLL,
    steps: Annotated[int, typer.Option(min=1, help="Training steps of Adam.")] = DEFAULT_STEPS,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Go on from this file, and write to it once a minute: for long trainings that "
            "may be interrupted.",
            show_default=False,
        ),
    ] = None,
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

        store = Registry(default_root() if registry is None else registry)
        prior_name = _default_name(tables) if name is None else name
        check_name(prior_name)
        sources = [resolve(table) for table in tables]
    if model is ModelName.HIERARCHICAL:
        if tasks or hold_out:
            raise CommandError("The hierarchical model learns from whole tables; leave out tasks.")
        if (objective, steps, checkpoint) != (ObjectiveName.NLL, DEFAULT_STEPS, None):
            raise CommandError(
                "The hierarchical model is fitted its own way; leave out --objective, --steps and "
                "--checkpoint."
            )
        _pretrain_hierarchical(store, prior_name, sources, seed, as_json=as_json)
        return
    if len(sources) > 1:
        raise CommandError(
            f"{len(sources)} tables were given, but the {model.value} model learns from one search "
            "space. Choose one, or --model hierarchical."
        )
    options = _Options(model, objective, steps, checkpoint, tasks or [], hold_out or [], seed)
    _pretrain_one(store, prior_name, sources[0], options, as_json=as_json)


@dataclass(frozen=True)
class _Options:
    model: ModelName
    objective: ObjectiveName
    steps: int
    checkpoint: Path | None
    tasks: list[str]
    hold_out: list[str]
    seed: int


def _default_name(tables: list[str]) -> str:
    """The table's own name; of several, their names joined."""
    return "-".join(table.rstrip("/").rpartition("/")[2].lower() for table in tables)


def _pretrain_one(store: Any, name: str, source: Any, options: _Options, *, as_json: bool) -> None:
    from hyperbo_service.offline import pretraining
    from hyperbo_service.offline.trainers import trainer

    chosen = trainer(options.model, options.objective, options.steps, options.checkpoint)
    division = pretraining.divide(source, options.tasks, options.hold_out)
    with bars() as shown:
        found = pretraining.pretrain(
            division,
            chosen,
            options.seed,
            lambda stage, p: shown.report(stage, p.step, p.steps, f"loss {p.loss:.3f}"),
        )
    if found.left_out:
        names = ", ".join(found.left_out)
        warn(f"left out, since a task that is constant or has one result teaches nothing: {names}")
    lineage = {**chosen.settings(), "seed": options.seed}
    reference = pretraining.store(store, name, source, found, lineage)
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


def _pretrain_hierarchical(
    store: Any, name: str, sources: list[Any], seed: int, *, as_json: bool
) -> None:
    from hyperbo_service.offline import hierarchical

    begun = time.monotonic()
    with bars() as shown:
        prior = hierarchical.pretrain(
            sources,
            seed,
            lambda stage, p: shown.report(stage, p.step, p.steps, f"loss {p.loss:.3f}"),
        )
    seconds = round(time.monotonic() - begun, 2)
    lineage = {**hierarchical.SETTINGS, "seed": seed, "seconds": seconds}
    reference = hierarchical.store(store, name, sources, prior, lineage)
    folder = store.root / reference.name / str(reference.version)
    names = [source.name for source in sources]
    if as_json:
        document = {"prior": str(reference), "folder": str(folder), "tables": names}
        print_json({**document, "settings": lineage})
        return
    out = results()
    out.print(f"\n[bold green]Stored[/] [bold]{reference}[/]")
    out.print(facts({"folder": str(folder), "learned from": f"{', '.join(names)}, in {seconds} s"}))
    say(f"\nNext: [cyan]hyperbo suggest trials.csv --prior {reference} --space space.json[/]")


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
