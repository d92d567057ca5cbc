"""Designs that fill a search space."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats
from scipy.stats import qmc

from hyperbo.errors import SpaceError
from hyperbo.space import (
    CategoricalParameter,
    DiscreteParameter,
    FloatParameter,
    IntegerParameter,
    SearchSpace,
    sample_halton,
    sample_sobol,
    sample_uniform,
)

Design = Callable[[SearchSpace, int, np.random.Generator], np.ndarray]
DESIGNS = [sample_uniform, sample_sobol, sample_halton]
SQUARE = SearchSpace((FloatParameter("x", 0.0, 1.0), FloatParameter("y", 0.0, 1.0)))


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("count", [0, 1, 2, 7, 33])
def test_points_are_decodable(tree: SearchSpace, design: Design, count: int) -> None:
    """Any number of points, without a warning, each its own snapped point."""
    units = design(tree, count, np.random.default_rng(0))

    np.testing.assert_array_equal(tree.snap(units), units)
    assert len(tree.encode(tree.decode(units))) == count


@pytest.mark.parametrize("design", DESIGNS)
def test_same_generator_same_points(tree: SearchSpace, design: Design) -> None:
    """The design depends on the generator handed in and on nothing else."""
    one, same, other = (design(tree, 9, np.random.default_rng(seed)) for seed in (1, 1, 2))

    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


@pytest.mark.parametrize("design", [sample_sobol, sample_halton])
def test_low_discrepancy(design: Design) -> None:
    """Sobol and Halton points fill the square more evenly than independent ones do."""
    units = design(SQUARE, 100, np.random.default_rng(3))
    independent = [
        qmc.discrepancy(sample_uniform(SQUARE, 100, np.random.default_rng(seed)))
        for seed in range(20)
    ]

    assert qmc.discrepancy(units) < 0.5 * min(independent)


def test_sobol_points_fill_every_cell_once() -> None:
    """Of 64 Sobol points each of the 8 x 8 cells of the square holds one."""
    units = sample_sobol(SQUARE, 64, np.random.default_rng(4))

    cells = np.floor(units * 8) @ np.array([8, 1])

    assert sorted(cells.tolist()) == list(range(64))


def test_sobol_shares_out_categories_and_levels() -> None:
    """Of 64 Sobol points each of four categories, integers and listed values gets 16."""
    space = SearchSpace(
        (
            CategoricalParameter("c", ("a", "b", "c", "d")),
            IntegerParameter("n", 1, 4),
            DiscreteParameter("d", (1, 2, 3, 1000)),
        )
    )

    configs = space.decode(sample_sobol(space, 64, np.random.default_rng(5)))

    for name in space.names:
        counts = np.unique([str(config[name]) for config in configs], return_counts=True)[1]
        assert counts.tolist() == [16] * 4


@pytest.mark.parametrize("design", DESIGNS)
def test_floats_are_uniform(design: Design) -> None:
    """Float coordinates are uniform (Kolmogorov-Smirnov), a conditional one where it exists."""
    space = SearchSpace((CategoricalParameter("c", (0, 1), {1: SQUARE.parameters}),))
    units = design(space, 2000, np.random.default_rng(6))

    exists = units[:, 1] == 1.0

    assert stats.kstest(units[exists, 2], "uniform").pvalue > 1e-3
    assert (units[~exists, 2:] == 0.5).all()


@pytest.mark.parametrize("design", DESIGNS)
def test_negative_counts_are_refused(design: Design) -> None:
    """A negative number of points is an error of ours, not NumPy's."""
    with pytest.raises(SpaceError, match="-1 points"):
        design(SQUARE, -1, np.random.default_rng(0))
