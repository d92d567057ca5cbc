"""The report of a study: one self-contained HTML file that explains its own figures."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from hyperbo.benchmark.appearance import MethodStyle, method_styles
from hyperbo.benchmark.comparisons import compare
from hyperbo.benchmark.evaluations import check_evaluations, split_settings
from hyperbo.benchmark.page import Block, Fact, Section, render_page
from hyperbo.benchmark.plots import profiles, regret_curves, target_strips, task_panels
from hyperbo.benchmark.rank_plot import rank_diagram
from hyperbo.benchmark.ranks import Ranking, average_ranks
from hyperbo.benchmark.scores import (
    speedup_table,
    summary_table,
    timing_table,
    trials_to_target,
)
from hyperbo.benchmark.tables import (
    display_comparison,
    display_speedups,
    display_summary,
    display_timing,
)
from hyperbo.errors import StudyError
from hyperbo.files import write_atomically


@dataclass(frozen=True)
class Reproduction:
    """What a reader needs to compute the study again.

    Attributes:
        command: The command line that made it.
        settings: The study's settings, as JSON.
        versions: Versions of the packages, as `installed_versions` gives them.
    """

    command: str
    settings: Mapping[str, Any]
    versions: Mapping[str, str]


@dataclass(frozen=True)
class _Study:
    """One setting's evaluations and what the report's author chose to say of them."""

    evaluations: pd.DataFrame
    method: str
    reference: str
    styles: Mapping[str, MethodStyle]

    @property
    def baselines(self) -> list[str]:
        """All other methods."""
        return [name for name in self.styles if name != self.method and name in self.present]

    @property
    def present(self) -> set[str]:
        """Methods that this setting holds."""
        return set(self.evaluations["method"])

    @property
    def last(self) -> int:
        """Trials of a run."""
        return int(self.evaluations["trial"].max())


def write_report(
    evaluations: pd.DataFrame,
    path: Path,
    *,
    title: str,
    method: str,
    reference: str,
    reproduction: Reproduction,
    extras: Sequence[Section] = (),
) -> None:
    """Write the report; every (study, setting) in the table gets a section of its own.

    Args:
        evaluations: All trials; several settings may be mixed, they are never averaged.
        path: The HTML file; put in place when it is complete.
        title: Heading of the page.
        method: The method in question, drawn heavier and compared with all others.
        reference: The baseline whose final regret is the target of trials-to-target.
        reproduction: Shown in the last section.
        extras: Further sections, e.g. slices of a prior, shown before the last.

    Raises:
        StudyError: If the table is not one of evaluations, a setting lacks the method or the
            reference, or runs do not cover the same tasks.
    """
    evaluations = check_evaluations(evaluations)
    others = sorted(set(evaluations["method"]) - {method, reference})
    styles = method_styles([method, reference, *others], prominent=[method, reference])
    sections = []
    for (study, setting), table in split_settings(evaluations).items():
        absent = {method, reference} - set(table["method"])
        if absent or method == reference:
            raise StudyError(
                f"The report compares {method!r} with {reference!r}; wanted two methods that "
                f"{study} / {setting} holds, which are {sorted(set(table['method']))}."
            )
        sections.append(
            _setting_section(f"{study}: {setting}", _Study(table, method, reference, styles))
        )
    page = render_page(
        title, _subtitle(evaluations), [*sections, *extras, _reproduction_section(reproduction)]
    )
    write_atomically(path, lambda temporary: temporary.write_text(page, encoding="utf-8"))


def _subtitle(evaluations: pd.DataFrame) -> str:
    counts = evaluations[["method", "problem", "seed"]].nunique()
    return (
        f"{counts['method']} methods on {counts['problem']} tasks, up to {counts['seed']} seeds, "
        f"{evaluations['trial'].max()} trials a run, {len(evaluations):,} evaluations. "
        "Every mean and interval is over tasks."
    )


def _setting_section(heading: str, study: _Study) -> Section:
    ranking = average_ranks(study.evaluations, study.last)
    return Section(
        heading=heading,
        text=(
            "Regret says how far the best configuration found so far is from the best in the "
            "task's pool: 0 is the best there is, 1 is what a median configuration gives. (For "
            "known functions it is the plain distance to the optimum.) Lower is better throughout."
        ),
        facts=_facts(study),
        blocks=[
            *_regret_blocks(study),
            _profile_block(study),
            *_target_blocks(study),
            _rank_block(study, ranking),
            _task_block(study),
            _timing_block(study),
        ],
    )


def _facts(study: _Study) -> list[Fact]:
    summary = summary_table(study.evaluations, [1, study.last])
    first, final = (
        summary[summary["trial"] == trial].set_index("method")["mean"] for trial in (1, study.last)
    )
    rival = str(final.drop(study.method).idxmin())
    early = str(first.drop(study.method).idxmin())
    speedups = speedup_table(trials_to_target(study.evaluations, study.reference))
    row = speedups.set_index("method").loc[study.method]
    return [
        Fact(
            f"{first[study.method]:.3f}",
            f"mean regret of {study.method} at the first trial; best other: {early}, "
            f"{first[early]:.3f}",
        ),
        Fact(
            f"{final[study.method]:.3f}",
            f"mean regret after {study.last} trials; best other: {rival}, {final[rival]:.3f}",
        ),
        Fact(
            f"{row['speedup']:.1f}x",
            f"fewer trials than {study.reference} needs for its own final regret (median)",
        ),
        Fact(
            f"{row['reached']:.0f} of {row['tasks']:.0f}",
            f"tasks on which {study.method} reaches {study.reference}'s final regret at all",
        ),
    ]


def _regret_blocks(study: _Study) -> list[Block]:
    comparison = compare(study.evaluations, study.method, study.baselines)
    return [
        Block(
            "Regret after a number of trials",
            "Mean over tasks, with its 95% interval from a bootstrap of the tasks; runs are "
            "averaged within their task first. The smallest mean of each column is bold.",
            display_summary(summary_table(study.evaluations)),
        ),
        Block(
            "Regret, trial by trial",
            "Each line is the mean over tasks. The shade around it is where the mean of other, "
            "like tasks may lie (95%). Shades of two methods may overlap although one is better "
            "on nearly every task, since tasks differ more than methods do: the next table "
            "settles that. Regrets below 0.0001 are drawn there. Click on a name to hide it, twice "
            "to see it alone.",
            regret_curves(study.evaluations, study.styles, banded=[study.method, study.reference]),
        ),
        Block(
            f"{study.method} against each baseline, paired by task",
            f"Regret of {study.method} less that of the baseline on the same task: negative "
            "favours it. Below each mean difference stand its 95% interval (Student's t over "
            "tasks) and on how many tasks it wins, ties and loses. Bold: the interval leaves "
            "out zero.",
            display_comparison(comparison),
        ),
    ]


def _profile_block(study: _Study) -> Block:
    return Block(
        "How many tasks are solved",
        "A task counts as solved once the regret has fallen to the value above the panel. A mean "
        "can be made by a few hard tasks; this counts each task the same, however badly it went.",
        profiles(study.evaluations, study.styles),
    )


def _target_blocks(study: _Study) -> list[Block]:
    speedups = speedup_table(trials_to_target(study.evaluations, study.reference))
    return [
        Block(
            f"Trials to reach what {study.reference} reaches in {study.last}",
            "One dot a task, the bar is the median. Hollow dots at the right are tasks on which "
            f"the method does not get there within {study.last} trials. {study.reference} itself "
            "stands left of the end where it found its final configuration early.",
            target_strips(study.evaluations, study.styles, reference=study.reference),
        ),
        Block(
            "",
            f"Speed-up is {study.reference}'s number of trials over the method's, task by task. "
            f"A task that is not reached counts as {study.last + 1} trials, so its speed-up is an "
            "upper bound.",
            display_speedups(speedups, study.reference),
        ),
    ]


def _rank_block(study: _Study, ranking: Ranking) -> Block:
    verdict = (
        "the methods differ" if ranking.p_value < ranking.significance else "no difference is shown"
    )
    return Block(
        f"Average rank after {ranking.trial} trials",
        "On each task the method with the smallest regret gets rank 1. A thick bar joins methods "
        "whose average ranks lie within the critical difference (Nemenyi, "
        f"{1 - ranking.significance:.0%}): {ranking.tasks} tasks cannot tell these apart. "
        f"Friedman's test: chi-square {ranking.chi_square:.1f}, p = {ranking.p_value:.2g}, so "
        f"{verdict}.",
        rank_diagram(ranking, study.styles),
    )


def _task_block(study: _Study) -> Block:
    final = summary_table(study.evaluations, [study.last]).set_index("method")["mean"]
    rival = (
        str(final.drop([study.method, study.reference], errors="ignore").idxmin())
        if len(final) > 2
        else None
    )
    methods = [study.method, study.reference, *([rival] if rival else [])]
    return Block(
        "Task by task",
        "Regret by trial on every single task, averaged over its runs, on a logarithmic scale"
        + (f"; beside {study.reference} stands the best of the others." if rival else "."),
        task_panels(study.evaluations, study.styles, methods=methods),
    )


def _timing_block(study: _Study) -> Block:
    return Block(
        "Time for a suggestion",
        "Wall-clock seconds of one suggestion, as measured during the study; compilation, where "
        "there is any, falls on the slowest.",
        display_timing(timing_table(study.evaluations)),
    )


def _reproduction_section(reproduction: Reproduction) -> Section:
    settings = {name: json.dumps(value) for name, value in reproduction.settings.items()}
    return Section(
        heading="How to reproduce",
        text=f"`{reproduction.command}`",
        blocks=[
            Block("Settings", "", _pairs("setting", settings)),
            Block("Versions", "", _pairs("package", reproduction.versions)),
        ],
    )


def _pairs(name: str, pairs: Mapping[str, str]) -> pd.DataFrame:
    values = [f"`{value}`" for value in pairs.values()]
    return pd.DataFrame({name: list(pairs), "value": values})
