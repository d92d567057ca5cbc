"""Average ranks over tasks, with the test and the critical difference that go with them."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import stats

from hyperbo.benchmark.scores import task_curves, within_reach
from hyperbo.errors import StudyError


@dataclass(frozen=True)
class Ranking:
    """Methods by their average rank over tasks at one budget; rank 1 is the best.

    Attributes:
        trial: The budget at which regrets were ranked.
        methods: The methods, the best first.
        average: Average rank of each, in the same order.
        chi_square: Friedman's statistic, corrected for ties.
        p_value: Probability of such a statistic or a larger one if all methods were alike.
        critical_difference: Nemenyi's: average ranks closer than this are not told apart.
        tasks: Number of tasks.
        significance: Level of the critical difference, e.g. 0.05.
    """

    trial: int
    methods: tuple[str, ...]
    average: tuple[float, ...]
    chi_square: float
    p_value: float
    critical_difference: float
    tasks: int
    significance: float

    def cliques(self) -> list[tuple[int, int]]:
        """First and last position of each maximal group whose members are not told apart."""
        groups: list[tuple[int, int]] = []
        for first, best in enumerate(self.average):
            last = max(
                position
                for position, rank in enumerate(self.average)
                if rank - best <= self.critical_difference
            )
            if last > first and (not groups or last > groups[-1][1]):
                groups.append((first, last))
        return groups


def average_ranks(evaluations: pd.DataFrame, trial: int, *, significance: float = 0.05) -> Ranking:
    """Rank methods within every task by their regret after `trial` trials, then average.

    Regrets are averaged over runs within the task before they are ranked; ties share the mean of
    their ranks.

    Raises:
        StudyError: If there are fewer than two methods, or no run reaches `trial`.

    References:
        Demsar (2006), JMLR 7: Friedman's test followed by Nemenyi's critical difference.
    """
    within_reach(evaluations, [trial])
    curves = task_curves(evaluations)
    methods = curves.methods
    if len(methods) < 2:
        raise StudyError(f"Ranks need at least two methods; the study has only {list(methods)}.")
    # Averages over runs of equal regrets differ in their last digits, yet are ties.
    ranks = stats.rankdata(np.round(curves.regrets[:, :, trial - 1].T, 12), axis=1)
    average = ranks.mean(axis=0)
    order = np.argsort(average, kind="stable")
    chi_square, p_value = friedman(ranks)
    return Ranking(
        trial=trial,
        methods=tuple(methods[position] for position in order),
        average=tuple(float(average[position]) for position in order),
        chi_square=chi_square,
        p_value=p_value,
        critical_difference=critical_difference(
            len(methods), len(ranks), significance=significance
        ),
        tasks=len(ranks),
        significance=significance,
    )


def friedman(ranks: Float[np.ndarray, "M K"]) -> tuple[float, float]:
    """Friedman's chi-square of ranks within `M` tasks of `K` methods, and its p-value.

    Corrected for ties; holds for two methods as well. Where every task ties all methods the
    statistic is 0 and the p-value 1.
    """
    tasks, methods = ranks.shape
    mean = (methods + 1.0) / 2.0
    between = tasks * float(np.sum((ranks.mean(axis=0) - mean) ** 2))
    within = float(np.sum((ranks - mean) ** 2)) / (tasks * (methods - 1.0))
    if within == 0.0:
        return 0.0, 1.0
    statistic = between / within
    return statistic, float(stats.chi2.sf(statistic, methods - 1))


def critical_difference(methods: int, tasks: int, *, significance: float = 0.05) -> float:
    r"""Nemenyi's critical difference of average ranks: $q_\alpha \sqrt{k (k + 1) / 6 N}$.

    $q_\alpha$ is the studentised range's upper quantile at infinitely many degrees of freedom over
    $\sqrt 2$.

    Example:
        >>> round(critical_difference(4, 14), 2)  # Demsar (2006), section 3.2.2
        1.25
    """
    quantile = float(stats.studentized_range.ppf(1.0 - significance, methods, np.inf))
    return quantile * math.sqrt(methods * (methods + 1.0) / (12.0 * tasks))
