"""Offline studies: problems, the contract of methods, parallel runs, scores and reports."""

from hyperbo.benchmark.appearance import MethodStyle, method_styles
from hyperbo.benchmark.comparisons import compare
from hyperbo.benchmark.evaluations import (
    COLUMNS,
    RUN_COLUMNS,
    Run,
    check_evaluations,
    load_evaluations,
    merge,
    one_setting,
    record_function_run,
    record_pool_run,
    save_evaluations,
    split_settings,
)
from hyperbo.benchmark.functions import ackley, branin, hartmann4, hartmann6
from hyperbo.benchmark.intervals import Interval, StudentT, TaskBootstrap
from hyperbo.benchmark.page import Block, Fact, Section
from hyperbo.benchmark.plots import profiles, regret_curves, target_strips, task_panels
from hyperbo.benchmark.prior_plot import PriorSlice, prior_slices
from hyperbo.benchmark.problems import FunctionProblem, PoolProblem
from hyperbo.benchmark.rank_plot import rank_diagram
from hyperbo.benchmark.ranks import Ranking, average_ranks, critical_difference, friedman
from hyperbo.benchmark.report import Reproduction, write_report
from hyperbo.benchmark.scores import (
    BUDGETS,
    SOLVED,
    TaskCurves,
    normalised_regret,
    performance_profile,
    run_curves,
    speedup_table,
    summary_table,
    task_curves,
    timing_table,
    trials_to_target,
)
from hyperbo.benchmark.tables import (
    display_comparison,
    display_ranking,
    display_speedups,
    display_summary,
    display_timing,
    to_markdown,
)
from hyperbo.benchmark.tuners import CubeTuner, Method, PoolTuner

__all__ = [
    "BUDGETS",
    "COLUMNS",
    "RUN_COLUMNS",
    "SOLVED",
    "Block",
    "CubeTuner",
    "Fact",
    "FunctionProblem",
    "Interval",
    "Method",
    "MethodStyle",
    "PoolProblem",
    "PoolTuner",
    "PriorSlice",
    "Ranking",
    "Reproduction",
    "Run",
    "Section",
    "StudentT",
    "TaskBootstrap",
    "TaskCurves",
    "ackley",
    "average_ranks",
    "branin",
    "check_evaluations",
    "compare",
    "critical_difference",
    "display_comparison",
    "display_ranking",
    "display_speedups",
    "display_summary",
    "display_timing",
    "friedman",
    "hartmann4",
    "hartmann6",
    "load_evaluations",
    "merge",
    "method_styles",
    "normalised_regret",
    "one_setting",
    "performance_profile",
    "prior_slices",
    "profiles",
    "rank_diagram",
    "record_function_run",
    "record_pool_run",
    "regret_curves",
    "run_curves",
    "save_evaluations",
    "speedup_table",
    "split_settings",
    "summary_table",
    "target_strips",
    "task_curves",
    "task_panels",
    "timing_table",
    "to_markdown",
    "trials_to_target",
    "write_report",
]
