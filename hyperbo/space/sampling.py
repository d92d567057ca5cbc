"""Designs: points that fill a search space before anything is known about it.

Each design spreads quantiles, one per tuned parameter, and lets the space place them: floats and
integers uniformly along their scale, listed numbers and categories each with equal probability.

`scipy.stats` takes longer to import than all the rest of a suggestion from a stored prior, which
needs no design; so it is imported by the designs that do.
"""

import numpy as np
from jaxtyping import Float

from hyperbo.errors import SpaceError
from hyperbo.space.search_space import SearchSpace


def sample_uniform(
    space: SearchSpace, count: int, rng: np.random.Generator
) -> Float[np.ndarray, "N D"]:
    """Draw `count` independent points.

    Returns:
        Snapped points of the unit cube.

    Raises:
        SpaceError: If `count` is negative.
    """
    _check_count(count)
    return space.at_quantiles(rng.random((count, len(space.tuned_names))))


def sample_sobol(
    space: SearchSpace, count: int, rng: np.random.Generator
) -> Float[np.ndarray, "N D"]:
    """Take the first `count` points of a scrambled Sobol sequence.

    The sequence is balanced best where `count` is a power of two; any count is accepted.

    Returns:
        Snapped points of the unit cube.

    Raises:
        SpaceError: If `count` is negative.

    References:
        Owen (1998), "Scrambling Sobol' and Niederreiter-Xing points".
    """
    from scipy.stats import qmc  # noqa: PLC0415 - see the head of this module

    _check_count(count)
    sequence = qmc.Sobol(len(space.tuned_names), scramble=True, rng=rng)
    # A whole power of two is drawn, then cut: SciPy warns of any other count.
    return space.at_quantiles(sequence.random_base2(max(count - 1, 0).bit_length())[:count])


def sample_halton(
    space: SearchSpace, count: int, rng: np.random.Generator
) -> Float[np.ndarray, "N D"]:
    """Take the first `count` points of a scrambled Halton sequence.

    Returns:
        Snapped points of the unit cube.

    Raises:
        SpaceError: If `count` is negative.

    References:
        Owen (2017), "A randomized Halton algorithm in R", arXiv:1706.02808.
    """
    from scipy.stats import qmc  # noqa: PLC0415 - see the head of this module

    _check_count(count)
    sequence = qmc.Halton(len(space.tuned_names), scramble=True, rng=rng)
    return space.at_quantiles(sequence.random(count))


def _check_count(count: int) -> None:
    if count < 0:
        raise SpaceError(f"Cannot sample {count} points; ask for zero or more.")
