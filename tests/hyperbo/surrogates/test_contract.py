"""What every surrogate promises once conditioned on trials, tried on every one of them."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from hyperbo.surrogates import (
    Expert,
    HierarchicalPrior,
    Hierarchy,
    KumaraswamyWarp,
    MixturePosterior,
    Posterior,
    Prior,
    Trials,
    scratch_expert,
)
from hyperbo.surrogates.presets import ablr, fsbo, hyperbo_prior, matern_prior

DIMENSION = 2
HIERARCHY = Hierarchy.normal((0.2, 0.5), (0.0, 0.3), (0.5, 2.0), nodes=3)
QUERY = jnp.asarray(np.random.default_rng(3).random((6, DIMENSION)))

Condition = Callable[[Trials], Posterior]


def _pretrained(prior: Prior) -> Condition:
    """Condition a prior under the hierarchy above."""
    return _alone(Expert(prior, HIERARCHY, jnp.ones(prior.log_factor_count)))


def _alone(expert: Expert) -> Condition:
    """Condition an expert at the centre of its beliefs."""
    return lambda trials: expert.condition(expert.centre(), trials)


def _mixture(trials: Trials) -> MixturePosterior:
    """A pre-trained prior and a process started from nothing."""
    members = (_pretrained(fsbo(jr.key(1), DIMENSION, (4,))), _alone(scratch_expert(DIMENSION)))
    return MixturePosterior(
        tuple(member(trials) for member in members), jnp.log(jnp.asarray([0.7, 0.3]))
    )


def _hierarchical() -> Expert:
    """A prior learned over search spaces."""
    beliefs = HierarchicalPrior(
        jnp.asarray([-0.5, 0.6]), jnp.asarray([-5.0, 1.0]), jnp.asarray(0.4)
    )
    return beliefs.expert(DIMENSION)


SURROGATES: dict[str, Condition] = {
    "HyperBO": _pretrained(hyperbo_prior(jr.key(0), DIMENSION, (4,))),
    "HyperBO, warped": _pretrained(
        hyperbo_prior(jr.key(0), DIMENSION, (4,), warp=KumaraswamyWarp(DIMENSION))
    ),
    "ABLR": _pretrained(ablr(jr.key(1), DIMENSION, (4,))),
    "FSBO": _pretrained(fsbo(jr.key(2), DIMENSION, (4,))),
    "Matern": _pretrained(matern_prior(DIMENSION)),
    "from scratch": _alone(scratch_expert(DIMENSION)),
    "hierarchical": _alone(_hierarchical()),
    "mixture": _mixture,
}


@pytest.fixture(scope="module", params=SURROGATES.values(), ids=SURROGATES.keys())
def condition(request: pytest.FixtureRequest) -> Condition:
    """One surrogate after the other, compiled."""
    return eqx.filter_jit(request.param)


@pytest.fixture(scope="module")
def posterior(condition: Condition) -> Posterior:
    """The surrogate after eight trials."""
    return condition(_trials(8))


def _trials(real: int, rubbish: float = 0.0) -> Trials:
    """Twelve places, `real` of them trials of a smooth objective, rubbish in the others."""
    rng = np.random.default_rng(4)
    inputs = rng.random((12, DIMENSION))
    values = np.sin(3.0 * inputs[:, 0]) + inputs[:, 1]
    mask = np.arange(12) < real
    return Trials(
        np.where(mask[:, None], inputs, np.abs(rubbish) % 1.0),
        np.where(mask, values, rubbish),
        mask,
    )


@eqx.filter_jit
def _moments(posterior: Posterior, points: jax.Array) -> tuple[jax.Array, jax.Array]:
    return posterior.marginals(points).moments()


def test_components_are_a_mixture(posterior: Posterior) -> None:
    """Weights sum to one, standard deviations are positive, everything is finite."""
    marginals = eqx.filter_jit(lambda p: p.marginals(QUERY))(posterior)

    assert float(jnp.exp(marginals.log_weight).sum()) == pytest.approx(1.0)
    assert (marginals.stddev > 0.0).all()
    assert np.isfinite(marginals.mean).all()


def test_padded_places_change_nothing(condition: Condition, posterior: Posterior) -> None:
    """Whatever stands in the places that are no trials, beliefs are the same."""
    other = _moments(condition(_trials(8, rubbish=-77.7)), QUERY)

    for ours, theirs in zip(_moments(posterior, QUERY), other, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_trials_are_learned_from(condition: Condition, posterior: Posterior) -> None:
    """At the trials, beliefs are nearer to what was seen than before, and surer."""
    trials = _trials(8)
    points, values = jnp.asarray(trials.inputs[:8]), trials.values[:8]
    before, doubt_before = _moments(condition(_trials(0)), points)
    after, doubt_after = _moments(posterior, points)

    assert np.square(after - values).mean() < np.square(before - values).mean()
    assert (doubt_after < doubt_before).all()


def test_samples_have_the_marginals_moments(posterior: Posterior) -> None:
    """Sample means lie within five standard errors of the mean, and so do sample variances."""
    count = 4_000
    draws = eqx.filter_jit(lambda p: p.sample(jr.key(6), QUERY, count))(posterior)
    mean, stddev = _moments(posterior, QUERY)

    gap = np.abs(draws.mean(axis=0) - mean)
    squares = np.square(draws - mean[None, :])
    assert (gap < 5.0 * draws.std(axis=0) / count**0.5 + 1e-3).all()
    spread = np.abs(squares.mean(axis=0) - np.square(stddev))
    assert (spread < 5.0 * squares.std(axis=0) / count**0.5 + 1e-3).all()


def test_a_fantasy_is_believed(posterior: Posterior) -> None:
    """A made-up value pulls the mean at its point towards itself, and leaves less doubt."""
    point, value = QUERY[:1], jnp.asarray([3.0])
    grown = eqx.filter_jit(lambda p: p.fantasise(point, value))(posterior)
    (before,), (doubt_before,) = _moments(posterior, point)
    (after,), (doubt_after,) = _moments(grown, point)

    assert abs(after - 3.0) < abs(before - 3.0)
    assert doubt_after < doubt_before


def test_gradients_equal_finite_differences(posterior: Posterior) -> None:
    """Mean and standard deviation can be climbed."""
    step = 1e-6 * jnp.asarray([1.0, -0.5])

    @eqx.filter_jit
    def total(points: jax.Array, posterior: Posterior) -> jax.Array:
        mean, stddev = posterior.marginals(points).moments()
        return jnp.sum(mean + 2.0 * stddev)

    slope = eqx.filter_jit(jax.grad(total))(QUERY, posterior)
    rise = total(QUERY + step, posterior) - total(QUERY - step, posterior)
    np.testing.assert_allclose(jnp.sum(slope * step), rise / 2.0, rtol=1e-4)
