"""`hyperbo data collect`: train many configurations of many tasks, and keep what came of them."""

import fnmatch
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from hyperbo_service.choices import ExecutorName, OptimizerName, SizeName
from hyperbo_service.commands.durations import seconds
from hyperbo_service.commands.numerics import keep_compiled_programs
from hyperbo_service.commands.options import AddressOption, AsJson, ExecutorOption, examples
from hyperbo_service.console import bars, note, print_json, results, say, table, warn, working
from hyperbo_service.errors import CommandError


def register(group: typer.Typer) -> None:
    """Add the commands to the group of tables."""
    group.command(
        "collect",
        help=(
            "Train many configurations of many tasks, and make a table of their results.\n\n"
            "Every task trains the same matched configurations and some of its own. Interrupt it "
            "at any time: the same command goes on where it stopped, and one with more tasks or "
            "more configurations adds them. What is there in the end is stored as the table NAME."
        ),
        epilog=examples(
            ("hyperbo data collect", "the tasks of the bundled table, a few runs each"),
            ("hyperbo data collect --tasks 'kjv_*' --matched 200", "some tasks, more runs"),
            ("hyperbo data collect --stop-after 2h", "an instalment"),
            ("hyperbo data collect --extend pd1-mini --unmatched 600", "more of a table's tasks"),
            ("hyperbo data collect --executor ray --address auto", "on a cluster"),
        ),
    )(collect)
    group.command(
        "workloads",
        help="List what can be trained: architectures, and the tasks of the bundled table.",
        epilog=examples(("hyperbo data workloads", "what --tasks takes")),
    )(list_workloads)


def collect(
    *,
    tasks: Annotated[
        list[str] | None,
        typer.Option(
            "--tasks",
            metavar="NAMES",
            help="Tasks, corpus_architecture_batch, separated by commas; * stands for anything in "
            "the names of the bundled table's tasks. Default: those of the table to --extend, else "
            "all of the bundled one's that there are in the size.",
            show_default=False,
        ),
    ] = None,
    matched: Annotated[
        int, typer.Option(min=0, max=100_000, help="Configurations that every task trains.")
    ] = 16,
    unmatched: Annotated[
        int, typer.Option(min=0, max=100_000, help="Configurations of each task's own.")
    ] = 16,
    optimizer: Annotated[
        OptimizerName,
        typer.Option(
            help="What is tuned. nesterov: PD1's four parameters. adamw: five of AdamW's. chosen: "
            "which of the two, and then its own."
        ),
    ] = OptimizerName.NESTEROV,
    size: Annotated[
        SizeName,
        typer.Option(
            help="Networks and data. small: a second on a core. published: an accelerator."
        ),
    ] = SizeName.SMALL,
    seed: Annotated[
        int,
        typer.Option(min=0, max=2**31 - 1, help="Of configurations, initial models and batches."),
    ] = 0,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="TABLE", help="The table's name. Default: the optimiser's.", show_default=False
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where runs are kept. Default: collected-NAME, here.",
            show_default=False,
        ),
    ] = None,
    extend: Annotated[
        str | None,
        typer.Option(
            metavar="TABLE",
            help="A table of an earlier collection: its runs are taken over, not trained again. "
            "Default: the table NAME, if there is one.",
            show_default=False,
        ),
    ] = None,
    width: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=16,
            help="Configurations trained side by side. Default: the fastest, which is measured; 1 "
            "of the published size, or for less than 64 runs a task.",
            show_default=False,
        ),
    ] = None,
    stop_after: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Begin no block of runs after this long, such as 90m or 2h.",
            show_default=False,
        ),
    ] = None,
    executor: ExecutorOption = ExecutorName.PROCESSES,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Worker processes, or jobs on a cluster at once. Default: one for each core.",
            show_default=False,
        ),
    ] = None,
    address: AddressOption = None,
    as_json: AsJson = False,
) -> None:
    """Train what is missing, then store the table."""
    called = name or optimizer.value
    where = folder or Path(f"collected-{called}")
    limit = None if stop_after is None else seconds(stop_after)
    keep_compiled_programs()
    with working("reading corpora"):
        from hyperbo.errors import HyperBOError
        from hyperbo.jobs import TimeLimited
        from hyperbo_datasets.collect.collected_table import has_runs, to_table
        from hyperbo_datasets.collect.collection import TRAINING, Plan
        from hyperbo_datasets.collect.collection import collect as run
        from hyperbo_datasets.collect.sweep import Sweep
        from hyperbo_datasets.collect.workloads.size import Size
        from hyperbo_datasets.store import folder_for, save
        from hyperbo_service.offline.executors import make_executor

        sweep = Sweep(optimizer.value, Size(size.value), seed)
        base = _base(called, extend, sweep)
        if tasks is None and extend is not None:
            tasks = list(base.tasks)
        plan = Plan(sweep, _tasks(tasks, sweep.size), matched, unmatched, width, base)
        engine = make_executor(executor, workers, address)
    if limit is not None:
        engine = TimeLimited(engine, time.monotonic() + limit)
    problem: HyperBOError | None = None
    with bars() as shown:
        reporter = _Reporter(shown)
        try:
            run(plan, where, executor=engine, report=reporter)
        except HyperBOError as error:
            if TRAINING not in reporter.stages or not has_runs(where):
                raise
            problem = error
        if reporter.left:
            shown.leave()
    with working("storing the table"):
        try:
            found = to_table(where, called, plan.base)
            _check_kept(found)
            path = save(found, folder_for(called), replace=True)
        except HyperBOError as error:
            raise problem or error from None
    _print(found, path, as_json=as_json)
    if reporter.left and not as_json:
        say(f"[yellow]To be gone on with:[/] {reporter.left}. Run the same command again.")
    if problem is not None:
        raise problem


