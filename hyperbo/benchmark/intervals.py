"""How uncertain a mean over tasks is: the ways to draw an interval around it, tasks as the unit."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from scipy import stats


@runtime_checkable
class Interval(Protocol):
    """A way to say how far the mean over tasks may be from the one over all like tasks."""

    def bounds(
        self, samples: Float[np.ndarray, "M T"]
    ) -> tuple[Float[np.ndarray, " T"], Float[np.ndarray, " T"]]:
        """Lower and upper end around the mean over `M` tasks of each of `T` columns.

        Both are NaN where there is one task: one task says nothing about the next.
        """


@dataclass(frozen=True)
class StudentT:
    """Mean plus and minus Student's t times the standard error.

    Right for differences, which spread to both sides; for a paired comparison, give it the
    differences task by task.

    Attributes:
        level: Coverage, in (0, 1).
    """

    level: float = 0.95

    def bounds(
        self, samples: Float[np.ndarray, "M T"]
    ) -> tuple[Float[np.ndarray, " T"], Float[np.ndarray, " T"]]:
        """Ends of the interval, as in `Interval`."""
        tasks = samples.shape[0]
        if tasks < 2:
            return _unknown(samples)
        mean = samples.mean(axis=0)
        error = samples.std(axis=0, ddof=1) / np.sqrt(tasks)
        reach = float(stats.t.ppf(0.5 + self.level / 2.0, tasks - 1)) * error
        return mean - reach, mean + reach


@dataclass(frozen=True)
class TaskBootstrap:
    """Percentiles of the mean when the tasks are drawn anew, with replacement, many times.

    Right for regrets: the interval is lopsided as they are and never falls below zero. The same
    draws serve all columns, so that a band along a curve is smooth.

    Attributes:
        level: Coverage, in (0, 1).
        resamples: Number of draws.
        seed: Seed of the draws; fixed, so that one table always gets the same interval.
    """

    level: float = 0.95
    resamples: int = 10_000
    seed: int = 0

    def bounds(
        self, samples: Float[np.ndarray, "M T"]
    ) -> tuple[Float[np.ndarray, " T"], Float[np.ndarray, " T"]]:
        """Ends of the interval, as in `Interval`."""
        tasks = samples.shape[0]
        if tasks < 2:
            return _unknown(samples)
        draws = np.random.default_rng(self.seed).multinomial(
            tasks, np.full(tasks, 1.0 / tasks), size=self.resamples
        )
        means = draws @ samples / tasks
        tail = 0.5 - self.level / 2.0
        lower, upper = np.quantile(means, [tail, 1.0 - tail], axis=0)
        return lower, upper


def _unknown(
    samples: Float[np.ndarray, "M T"],
) -> tuple[Float[np.ndarray, " T"], Float[np.ndarray, " T"]]:
    nothing = np.full(samples.shape[1], np.nan)
    return nothing, nothing
