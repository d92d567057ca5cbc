"""Intervals against scipy and against their own promise."""

import numpy as np
import pytest
from scipy import stats

from hyperbo.benchmark import Interval, StudentT, TaskBootstrap


def test_student_agrees_with_scipy() -> None:
    """The ends are those of scipy's one-sample t-test."""
    samples = np.random.default_rng(0).normal(size=(12, 3))
    expected = stats.ttest_1samp(samples, 0.0).confidence_interval(0.9)

    lower, upper = StudentT(0.9).bounds(samples)

    np.testing.assert_allclose(lower, expected.low)
    np.testing.assert_allclose(upper, expected.high)


def test_bootstrap_agrees_with_scipy() -> None:
    """The ends lie within a few standard errors of scipy's percentile bootstrap."""
    samples = np.random.default_rng(1).gamma(1.0, size=(30, 2))
    expected = stats.bootstrap(
        (samples,), np.mean, axis=0, n_resamples=20_000, method="percentile", rng=2
    ).confidence_interval

    lower, upper = TaskBootstrap().bounds(samples)

    np.testing.assert_allclose(lower, expected.low, atol=0.02)
    np.testing.assert_allclose(upper, expected.high, atol=0.02)


def test_bootstrap_stays_within_the_samples() -> None:
    """Regrets that are never negative get an interval that is never negative."""
    samples = np.array([[0.0], [0.0], [0.0], [5.0]])

    lower, upper = TaskBootstrap().bounds(samples)

    assert lower[0] == 0.0
    assert upper[0] <= 5.0


@pytest.mark.parametrize("interval", [StudentT(), TaskBootstrap()], ids=["student", "bootstrap"])
def test_one_task_gives_no_interval(interval: Interval) -> None:
    """One task says nothing about the next."""
    lower, upper = interval.bounds(np.ones((1, 2)))

    assert np.isnan(lower).all()
    assert np.isnan(upper).all()
