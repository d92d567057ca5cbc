"""What a study's history admits as standard errors."""

import numpy as np
import pytest

from hyperbo.errors import TaskError
from hyperbo.history import History

POINTS = np.full((2, 3), 0.5)
VALUES = np.asarray([1.0, 2.0])
NOTHING = np.zeros((0, 3))


@pytest.mark.parametrize("bad", [-0.1, np.nan, np.inf, 1e101])
def test_standard_errors_are_finite_and_not_negative(bad: float) -> None:
    """Any other is refused with the remedy."""
    with pytest.raises(TaskError, match="Give zero where it is not known"):
        History(POINTS, VALUES, NOTHING, np.asarray([0.0, bad]))


def test_standard_errors_belong_to_values() -> None:
    """One too many is refused."""
    with pytest.raises(TaskError, match="2 values but 3 standard errors"):
        History(POINTS, VALUES, NOTHING, np.ones(3))


def test_noise_is_given_where_any_standard_error_is() -> None:
    """None and zeros say nothing of the noise; a single positive one does."""
    assert not History(POINTS, VALUES, NOTHING).is_noise_given
    assert not History(POINTS, VALUES, NOTHING, np.zeros(2)).is_noise_given
    assert History(POINTS, VALUES, NOTHING, np.asarray([0.0, 1e-9])).is_noise_given
