"""`hyperbo study compare`: compare methods on a table's tasks, offline."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from hyperbo_service.choices import ExecutorName, HoldOutName, MethodName, SettingName
from hyperbo_service.commands.numerics import keep_compiled_programs
from hyperbo_service.commands.options import AddressOption, AsJson, ExecutorOption, examples
from hyperbo_service.console import bars, note, print_json, results, say, table, warn, working
from hyperbo_service.errors import CommandError
from hyperbo_service.names import pick_all

DEFAULT_METHODS = "hyperbo,gp,portfolio,random"


def register(group: typer.Typer) -> None:
    """Add the command to the group of studies."""
    group.command(
        "compare",
        help=(
            "Compare methods offline: tune every task of a table as if it were new.\n\n"
            "`hyperbo study TABLE` is the same, unless the table is called like a command.\n\n"
            "Tasks are held out fold by fold; methods that learn from other tasks learn from the "
            "rest. Interrupt it at any time: the same command goes on where it stopped, and one "
            "with more methods or seeds computes only those.\n\n"
            f"Methods: {', '.join(MethodName)}. The last two need the extra 'peers'; on a table "
            "they take the nearest configuration not yet tried."
        ),
        epilog=examples(
            ("hyperbo study compare lcbench", "HyperBO and its baselines"),
            ("hyperbo study compare lcbench --folds 2 --seeds 1 --trials 10", "a quick look"),
            ("hyperbo study compare lcbench --methods hyperbo,optuna-tpe", "against Optuna"),
            ("hyperbo study compare lcbench --executor slurm --address cpu", "on a cluster"),
        ),
    )(compare)


def compare(
    name: Annotated[
        str, typer.Argument(metavar="TABLE", help="A table's name; see hyperbo data list.")
    ],
    *,
    methods: Annotated[
        list[str] | None,
        typer.Option(
            "--methods",
            metavar="NAMES",
            help=f"Methods to compare, separated by commas. Default: {DEFAULT_METHODS}.",
            show_default=False,
        ),
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="Number of folds of held-out tasks.")] = 7,
    hold_out: Annotated[
        HoldOutName,
        typer.Option(
            help="turns: fold by fold. related: each task together with all of the same corpus or "
            "architecture, for tables of hyperbo data collect."
        ),
    ] = HoldOutName.TURNS,
    seeds: Annotated[int, typer.Option(min=1, help="Number of pre-training seeds.")] = 3,
    trials: Annotated[int, typer.Option(min=1, help="Trials for each task.")] = 50,
    setting: Annotated[
        SettingName,
        typer.Option(
            help="new-points: learn from the lower half of the configurations, tune on the upper. "
            "same-points: both see all."
        ),
    ] = SettingName.NEW_POINTS,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Default: study-TABLE-SETTING, here.", show_default=False
        ),
    ] = None,
    executor: ExecutorOption = ExecutorName.PROCESSES,
    workers: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Worker processes, 0 to run in this one; or jobs on a cluster at once. Default: "
            "one for each core.",
            show_default=False,
        ),
    ] = None,
    address: AddressOption = None,
    write_report: Annotated[
        bool, typer.Option("--report/--no-report", help="Write an HTML report with plots.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Run or resume a study, and print its table."""
    chosen = pick_all(methods or [DEFAULT_METHODS], [each.value for each in MethodName], "method")
    keep_compiled_programs()
    with working("starting JAX"):
        from hyperbo_datasets.catalogue import resolve
        from hyperbo_service.offline import study as offline
        from hyperbo_service.offline.executors import make_executor

        engine = make_executor(executor, workers, address)
        source = resolve(name)
        plan = offline.Plan(
            table=source,
            methods=tuple(MethodName(each) for each in chosen),
            setting=setting,
            folds=None if hold_out is HoldOutName.RELATED else folds,
            seeds=seeds,
            trials=trials,
            folder=out or Path(f"study-{source.name}-{setting.value}"),
        )
        unable = offline.unable_methods(plan)
        plan = replace(plan, methods=tuple(each for each in plan.methods if each not in unable))
    if unable:
        text = (
            f"the tasks of {source.name} share no configuration, from which "
            f"{', '.join(unable)} would learn"
        )
        if methods is not None:
            others = ",".join(plan.methods) or DEFAULT_METHODS
            raise CommandError(f"{text[0].upper()}{text[1:]}. Leave out: --methods {others}.")
        note(f"{text}: left out")
    with bars() as shown:
        outcome = offline.run(plan, executor=engine, on_progress=_Reporter(shown))
    path = None
    if write_report and outcome.reference is None:
        note("no report was written: it compares two methods or more")
    elif write_report:
        with working("writing the report"):
            path = offline.report(plan, outcome)
    if as_json:
        print_json(_document(plan, outcome, path))
        return
    _print(outcome)
    say(f"[dim]Every evaluation:[/] {plan.folder / offline.EVALUATIONS}")
    if path is not None:
        say(f"[dim]Report:[/]           {path}")


