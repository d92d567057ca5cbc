"""Ranks against scipy's Friedman test and the published critical values of Demsar (2006)."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hyperbo.benchmark import Ranking, average_ranks, critical_difference, friedman
from hyperbo.errors import StudyError


@pytest.mark.parametrize(
    ("methods", "quantile"),
    [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850), (10, 3.164)],
)
def test_critical_values_are_the_published_ones(methods: int, quantile: float) -> None:
    """Q at 0.05 as in Demsar (2006), table 5(a)."""
    difference = critical_difference(methods, 30)

    published = quantile * np.sqrt(methods * (methods + 1) / (6.0 * 30))
    assert difference == pytest.approx(published, rel=3e-4)


def test_critical_value_at_a_tenth() -> None:
    """Q at 0.10 for four methods is 2.291; with 14 tasks the difference is 1.12."""
    assert critical_difference(4, 14, significance=0.10) == pytest.approx(1.12, abs=0.005)


@pytest.mark.parametrize("decimals", [8, 1], ids=["untied", "tied"])
def test_friedman_agrees_with_scipy(decimals: int) -> None:
    """Statistic and p-value equal scipy's, with ties and without."""
    values = np.random.default_rng(0).random((15, 4)).round(decimals)
    expected = stats.friedmanchisquare(*values.T)

    statistic, p_value = friedman(stats.rankdata(values, axis=1))

    assert statistic == pytest.approx(expected.statistic)
    assert p_value == pytest.approx(expected.pvalue)


def test_friedman_of_methods_that_always_tie() -> None:
    """Where nothing differs the statistic is zero, not NaN."""
    assert friedman(np.full((5, 3), 2.0)) == (0.0, 1.0)


def test_ranks_by_hand(study_of: Callable[..., pd.DataFrame]) -> None:
    """Ties share the mean of their ranks, and the best average comes first."""
    study = study_of(
        {
            "x": {"a": [[0.3]], "b": [[0.1]]},
            "y": {"a": [[0.1]], "b": [[0.1]]},
            "z": {"a": [[0.2]], "b": [[0.5]]},
        }
    )

    ranking = average_ranks(study, 1)

    assert ranking.methods == ("y", "x", "z")
    assert ranking.average == (1.25, 2.25, 2.5)
    assert ranking.tasks == 2


def test_ranks_at_a_budget(study: pd.DataFrame) -> None:
    """A clear order shows as such: ranks 1, 2, 3 where each task agrees."""
    ranking = average_ranks(study, 10)

    assert ranking.methods == ("good", "fair", "poor")
    assert ranking.average == (1.0, 2.0, 3.0)
    assert ranking.p_value == pytest.approx(np.exp(-6.0))  # chi-square 12 at two degrees


def test_two_methods_can_be_ranked(study: pd.DataFrame) -> None:
    """Scipy's test refuses two methods; the ranking does not."""
    ranking = average_ranks(study[study["method"] != "poor"], 10)

    assert ranking.chi_square == pytest.approx(6.0)


def test_one_method_cannot_be_ranked(study: pd.DataFrame) -> None:
    """There is nothing to rank."""
    with pytest.raises(StudyError, match="at least two methods"):
        average_ranks(study[study["method"] == "good"], 10)


@pytest.mark.parametrize(
    ("average", "groups"),
    [
        ((1.0, 2.0, 3.0, 4.0), [(0, 1), (1, 2), (2, 3)]),
        ((1.0, 1.5, 2.0, 4.0), [(0, 2)]),
        ((1.0, 3.0, 5.0, 7.0), []),
        ((1.0, 1.9, 2.1, 2.9), [(0, 1), (1, 3)]),
    ],
)
def test_cliques_are_maximal(average: tuple[float, ...], groups: list[tuple[int, int]]) -> None:
    """Groups within a difference of one; none that lies inside another is listed."""
    ranking = Ranking(1, ("a", "b", "c", "d"), average, 0.0, 1.0, 1.0, 9, 0.05)

    assert ranking.cliques() == groups