def list_workloads(*, as_json: AsJson = False) -> None:
    """Print architectures and tasks."""
    with working("reading the catalogue"):
        from hyperbo_datasets.collect.workloads.catalogue import ARCHITECTURES, DEFAULT_TASKS

        rows = [
            {
                "name": name,
                "summary": each.summary,
                "learns_from": [kind.__name__.lower() for kind in each.kinds],
                "tasks": [str(task) for task in DEFAULT_TASKS if task.architecture == name],
            }
            for name, each in ARCHITECTURES.items()
        ]
    if as_json:
        print_json(rows)
        return
    shown = table("architecture", "what it is", "learns from", "tasks of the bundled table")
    for row in rows:
        cells = (
            row["name"],
            row["summary"],
            ", ".join(row["learns_from"]),
            "\n".join(row["tasks"]),
        )
        shown.add_row(*(Text(str(cell)) for cell in cells))
    results().print(shown)
    say("A task is corpus_architecture_batch, of any corpus in [cyan]hyperbo data corpora[/].")


def _tasks(names: list[str] | None, size: Any) -> tuple[Any, ...]:
    """The tasks that names and patterns stand for, each once, in order."""
    from hyperbo_datasets.collect.task_names import TaskName
    from hyperbo_datasets.collect.workloads.catalogue import DEFAULT_TASKS, architecture_of

    offered = tuple(each for each in DEFAULT_TASKS if size in architecture_of(each).sizes)
    if names is None:
        return offered
    chosen: dict[TaskName, None] = {}
    for wanted in (each.strip() for text in names for each in text.split(",")):
        if any(sign in wanted for sign in "*?["):
            found = [each for each in offered if fnmatch.fnmatch(str(each), wanted)]
            if not found:
                raise CommandError(
                    f"No task is called like {wanted!r}. hyperbo data workloads lists them."
                )
        else:
            found = [TaskName.parse(wanted)]
            architecture_of(found[0])
        chosen.update(dict.fromkeys(found))
    return tuple(chosen)


