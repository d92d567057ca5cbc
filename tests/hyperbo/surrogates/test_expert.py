"""A pre-trained prior conditions as its parts do, and is refused where it cannot."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gpjax.kernels import RBF
from gpjax.mean_functions import Zero
from gpjax.parameters import PositiveReal

from hyperbo.errors import PriorError
from hyperbo.surrogates import (
    Expert,
    GaussianProcessPrior,
    Hierarchy,
    KumaraswamyWarp,
    LinearMean,
    Trials,
    condition,
)

PRIOR = GaussianProcessPrior(LinearMean(2), RBF(), PositiveReal(jnp.asarray(0.1)))
PRETRAINED = Expert(
    PRIOR, Hierarchy.normal((0.3, 1.0), (0.0, 0.2), nodes=3), jnp.ones(PRIOR.log_factor_count)
)


def test_conditions_under_its_own_hierarchy() -> None:
    """The posterior is that of prior and hierarchy together."""
    trials = Trials(np.full((2, 2), 0.3), np.asarray([1.0, 0.0]), np.asarray([True, False]))

    ours = jax.jit(lambda p: p.condition(p.centre(), trials).log_weight)(PRETRAINED)
    theirs = jax.jit(lambda p, h: condition(p, h, trials).log_weight)(PRIOR, PRETRAINED.hierarchy)

    np.testing.assert_allclose(ours, theirs, rtol=1e-10)


def test_fitting_prior_passes() -> None:
    """A prior that can be evaluated in a space passes, also where a scale has weight zero."""
    PRETRAINED.check(2)
    eqx.tree_at(
        lambda p: p.hierarchy.log_scale_weight, PRETRAINED, jnp.asarray([-jnp.inf, 0.0, -jnp.inf])
    ).check(2)


def test_other_dimension_is_refused() -> None:
    """Weights or warps for another number of coordinates are refused."""
    warped = GaussianProcessPrior(Zero(), RBF(), PRIOR.noise, KumaraswamyWarp(5))

    for prior in (PRIOR, warped):
        with pytest.raises(PriorError, match="space of 3 coordinates"):
            Expert(prior, Hierarchy.fixed(), jnp.ones(prior.log_factor_count)).check(3)


@pytest.mark.parametrize("bad", [jnp.nan, jnp.inf])
def test_rubbish_numbers_are_refused(bad: float) -> None:
    """A parameter that left the finite numbers is refused."""
    broken = eqx.tree_at(lambda p: p.hierarchy.location_mean, PRETRAINED, jnp.asarray(bad))

    with pytest.raises(PriorError, match="NaN or infinite"):
        broken.check(2)


def test_noise_per_point_is_refused() -> None:
    """A noise that is no single number is refused."""
    vector = eqx.tree_at(lambda p: p.prior.noise, PRETRAINED, PositiveReal(jnp.ones(7)))

    with pytest.raises(PriorError):
        vector.check(2)
