"""`hyperbo quickstart --live`: a prior from real training runs, then real training runs from it."""

import time
from pathlib import Path
from typing import Any

from rich.text import Text

from hyperbo_service.choices import ModelName, ObjectiveName
from hyperbo_service.commands.numerics import keep_compiled_programs
from hyperbo_service.console import bars, messages, print_json, results, say, table, working

PRIOR_NAME = "quickstart-live"


def run_live(
    workload: str, table_name: str, trials: int, steps: int, registry: Path | None, *, as_json: bool
) -> None:
    """Pre-train on unrelated tasks, store, and train the workload from the prior and from nothing.

    Raises:
        HyperBOError: If the workload, its corpus or the table is not there.
    """
    begun = time.monotonic()
    keep_compiled_programs()
    with working("starting JAX, reading the corpus and compiling the workload"):
        from hyperbo.registry import Registry, default_root
        from hyperbo_datasets.catalogue import resolve
        from hyperbo_datasets.collect.task_names import TaskName
        from hyperbo_datasets.collect.train import Trainer
        from hyperbo_datasets.collect.workloads.catalogue import build
        from hyperbo_datasets.collect.workloads.size import Size
        from hyperbo_service.offline import live_race, pretraining
        from hyperbo_service.offline.trainers import trainer

        name, source = TaskName.parse(workload), resolve(table_name)
        training = live_race.unrelated_tasks(source, name)
        optimizer = live_race.optimizer_of(source)
        runner = Trainer(build(name, Size.SMALL), optimizer)
    seen = sum(task.size for task in training)
    messages().print(
        f"\n[bold]1. Learn[/] from {len(training)} tasks of {source.name}: {seen:,} training runs, "
        f"none of them on the corpus\n   or with the architecture of [bold]{name}[/].\n"
    )
    chosen = trainer(ModelName.HYPERBO, ObjectiveName.NLL, steps)
    with bars() as shown:
        found = pretraining.pretrain(
            pretraining.Division(tuple(training), ()),
            chosen,
            0,
            lambda stage, p: shown.report(stage, p.step, p.steps, f"loss {p.loss:.3f}"),
        )
    lineage = {**chosen.settings(), "seed": 0, "never_saw": f"anything related to {name}"}
    store = Registry(default_root() if registry is None else registry)
    reference = pretraining.store(store, PRIOR_NAME, source, found, lineage)
    messages().print(
        f"\n   Pre-trained in {found.seconds:.0f} s and stored as [bold]{reference}[/]\n\n"
        f"[bold]2. Tune[/] {name}: {trials} training runs each, from the prior and from nothing.\n"
    )
    courses = []
    with bars() as shown:
        for method, strategy in live_race.starts(found.expert, source.space.dimension).items():

            def tell(method: str, run: int, error: float) -> None:
                shown.report(f"training: {method}", run, trials, f"error {error:.3f}")

            courses.append(live_race.tune(runner, optimizer, strategy, method, 0, trials, tell))
    seconds = time.monotonic() - begun
    if as_json:
        print_json(_document(courses, name, source, reference, seconds))
        return
    _tell(courses, name, reference, seconds)


def _tell(courses: list[Any], name: Any, reference: Any, seconds: float) -> None:
    trials = len(courses[0].errors)
    budgets = [budget for budget in (1, 2, 3, 5, 10, 20) if budget <= trials]
    shown = table("least error", *(f">after {budget}" for budget in budgets))
    for course in courses:
        cells = []
        for budget in budgets:
            is_best = course.best[budget - 1] <= min(c.best[budget - 1] for c in courses) + 5e-4
            value = f"{course.best[budget - 1]:.3f}"
            cells.append(Text(value, "bold green" if is_best else ""))
        shown.add_row(course.method, *cells)
    results().print()
    results().print(shown)
    say(
        "   One workload and one seed are an anecdote; python -m "
        f"hyperbo_service.benchmark.live_study {name} takes more seeds, and other workloads."
    )
    say(f"   Next: [cyan]hyperbo study live {name} --local --prior {reference}[/]")
    say(f"[dim]Done in {seconds:.0f} s.[/]")


def _document(
    courses: list[Any], name: Any, source: Any, reference: Any, seconds: float
) -> dict[str, Any]:
    return {
        "table": source.name,
        "workload": str(name),
        "prior": str(reference),
        "error_rates": {course.method: list(course.errors) for course in courses},
        "seconds": round(seconds, 1),
    }
