"""`hyperbo pretrain`: learn a prior from the tuning results of many tasks."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from hyperbo_service.choices import ModelName, ObjectiveName
from hyperbo_service.commands.numerics import keep_compiled_programs
from hyperbo_service.commands.options import AsJson, RegistryFolder
from hyperbo_service.commands.pretrain_studies import (
    Asked,
    FromService,
    LikeStudy,
    MetricName,
    MinTrials,
    SpaceFile,
    StudyFilter,
    Upload,
    read_studies,
    upload_prior,
)
from hyperbo_service.commands.service_options import Service, add_command
from hyperbo_service.console import bars, facts, note, print_json, results, say, warn, working
from hyperbo_service.errors import CommandError

DEFAULT_STEPS = 5_000


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    add_command(
        app,
        "pretrain",
        pretrain,
        "Pre-train a prior on a table of tuning results, or on finished studies of the service, "
        "and store it in the registry.\n\n"
        "With --from-service every completed study of one search space and goal is a task; the "
        "prior is uploaded too, and new studies with the prior 'auto' start from it.",
        ("hyperbo pretrain lcbench", "stored as lcbench@1"),
        ("hyperbo pretrain lcbench --hold-out Fashion_MNIST", "and scored on that task"),
        ("hyperbo pretrain lcbench --objective ekl --name lcbench-ekl", "another objective"),
        ("hyperbo pretrain lcbench fcnet --model hierarchical --name any", "for any space"),
        ("hyperbo pretrain --from-service --like digits", "from studies like that one"),
        ("hyperbo pretrain --from-service --filter 'labels.team = \"vision\"'", "a team's"),
    )


def pretrain(
    service: Service,
    tables: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TABLE...",
            help="A table's name; see hyperbo data list. The hierarchical model takes several.",
            show_default=False,
        ),
    ] = None,
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
    from_service: FromService = False,
    space: SpaceFile = None,
    like: LikeStudy = None,
    where: StudyFilter = "",
    metric: MetricName = None,
    min_trials: MinTrials = 10,
    upload: Upload = True,
    registry: RegistryFolder = None,
    as_json: AsJson = False,
) -> None:
    """Train with a progress bar, store, and tell what was learned."""
    options = _Options(model, objective, steps, checkpoint, tasks or [], hold_out or [], seed)
    asked = Asked(space, like, where, metric, min_trials)
    if from_service:
        _check_for_service(tables, model)
    elif asked != Asked() or service.is_given:
        raise CommandError("--like, --local and the like say which studies; add --from-service.")
    elif not tables:
        raise CommandError("Name a table (see hyperbo data list), or give --from-service.")
    keep_compiled_programs()
    with working("starting JAX"):
        from hyperbo.prior_manifest import check_name
        from hyperbo.registry import Registry, default_root

        store = Registry(default_root() if registry is None else registry)
        prior_name = _default_name(tables or []) if name is None else name
        if prior_name:
            check_name(prior_name)
    if from_service:
        _pretrain_from_service(
            service, asked, store, prior_name, options, upload=upload, as_json=as_json
        )
    else:
        _pretrain_from_tables(store, prior_name, tables or [], options, as_json=as_json)


def _check_for_service(tables: list[str] | None, model: ModelName) -> None:
    if tables:
        raise CommandError(f"{tables[0]!r} is a table; leave it out, or --from-service.")
    if model is ModelName.HIERARCHICAL:
        raise CommandError(
            "The hierarchical model learns from several search spaces; the studies taken with "
            "--from-service have one. Choose another --model."
        )


def _pretrain_from_tables(
    store: Any, prior_name: str, tables: list[str], options: "_Options", *, as_json: bool
) -> None:
    with working("reading tables"):
        from hyperbo_datasets.catalogue import resolve

        sources = [resolve(table) for table in tables]
    model, steps, checkpoint = options.model, options.steps, options.checkpoint
    if model is ModelName.HIERARCHICAL:
        if options.tasks or options.hold_out:
            raise CommandError("The hierarchical model learns from whole tables; leave out tasks.")
        if (options.objective, steps, checkpoint) != (ObjectiveName.NLL, DEFAULT_STEPS, None):
            raise CommandError(
                "The hierarchical model is fitted its own way; leave out --objective, --steps and "
                "--checkpoint."
            )
        _pretrain_hierarchical(store, prior_name, sources, options.seed, as_json=as_json)
        return
    if len(sources) > 1:
        raise CommandError(
            f"{len(sources)} tables were given, but the {model.value} model learns from one search "
            "space. Choose one, or --model hierarchical."
        )
    trained = _train(store, prior_name, sources[0], options, {})
    if as_json:
        print_json(trained.document)
        return
    _tell(trained)
    say(f"\nNext: [cyan]hyperbo suggest trials.csv --prior {trained.reference}[/]")


def _pretrain_from_service(
    service: Service,
    asked: Asked,
    store: Any,
    name: str,
    options: "_Options",
    *,
    upload: bool,
    as_json: bool,
) -> None:
    """Train on finished studies, upload the prior, and say which studies use it."""
    with service.client() as client:
        found, lineage = read_studies(client, service, asked)
        note(found.told)
        trained = _train(store, name or found.default_name, found.table, options, lineage)
        if not as_json:
            _tell(trained)
        uploaded = upload_prior(client, store, trained.reference) if upload else None
    if as_json:
        print_json({**trained.document, "uploaded": uploaded})
    elif uploaded is None:
        say(f"\nNext: [cyan]hyperbo prior push {trained.reference}[/]")
    else:
        say(
            f"\n[bold green]Uploaded[/] as [bold]{uploaded}[/]: new studies of this search space "
            "with the prior 'auto' start from it."
        )


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


@dataclass(frozen=True)
class _Trained:
    """A stored prior, and what is said of it to a script and to people."""

    reference: Any
    document: Mapping[str, Any]
    summary: Mapping[str, str]


def _train(
    store: Any, name: str, source: Any, options: _Options, lineage: Mapping[str, Any]
) -> _Trained:
    """Train on a table, and store the prior with its lineage."""
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
    settings = {**chosen.settings(), "seed": options.seed, **lineage}
    reference = pretraining.store(store, name, source, found, settings)
    folder = store.root / reference.name / str(reference.version)
    document = {
        "prior": str(reference),
        "folder": str(folder),
        "table": source.name,
        "tasks": [task.name for task in found.trained_on],
        "points": found.points,
        "left_out": list(found.left_out),
        "seconds": round(found.seconds, 2),
        "held_out_log_evidence_per_point": dict(found.held_out_scores),
        "settings": settings,
    }
    return _Trained(reference, document, _summary(found, folder))


def _tell(trained: _Trained) -> None:
    out = results()
    out.print(f"\n[bold green]Stored[/] [bold]{trained.reference}[/]")
    out.print(facts(trained.summary))


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
