"""One method against others, paired by task."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from hyperbo.benchmark.intervals import Interval, StudentT
from hyperbo.benchmark.scores import BUDGETS, task_curves, within_reach
from hyperbo.errors import StudyError

_TIE = 1e-9
"""Regrets closer than this are a tie: both methods hold the same configuration."""


def compare(
    evaluations: pd.DataFrame,
    method: str,
    baselines: Sequence[str],
    budgets: Sequence[int] = BUDGETS,
    interval: Interval | None = None,
) -> pd.DataFrame:
    """Differences in regret between a method and each baseline, paired by task.

    Tasks differ far more than methods do; pairing takes that out. Seeds are averaged within the
    task first: several runs of one task are not several tasks.

    Args:
        evaluations: Trials of one study and setting.
        method: The method whose claim is tested.
        baselines: The methods it is tested against.
        budgets: Numbers of trials; those beyond the runs' length are left out.
        interval: Around the mean difference over tasks; Student's t by default.

    Returns:
        Columns `baseline`, `trial`, `method_regret`, `baseline_regret`, `difference` (method less
        baseline: negative is better), `lower`, `upper`, `wins`, `ties`, `losses` (over tasks, as
        the method sees them), `tasks`.

    Raises:
        StudyError: If a method is not in the study, or runs do not cover the same tasks.
    """
    interval = StudentT() if interval is None else interval
    curves = task_curves(evaluations)
    trials = within_reach(evaluations, budgets)
    columns = np.array(trials) - 1
    mine = curves.of(method)[:, columns]
    tables = []
    for baseline in baselines:
        theirs = curves.of(baseline)[:, columns]
        difference = mine - theirs
        lower, upper = interval.bounds(difference)
        paired = {
            "baseline": baseline,
            "trial": trials,
            "method_regret": mine.mean(axis=0),
            "baseline_regret": theirs.mean(axis=0),
            "difference": difference.mean(axis=0),
            "lower": lower,
            "upper": upper,
            "wins": (difference < -_TIE).sum(axis=0),
            "ties": (np.abs(difference) <= _TIE).sum(axis=0),
            "losses": (difference > _TIE).sum(axis=0),
            "tasks": len(difference),
        }
        tables.append(pd.DataFrame(paired))
    if not tables:
        raise StudyError(f"{method!r} is compared with nothing; name at least one baseline.")
    return pd.concat(tables, ignore_index=True)
