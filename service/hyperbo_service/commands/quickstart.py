"""`hyperbo quickstart`: the main job from end to end, in about two minutes."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from hyperbo_service.choices import ModelName, ObjectiveName
from hyperbo_service.commands.numerics import keep_compiled_programs
from hyperbo_service.commands.options import AsJson, RegistryFolder, examples
from hyperbo_service.commands.quickstart_live import run_live
from hyperbo_service.console import bars, messages, print_json, results, say, table, working
from hyperbo_service.errors import CommandError

PRIOR_NAME = "quickstart"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        "quickstart",
        help=(
            "Run the main job on real data: pre-train a prior, then tune a task it never saw.\n\n"
            "It uses LCBench, which comes with HyperBO: 2,000 configurations of a neural network, "
            "trained on each of 35 data sets. One data set is held out. Nothing is downloaded.\n\n"
            "With --live it learns from real training runs, and tunes by really training."
        ),
        epilog=examples(
            ("hyperbo quickstart", "hold out Fashion_MNIST"),
            ("hyperbo quickstart --hold-out jannis", "hold out another task"),
            ("hyperbo quickstart --live python-source_gemma_8", "train for real"),
        ),
    )(quickstart)


def quickstart(
    *,
    live: Annotated[
        str | None,
        typer.Option(
            metavar="WORKLOAD",
            help="Tune this by really training it, ten runs each; see hyperbo data workloads.",
            show_default=False,
        ),
    ] = None,
    table_name: Annotated[
        str | None,
        typer.Option(
            "--table",
            metavar="TABLE",
            help="Default: lcbench, and pd1-mini with --live.",
            show_default=False,
        ),
    ] = None,
    hold_out: Annotated[
        str | None,
        typer.Option(
            metavar="TASK",
            help="The task to hold out and tune. Default: Fashion_MNIST; with --live, whatever is "
            "related to the workload is held out.",
            show_default=False,
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=200,
            help="Trials of each run. Default: 20, and 10 with --live.",
            show_default=False,
        ),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Training steps of Adam.")] = 5_000,
    registry: RegistryFolder = None,
    as_json: AsJson = False,
) -> None:
    """Pre-train, store, tune, and tell the story."""
    if live is not None:
        if hold_out is not None:
            raise CommandError(
                "--hold-out goes without --live, which holds out whatever is related to the "
                "workload. Leave one of the two out."
            )
        run_live(live, table_name or "pd1-mini", trials or 10, steps, registry, as_json=as_json)
        return
    trials, hold_out = trials or 20, hold_out or "Fashion_MNIST"
    begun = time.monotonic()
    keep_compiled_programs()
    with working("starting JAX (5 to 10 seconds)"):
        from hyperbo.registry import Registry, default_root
        from hyperbo_datasets.catalogue import resolve
        from hyperbo_service.offline import pretraining
        from hyperbo_service.offline import quickstart as offline
        from hyperbo_service.offline.trainers import trainer

        source = resolve(table_name or "lcbench")
        stage = offline.set_stage(source, hold_out)
    _tell_beginning(stage, source)
    chosen = trainer(ModelName.HYPERBO, ObjectiveName.NLL, steps)
    with bars() as shown:
        found = pretraining.pretrain(
            pretraining.Division(stage.training, ()),
            chosen,
            0,
            lambda stage_name, p: shown.report(stage_name, p.step, p.steps, f"loss {p.loss:.3f}"),
        )
    lineage = {**chosen.settings(), "seed": 0, "never_saw": hold_out}
    store = Registry(default_root() if registry is None else registry)
    reference = pretraining.store(store, PRIOR_NAME, source, found, lineage)
    _tell_prior(found, reference, store.root)
    with bars() as shown:
        race = offline.race(
            stage,
            found.expert,
            trials,
            lambda name, done, total, best: shown.report(
                f"tuning: {name}", done, total, f"best so far {_native(source, best):.2f}"
            ),
        )
    if as_json:
        print_json(_document(race, source, stage, reference, time.monotonic() - begun))
        return
    _tell_race(race, source, stage)
    _tell_next(source, reference, registry, time.monotonic() - begun)


def _tell_beginning(stage: Any, source: Any) -> None:
    seen = sum(task.size for task in stage.training)
    messages().print(
        f"\n[bold]1. Learn[/] from {len(stage.training)} tasks of {source.name}: {seen:,} "
        f"results. [bold]{stage.problem.name}[/] is held out,\n   and so is every configuration "
        "that will be tried on it.\n"
    )


def _tell_prior(found: Any, reference: Any, root: Path) -> None:
    messages().print(
        f"\n   Pre-trained in {found.seconds:.0f} s and stored as [bold]{reference}[/]\n"
        f"   [dim]in {root}[/]\n\n[bold]2. Tune[/] the held-out task: with the prior, with a "
        "Gaussian process that starts from nothing,\n   and at random. The table is the answer "
        "sheet: a trial is a look-up, nothing is trained.\n"
    )


def _tell_race(race: Any, source: Any, stage: Any) -> None:
    from hyperbo_service.offline.quickstart import BUDGETS, RUNS

    length = len(next(iter(race.best.values())))
    budgets = [budget for budget in BUDGETS if budget <= length]
    shown = table("", *(f">after {budget}" for budget in budgets))
    for name, curve in race.best.items():
        cells = []
        for budget in budgets:
            is_best = curve[budget - 1] >= max(c[budget - 1] for c in race.best.values()) - 5e-3
            value = _native(source, curve[budget - 1])
            cells.append(Text(f"{value:.2f}", "bold green" if is_best else ""))
        shown.add_row(Text(name, "bold" if name == "HyperBO" else ""), *cells)
    out = results()
    out.print(
        f"\n[bold]Best {source.metric.name} on {stage.problem.name}[/] "
        f"[dim](best of all {stage.problem.size:,} untried configurations: "
        f"{_native(source, race.optimum):.2f}; means of {RUNS} runs, random search exact)[/]"
    )
    out.print(shown)
    for rival in ("GP from scratch", "random search"):
        say(f"   {_verdict(race, rival, length)}")


def _verdict(race: Any, rival: str, length: int) -> str:
    target = race.best[rival][-1]
    needed = race.trials_to("HyperBO", target)
    theirs = race.trials_to(rival, target)
    if needed is None:
        return f"HyperBO did not reach what {rival} reached in {length} trials on this task."
    trials = f"{needed} trial" + "s" * (needed != 1)
    return f"What {rival} reached after {theirs} trials, HyperBO reached after [bold]{trials}[/]."


def _tell_next(source: Any, reference: Any, registry: Path | None, seconds: float) -> None:
    folder = "" if registry is None else f" --registry {registry}"
    out = results()
    out.print(
        "\n   One task is an anecdote; the study below holds out all of them and puts intervals on "
        "it.\n\n[bold]3. Next[/]"
    )
    commands = table("", "")
    commands.show_header = False
    for command, effect in (
        (f"hyperbo suggest --prior {reference}{folder}", "what to try first on your own task"),
        (
            f"hyperbo study {source.name} --folds 2 --seeds 1 --trials 20",
            "all tasks, with a report",
        ),
        ("hyperbo data import --help", "learn from your own results"),
    ):
        commands.add_row(Text(command, "cyan"), Text(effect, "dim"))
    out.print(commands)
    out.print(f"[dim]Done in {seconds:.0f} s.[/]")


def _native(source: Any, maximised: float) -> float:
    """A maximised value with the sign that users know; flipping twice changes nothing."""
    return float(source.metric.maximised(maximised))


def _document(race: Any, source: Any, stage: Any, reference: Any, seconds: float) -> dict[str, Any]:
    return {
        "table": source.name,
        "held_out": stage.problem.name,
        "prior": str(reference),
        "metric": source.metric.to_dict(),
        "maximised_best_by_trial": {name: list(map(float, c)) for name, c in race.best.items()},
        "maximised_optimum": race.optimum,
        "seconds": round(seconds, 1),
    }
