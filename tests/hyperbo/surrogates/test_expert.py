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


def _placed(values: list[float], stderrs: list[float] | None) -> Hierarchy:
    """Where a process from scratch places itself, given values at whatever points."""
    count = len(values)
    given = None if stderrs is None else np.square(stderrs)
    trials = Trials(np.full((count, 2), 0.5), np.asarray(values), np.ones(count, bool), given)
    return scratch_expert(2).placed(trials)


def test_a_noisy_trial_does_not_set_the_unit() -> None:
    """The unit with a wild value of large standard error is the unit without it."""
    ours = _placed([1.0, 2.0, 4.0, -500.0], [0.0, 0.0, 0.0, 1000.0])
    theirs = _placed([1.0, 2.0, 4.0], None)

    np.testing.assert_allclose(ours.location_mean, theirs.location_mean, rtol=1e-2)
    np.testing.assert_allclose(ours.scales, theirs.scales, rtol=1e-2)


def test_exact_trials_set_the_unit_as_ever() -> None:
    """Standard errors of zero leave mean and standard deviation as they are, equal values too."""
    for values in ([1.0, 2.0, 4.0], [3.0, 3.0], [7.0]):
        ours, theirs = _placed(values, [0.0] * len(values)), _placed(values, None)
        np.testing.assert_allclose(ours.location_mean, theirs.location_mean, rtol=1e-12)
        np.testing.assert_allclose(ours.scales, theirs.scales, rtol=1e-12)


def test_noise_is_not_taken_for_the_objectives_spread() -> None:
    """Where equal standard errors explain part of the variance, the rest sets the unit."""
    values = np.random.default_rng(0).normal(size=400)
    values *= 5.0 / values.std()
    rest = _placed(list(values), [4.0] * 400)
    none = _placed(list(values), [50.0] * 400)

    np.testing.assert_allclose(rest.location_stddev, 3.0, rtol=1e-6)
    np.testing.assert_allclose(none.location_stddev, 2.5, rtol=1e-6)


def test_refit_leaves_given_noise_to_the_trials(study: tuple[Expert, Trials]) -> None:
    """Scatter that standard errors explain does not raise the noise that is inferred."""
    expert, trials = study
    noise = np.random.default_rng(1).standard_normal(16)
    scattered = eqx.tree_at(lambda t: t.values, trials, np.asarray(trials.values) + noise)
    explained = Trials(scattered.inputs, scattered.values, scattered.mask, np.ones(16))

    refit = jax.jit(lambda t: expert.refit(expert.centre(), t, 60))

    assert float(refit(scattered)[-1]) > 1.0 > float(refit(explained)[-1])
