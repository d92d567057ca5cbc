"""An offline study of a table: methods by folds by seeds, resumable, with tables and a report."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from hyperbo.benchmark import (
    Block,
    Reproduction,
    Section,
    merge,
    prior_slices,
    save_evaluations,
    speedup_table,
    summary_table,
    trials_to_target,
    write_report,
)
from hyperbo.benchmark.runner import Fold, pool_jobs
from hyperbo.benchmark.trained_methods import PretrainedRecipe
from hyperbo.errors import TaskError
from hyperbo.jobs import Executor, Progress, installed_versions, run_jobs
from hyperbo.tasks import Task, match
from hyperbo_datasets.folds import NewPoints, SamePoints, Setting, related_folds, table_folds
from hyperbo_datasets.schema import TuningTable
from hyperbo_datasets.store import content_digest
from hyperbo_service.choices import MethodName, SettingName
from hyperbo_service.offline.methods import LEARN_FROM_SHARED, METHODS, recipes
from hyperbo_service.offline.slices import slice_prior

SETTINGS: Mapping[SettingName, Setting] = {
    SettingName.NEW_POINTS: NewPoints(),
    SettingName.SAME_POINTS: SamePoints(),
}

EVALUATIONS, REPORT = "evaluations.parquet", "report.html"


@dataclass(frozen=True, eq=False)
class Plan:
    """What a study compares, and on what.

    Attributes:
        table: The table.
        methods: The methods, by short name.
        setting: Which configurations are learned from and tested on.
        folds: Number of folds; None: each task is held out with all that are related to it.
        seeds: Number of pre-training seeds.
        trials: Trials of a run.
        folder: Where results go; a study that was interrupted goes on from there.
    """

    table: TuningTable
    methods: tuple[MethodName, ...]
    setting: SettingName
    folds: int | None
    seeds: int
    trials: int
    folder: Path

    @property
    def settings(self) -> dict[str, Any]:
        """What the folder is bound to. Methods and seeds may be added to it later."""
        return {
            "table": self.table.name,
            "content_sha256": content_digest(self.table),
            "setting": SETTINGS[self.setting].name,
            "folds": "related" if self.folds is None else self.folds,
            "trials": self.trials,
        }

    @property
    def command(self) -> str:
        """The command line that runs this study."""
        methods = ",".join(method.value for method in self.methods)
        held_out = "--hold-out related" if self.folds is None else f"--folds {self.folds}"
        return (
            f"hyperbo study compare {self.table.name} --methods {methods} "
            f"--setting {self.setting.value} {held_out} --seeds {self.seeds} "
            f"--trials {self.trials}"
        )

    def make_folds(self) -> list[Fold]:
        """The folds."""
        setting = SETTINGS[self.setting]
        if self.folds is None:
            return related_folds(self.table, setting)
        return table_folds(self.table, self.folds, setting)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a study found.

    Attributes:
        evaluations: Every trial of the study's methods and seeds.
        summary: Mean normalised regret by method and number of trials; see `summary_table`.
        speedups: How many times fewer trials than the reference; None without two methods.
        method: The method in question, by its long name.
        reference: The method it is measured by; None without two methods.
    """

    evaluations: pd.DataFrame
    summary: pd.DataFrame
    speedups: pd.DataFrame | None
    method: str
    reference: str | None


def unable_methods(plan: Plan) -> list[MethodName]:
    """Methods of the plan that would learn from shared configurations, where tasks share none."""
    needy = [name for name in plan.methods if name in LEARN_FROM_SHARED]
    return needy if needy and any(not _share(fold.training) for fold in plan.make_folds()) else []


def _share(tasks: Sequence[Task]) -> bool:
    try:
        match(list(tasks))
    except TaskError:
        return False
    return True


def run(plan: Plan, *, executor: Executor, on_progress: Callable[[Progress], None]) -> Outcome:
    """Run what the folder does not hold yet, and score all of it.

    Args:
        plan: The study.
        executor: Where jobs run.
        on_progress: Called before the first job and after each.

    Raises:
        StudyError: If the folder belongs to another study, jobs failed, or a cluster does not
            answer.
        MissingExtraError: If a method needs a library that is not installed.
    """
    chosen = recipes(plan.methods)
    jobs = pool_jobs(
        plan.table.name,
        SETTINGS[plan.setting].name,
        plan.make_folds(),
        chosen,
        range(plan.seeds),
        plan.trials,
        {"table": plan.table.name, "digest": content_digest(plan.table)[:16]},
    )
    run_jobs(jobs, plan.folder, settings=plan.settings, executor=executor, on_progress=on_progress)
    everything = merge(plan.folder)
    names = [recipe.name for recipe in chosen]
    is_asked = everything["method"].isin(names) & (everything["seed"] < plan.seeds)
    evaluations = everything[is_asked].reset_index(drop=True)
    save_evaluations(evaluations, plan.folder / EVALUATIONS)
    return _score(evaluations, plan.methods, names)


def report(plan: Plan, outcome: Outcome) -> Path:
    """Write the HTML report into the study's folder; needs two methods.

    Where the study holds the default method, its prior of the first fold and seed is pre-trained
    once more, which takes as long as it did, and drawn against what it was trained on.

    Raises:
        StudyError: As `write_report`.
    """
    path = plan.folder / REPORT
    write_report(
        outcome.evaluations,
        path,
        title=f"HyperBO on {plan.table.name}",
        method=outcome.method,
        reference=outcome.reference or "",
        reproduction=Reproduction(plan.command, plan.settings, installed_versions()),
        extras=_prior_sections(plan),
    )
    return path


def _prior_sections(plan: Plan) -> list[Section]:
    """The default method's first prior along each hyperparameter, if the study has that method."""
    default = METHODS[MethodName.HYPERBO]()
    if MethodName.HYPERBO not in plan.methods or not isinstance(default, PretrainedRecipe):
        return []
    first, *_ = plan.make_folds()
    expert = default.pretrain(0, list(first.training))
    slices = slice_prior(expert, plan.table.space, first.training)
    held_out = ", ".join(problem.name for problem in first.held_out)
    if not slices:
        return []
    section = Section(
        heading="A prior against its data",
        text=(
            f"The prior of the first fold (it never saw {held_out}) and seed, as a new task meets "
            "it: along one hyperparameter at a time, the others as the prior likes them best. Dots "
            "are the training trials nearest to the slice, of all tasks; the objective is what "
            "models see of the metric."
        ),
        blocks=[Block("", "", prior_slices(slices))],
    )
    return [section]


def _score(
    evaluations: pd.DataFrame, methods: Sequence[MethodName], names: Sequence[str]
) -> Outcome:
    """Tables of a study; the method in question is ours, measured by the process from scratch."""
    by_name = dict(zip(methods, names, strict=True))
    method = by_name.get(MethodName.HYPERBO, names[0])
    rivals = [by_name[each] for each in _REFERENCES if by_name.get(each, method) != method]
    others = [name for name in names if name != method]
    reference = rivals[0] if rivals else others[0] if others else None
    speedups = None
    if reference is not None:
        speedups = speedup_table(trials_to_target(evaluations, reference))
    return Outcome(evaluations, summary_table(evaluations), speedups, method, reference)


_REFERENCES = (MethodName.GP, MethodName.RANDOM)