def _base(name: str, extend: str | None, sweep: Any) -> Any:
    """The table whose runs are taken over: that which is to be extended, or replaced.

    Raises:
        CollectError: If the table to extend is of another sweep.
        CommandError: If the name is that of a table which cannot be replaced by a collection.
    """
    from hyperbo_datasets.catalogue import entries, resolve
    from hyperbo_datasets.collect.collected_table import SOURCE, check_base
    from hyperbo_datasets.errors import CollectError
    from hyperbo_datasets.store import MANIFEST, folder_for, read_manifest

    if name in [entry.name for entry in entries() if entry.is_bundled]:
        raise CommandError(f"The table {name} is bundled and stays. Choose another --name.")
    stored = folder_for(name) / MANIFEST
    if stored.exists() and read_manifest(stored.parent).get("provenance", {}).get("source") != (
        SOURCE
    ):
        raise CommandError(
            f"There is a table {name} already that was not collected. Choose another --name."
        )
    if extend is not None:
        base = resolve(extend)
        check_base(base, sweep)
        return base
    if not stored.exists():
        return None
    base = resolve(name)
    try:
        check_base(base, sweep)
    except CollectError as error:
        raise CommandError(f"{error} Or choose another --name.") from None
    return base


def _check_kept(found: Any) -> None:
    """Refuse to replace a table by one that lacks some of its runs.

    Raises:
        CommandError: If the stored table of that name has runs that were not taken over.
    """
    from hyperbo_datasets.schema import CONFIG_ID, TASK
    from hyperbo_datasets.store import MANIFEST, folder_for, load

    folder = folder_for(found.name)
    if not (folder / MANIFEST).exists():
        return
    before, after = (
        set(zip(each.final[TASK].astype(str), each.final[CONFIG_ID], strict=True))
        for each in (load(folder), found)
    )
    if before - after:
        raise CommandError(
            f"The table {found.name} has {len(before - after):,} runs that are not among these, "
            "and stays as it is. What was trained is kept in its folder: run the same with "
            f"--extend {found.name}, or another --name."
        )


class _Reporter:
    """Turns progress into bars, and says once what was there already."""

    def __init__(self, shown: Any) -> None:
        self._shown = shown
        self._failed = 0
        self._latest: dict[str, Any] = {}

    @property
    def stages(self) -> set[str]:
        """The stages that were begun."""
        return set(self._latest)

    @property
    def left(self) -> str:
        """What is still to be done, in words; empty if nothing is."""
        short = {name: p for name, p in self._latest.items() if p.finished < p.total}
        return "; ".join(
            f"{name}, {p.finished} of {p.total} {_jobs(name)} are done" for name, p in short.items()
        )

    def __call__(self, stage: str, progress: Any) -> None:
        self._latest[stage] = progress
        if progress.latest is None:
            self._failed = 0
            if progress.resumed:
                note(
                    f"{stage}: {progress.resumed} of {progress.total} {_jobs(stage)} were done "
                    "before"
                )
        if progress.failed > self._failed:
            self._failed = progress.failed
            warn(f"failed: {progress.latest.label}")
        detail = f"{progress.finished} of {progress.total} {_jobs(stage)}"
        if progress.latest is not None:
            detail += f", {progress.latest.settings['task']}"
        self._shown.report(stage, progress.finished, progress.total, detail)


def _jobs(stage: str) -> str:
    """What a job of a stage is: a block of runs, or the speed of a task."""
    from hyperbo_datasets.collect.collection import MEASURING

    return "tasks" if stage == MEASURING else "blocks"


def _print(found: Any, path: Path, *, as_json: bool) -> None:
    from hyperbo.pretraining import LEAST_TASKS
    from hyperbo_datasets.catalogue import describe

    summary = describe(found)
    if as_json:
        print_json({"table": str(path.parent), **summary})
        return
    shown = table("task", ">runs", ">diverged", ">best error", ">median error")
    for row in summary["by_task"]:
        shown.add_row(
            Text(row["task"]),
            f"{row['runs']:,}",
            f"{row['share_not_completed']:.0%}",
            "" if row["best"] is None else f"{row['best']:.3f}",
            "" if row["median"] is None else f"{row['median']:.3f}",
        )
    results().print(shown)
    say(
        f"[bold]{summary['runs']:,} runs[/] of {summary['tasks']} tasks are the table {found.name}."
    )
    say(f"[dim]Stored in:[/] {path.parent}")
    if summary["tasks"] >= LEAST_TASKS:
        say(f"[dim]Next:[/] [cyan]hyperbo pretrain {found.name}[/]")
