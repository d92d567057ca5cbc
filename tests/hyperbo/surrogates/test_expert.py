"""A pre-trained prior conditions as its parts do, and is refused where it cannot."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gpjax.kernels import RBF
from gpjax.mean_functions import Zero
from gpjax.parameters import PositiveReal
from scipy.optimize import minimize

from hyperbo.errors import PriorError
from hyperbo.surrogates import (
    Expert,
    GaussianProcessPrior,
    Hierarchy,
    KumaraswamyWarp,
    LinearMean,
    Trials,
    condition,
    scratch_expert,
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


@pytest.fixture
def study() -> tuple[Expert, Trials]:
    """A process started from nothing, and twelve padded trials of a slope along one axis."""
    inputs = np.random.default_rng(0).random((16, 2))
    values = np.sin(4.0 * inputs[:, 0])
    return scratch_expert(2), Trials(inputs, values, np.arange(16) < 12)


def test_refit_ends_where_scipys_does(study: tuple[Expert, Trials]) -> None:
    """The most probable log factors are those that L-BFGS-B finds from the same start."""
    expert, trials = study

    @jax.jit
    def loss(factors: jax.Array) -> jax.Array:
        return expert.penalty(factors) - expert.condition(factors, trials).log_evidence

    oracle = minimize(loss, np.zeros(3), method="L-BFGS-B", options={"ftol": 1e-12})
    found = jax.jit(lambda e: e.refit(e.centre(), trials, 60))(expert)

    assert float(loss(found)) < oracle.fun + 1e-2
    assert oracle.fun < float(loss(jnp.zeros(3))) - 0.5


def test_refit_of_no_steps_changes_nothing(study: tuple[Expert, Trials]) -> None:
    """Zero steps give the start back."""
    expert, trials = study
    start = jnp.array([0.3, -0.2, 1.0])

    np.testing.assert_array_equal(expert.refit(start, trials, 0), start)


def test_refit_stays_within_reach(study: tuple[Expert, Trials]) -> None:
    """Where the trials say nothing but noise, no factor runs away."""
    expert, trials = study
    noise = np.random.default_rng(1).standard_normal(16)
    trials = eqx.tree_at(lambda t: t.values, trials, noise)

    found = jax.jit(lambda e: e.refit(e.centre(), trials, 60))(expert)

    assert (jnp.abs(found) <= 4.0 * expert.spread + 1e-9).all()
    assert found[-1] > 1.0
