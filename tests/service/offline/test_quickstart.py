"""Random search in closed form."""

import itertools

import numpy as np

from hyperbo_service.offline.quickstart import expected_best


def test_expected_best_averages_over_all_draws() -> None:
    """It equals the average of the best over every way to draw."""
    values = np.array([3.0, -1.0, 0.5, 0.5, 7.0])

    means = expected_best(values, 5)

    for count in range(1, 6):
        best = [max(drawn) for drawn in itertools.permutations(values, count)]
        assert np.isclose(means[count - 1], np.mean(best))