class _Reporter:
    """Turns a study's progress into a bar, and says once what was resumed."""

    def __init__(self, shown: Any) -> None:
        self._shown = shown
        self._failed = 0

    def __call__(self, progress: Any) -> None:
        if progress.latest is None and progress.resumed:
            note(f"{progress.resumed} of {progress.total} jobs were done before and are kept")
        if progress.failed > self._failed:
            self._failed = progress.failed
            job = progress.latest.settings
            warn(f"failed: {job['method']}, fold {job['fold']}, seed {job['seed']}")
        detail = f"{progress.finished} of {progress.total} jobs"
        self._shown.report("studying", progress.finished, progress.total, detail)


def _document(plan: Any, outcome: Any, path: Path | None) -> dict[str, Any]:
    speedups = outcome.speedups
    return {
        "settings": plan.settings,
        "command": plan.command,
        "folder": str(plan.folder),
        "report": None if path is None else str(path),
        "method": outcome.method,
        "reference": outcome.reference,
        "summary": _records(outcome.summary),
        "speedups": None if speedups is None else _records(speedups),
    }


def _records(frame: Any) -> list[dict[str, Any]]:
    """A frame's rows as JSON; what is not finite is null."""
    return [
        {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in record.items()
        }
        for record in frame.to_dict("records")
    ]


def _print(outcome: Any) -> None:
    out = results()
    out.print(
        "\n[bold]Mean normalised regret over tasks[/] [dim](0 is the best configuration there is, "
        "1 a median one; ± half the 95% interval)[/]"
    )
    out.print(_regrets(outcome.summary))
    if outcome.speedups is None:
        return
    rows = {row["method"]: row for row in outcome.speedups.to_dict("records")}
    row = rows[outcome.method]
    is_faster, times = row["speedup"] >= 1.0, max(row["speedup"], 1.0 / row["speedup"])
    say(
        f"To be as good as {outcome.reference} in the end, {outcome.method} needs "
        f"[bold]{times:.1f} times {'fewer' if is_faster else 'more'}[/] trials (median over tasks; "
        f"it gets there on {row['reached']} of {row['tasks']})."
    )


def _regrets(summary: Any) -> Table:
    budgets = sorted(set(summary["trial"]))
    shown = table("method", *(f">after {trial}" for trial in budgets))
    cells: dict[str, dict[int, Text]] = {}
    best = summary.groupby("trial")["mean"].min()
    for row in summary.to_dict("records"):
        half = (row["upper"] - row["lower"]) / 2.0
        interval = f" ±{half:.3f}" if math.isfinite(half) else ""
        is_best = row["mean"] <= best[row["trial"]] + 5e-4
        text = Text.assemble(
            (f"{row['mean']:.3f}", "bold green" if is_best else ""), (interval, "dim")
        )
        cells.setdefault(row["method"], {})[row["trial"]] = text
    for method, by_trial in cells.items():
        shown.add_row(Text(method), *(by_trial[trial] for trial in budgets))
    return shown
