"""Slices of a prior: along each number, through the best point, beside the trials nearest to it."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from gpjax.kernels import Matern52
from gpjax.parameters import PositiveReal, Real

from hyperbo.benchmark import PriorSlice
from hyperbo.space import (
    CategoricalParameter,
    FloatParameter,
    IntegerParameter,
    Log,
    SearchSpace,
)
from hyperbo.surrogates import Expert, GaussianProcessPrior, Hierarchy, LinearMean, MatrixDistances
from hyperbo.tasks import Task
from hyperbo_service.offline.slices import slice_prior

SPACE = SearchSpace(
    (
        FloatParameter("rate", 1e-4, 1.0, Log()),
        IntegerParameter("layers", 1, 4),
        CategoricalParameter("kind", ("x", "y")),
    )
)
SLOPES = jnp.asarray([2.0, -1.0, 0.0, 0.0])
INPUTS = SPACE.snap(np.random.default_rng(0).random((50, SPACE.dimension)))
TASK = Task("task", INPUTS, INPUTS[:, 0])


@pytest.fixture
def slices() -> list[PriorSlice]:
    """Slices of a prior whose mean rises with the rate and falls with the layers."""
    mean = LinearMean(SPACE.dimension)
    mean = eqx.tree_at(lambda m: m.weights, mean, Real(SLOPES))
    kernel = Matern52(
        lengthscale=jnp.ones(SPACE.dimension), variance=0.25, compute_engine=MatrixDistances()
    )
    prior = GaussianProcessPrior(mean, kernel, PositiveReal(jnp.asarray(1e-3)))
    return slice_prior(Expert(prior, Hierarchy.fixed(), jnp.ones(5)), SPACE, [TASK])


def test_numbers_are_drawn_in_native_units(slices: list[PriorSlice]) -> None:
    """One slice a number, over its whole range; categories have none."""
    rate, layers = slices

    assert (rate.name, layers.name) == ("rate", "layers")
    np.testing.assert_allclose(rate.positions[[0, -1]], [1e-4, 1.0])
    assert rate.is_log
    assert layers.positions.tolist() == [1, 2, 3, 4]


def test_the_prior_is_the_one_given(slices: list[PriorSlice]) -> None:
    """Along the rate the mean rises by its slope; the deviation is the kernel's everywhere."""
    rate, layers = slices

    np.testing.assert_allclose(rate.mean[-1] - rate.mean[0], 2.0, rtol=1e-9)
    assert (np.diff(layers.mean) < 0.0).all()
    np.testing.assert_allclose(rate.stddev, 0.5, rtol=1e-6)


def test_dots_are_training_trials(slices: list[PriorSlice]) -> None:
    """Each dot is a trial: here its value is its rate's own coordinate."""
    rate, _ = slices

    units = (np.log10(rate.observed_positions) + 4.0) / 4.0
    np.testing.assert_allclose(units, rate.observed_values, atol=1e-9)
