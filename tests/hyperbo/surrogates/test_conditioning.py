"""Conditioning against dense algebra, scikit-learn, and its own incremental form."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from gpjax.kernels import Matern52
from gpjax.mean_functions import Constant
from gpjax.parameters import PositiveReal, Real
from scipy.stats import multivariate_normal
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from hyperbo.linalg import JITTER
from hyperbo.surrogates import (
    GaussianProcessPrior,
    Hierarchy,
    MatrixDistances,
    Trials,
    condition,
    negative_log_likelihood,
)
from hyperbo.surrogates.conditioning import log_evidence

LENGTHSCALE = [0.3, 0.8]


@pytest.fixture
def prior() -> GaussianProcessPrior:
    """A Matern-5/2 prior with a constant mean."""
    return GaussianProcessPrior(
        Constant(Real(jnp.asarray(0.4))),
        Matern52(
            lengthscale=jnp.asarray(LENGTHSCALE), variance=1.3, compute_engine=MatrixDistances()
        ),
        PositiveReal(jnp.asarray(0.05)),
    )


@pytest.fixture
def trials() -> Trials:
    """Twelve trials in sixteen places, with rubbish in the padding."""
    rng = np.random.default_rng(1)
    inputs, values = rng.uniform(size=(16, 2)), rng.normal(size=16)
    return Trials(inputs, values, np.arange(16) < 12)


@pytest.fixture
def noisy(trials: Trials) -> Trials:
    """The same trials with variances of their own, some of them zero, some large."""
    given = np.random.default_rng(7).exponential(size=16) ** 3
    given[[1, 5]] = 0.0
    return eqx.tree_at(
        lambda t: t.given_variance, trials, np.where(trials.mask, given, 0.0), is_leaf=_is_none
    )


def _is_none(leaf: object) -> bool:
    return leaf is None


QUERY = jnp.asarray(np.random.default_rng(2).uniform(size=(7, 2)))


def dense(
    prior: GaussianProcessPrior,
    trials: Trials,
    location_variance: float,
    scale: float,
    noise: float,
) -> tuple[np.ndarray, np.ndarray, float]:
    """Posterior mean and covariance of a + b g, and log evidence, without any trick."""
    real = np.asarray(trials.mask)
    observed = jnp.asarray(trials.inputs)[real]
    every = jnp.concatenate([observed, QUERY])
    covariance = scale**2 * np.asarray(prior.covariance(every, every)) + location_variance
    mean = 0.7 + scale * np.asarray(prior.mean(every))
    n = len(observed)
    gram = covariance[:n, :n] + scale**2 * (0.05 * noise + JITTER) * np.eye(n)
    if trials.given_variance is not None:
        gram += np.diag(np.asarray(trials.given_variance)[real])
    values = np.asarray(trials.values)[real]
    gain = np.linalg.solve(gram, covariance[:n, n:]).T
    return (
        mean[n:] + gain @ (values - mean[:n]),
        covariance[n:, n:] - gain @ covariance[:n, n:],
        multivariate_normal(mean[:n], gram).logpdf(values),
    )


@pytest.fixture
def hierarchy() -> Hierarchy:
    """Two noise factors, three scales."""
    return Hierarchy.normal((0.7, 1.1), (0.2, 0.5), noise_factors=(0.5, 2.0), nodes=3)


@pytest.mark.parametrize("kind", ["trials", "noisy"])
def test_components_equal_dense_algebra(
    prior: GaussianProcessPrior, hierarchy: Hierarchy, kind: str, request: pytest.FixtureRequest
) -> None:
    """Every component's mean, variance and evidence equal those of an explicit joint Gaussian."""
    trials: Trials = request.getfixturevalue(kind)
    posterior = condition(prior, hierarchy, trials)
    marginals = posterior.marginals(QUERY)
    log_joint = []
    for j in range(6):
        noise, scale = float(hierarchy.noise_factors[j // 3]), float(hierarchy.scales[j % 3])
        mean, covariance, evidence = dense(prior, trials, 1.1**2, scale, noise)
        np.testing.assert_allclose(marginals.mean[j], mean, rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(
            marginals.stddev[j] ** 2, np.diag(covariance), rtol=1e-8, atol=1e-10
        )
        log_joint.append(
            evidence + hierarchy.log_scale_weight[j % 3] + hierarchy.log_noise_weight[j // 3]
        )
    total = jax.scipy.special.logsumexp(jnp.asarray(log_joint))
    np.testing.assert_allclose(posterior.log_evidence, total, rtol=1e-10)
    np.testing.assert_allclose(posterior.log_weight, jnp.asarray(log_joint) - total, rtol=1e-8)


def test_fixed_hierarchy_equals_scikit_learn(prior: GaussianProcessPrior, trials: Trials) -> None:
    """Without location, scale or noise to infer, it is the textbook posterior."""
    kernel = ConstantKernel(1.3, "fixed") * Matern(LENGTHSCALE, "fixed", nu=2.5)
    oracle = GaussianProcessRegressor(kernel, alpha=0.05 + JITTER, optimizer=None)
    real = np.asarray(trials.mask)
    oracle.fit(np.asarray(trials.inputs)[real], np.asarray(trials.values)[real] - 0.4)
    mean, stddev = oracle.predict(np.asarray(QUERY), return_std=True)

    posterior = condition(prior, Hierarchy.fixed(), trials)
    marginals = posterior.marginals(QUERY)

    np.testing.assert_allclose(marginals.mean[0], mean + 0.4, rtol=1e-9)
    np.testing.assert_allclose(marginals.stddev[0], stddev, rtol=1e-8)
    np.testing.assert_allclose(
        posterior.log_evidence, oracle.log_marginal_likelihood_value_, rtol=1e-10
    )


def test_evidence_is_the_likelihood(prior: GaussianProcessPrior, trials: Trials) -> None:
    """The log evidence of the plain prior is minus the loss that pre-training minimises."""
    posterior = condition(prior, Hierarchy.fixed(), trials)
    loss = negative_log_likelihood(
        prior, jnp.asarray(trials.inputs), jnp.asarray(trials.values), jnp.asarray(trials.mask)
    )
    np.testing.assert_allclose(posterior.log_evidence, -loss, rtol=1e-12)


def test_padding_changes_nothing(
    prior: GaussianProcessPrior, hierarchy: Hierarchy, trials: Trials
) -> None:
    """Sixteen places or twelve, the beliefs are the same."""
    tight = Trials(trials.inputs[:12], trials.values[:12], trials.mask[:12])
    loose = condition(prior, hierarchy, trials).marginals(QUERY)
    exact = condition(prior, hierarchy, tight).marginals(QUERY)
    np.testing.assert_allclose(loose.mean, exact.mean, rtol=1e-10)
    np.testing.assert_allclose(loose.stddev, exact.stddev, rtol=1e-10)


def test_fantasies_equal_conditioning_anew(
    prior: GaussianProcessPrior, hierarchy: Hierarchy, trials: Trials
) -> None:
    """Growing the factor row by row gives the components of a posterior conditioned afresh."""
    grown = condition(prior, hierarchy, trials).fantasise(QUERY[:3], jnp.asarray([0.1, -1.0, 2.0]))
    inputs = np.concatenate([np.asarray(trials.inputs)[:12], np.asarray(QUERY[:3])])
    values = np.concatenate([np.asarray(trials.values)[:12], [0.1, -1.0, 2.0]])
    afresh = condition(prior, hierarchy, Trials(inputs, values, np.ones(15, dtype=bool)))
    got, wanted = grown.marginals(QUERY[3:]), afresh.marginals(QUERY[3:])
    np.testing.assert_allclose(got.mean, wanted.mean, rtol=1e-8)
    np.testing.assert_allclose(got.stddev, wanted.stddev, rtol=1e-7)


def test_one_noisy_trial_is_discounted(prior: GaussianProcessPrior) -> None:
    """A single trial pulls the mean by variance / (variance + noise + given), and no more."""
    point, value = np.asarray([[0.3, 0.6]]), np.asarray([2.4])
    for given in (0.0, 0.5, 25.0):
        trials = Trials(point, value, np.ones(1, dtype=bool), np.asarray([given]))
        marginals = condition(prior, Hierarchy.fixed(), trials).marginals(jnp.asarray(point))
        gain = 1.3 / (1.3 + 0.05 + JITTER + given)
        np.testing.assert_allclose(marginals.mean[0], 0.4 + gain * 2.0, rtol=1e-12)
        np.testing.assert_allclose(marginals.stddev[0] ** 2, 1.3 * (1.0 - gain), rtol=1e-9)


def test_given_zeros_equal_none(
    prior: GaussianProcessPrior, hierarchy: Hierarchy, trials: Trials
) -> None:
    """Variances of zero say what no variances say."""
    zeros = Trials(trials.inputs, trials.values, trials.mask, np.zeros(16))
    with_zeros, without = (condition(prior, hierarchy, each) for each in (zeros, trials))
    np.testing.assert_allclose(with_zeros.log_evidence, without.log_evidence, rtol=1e-12)
    for ours, theirs in zip(
        with_zeros.marginals(QUERY).moments(), without.marginals(QUERY).moments(), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10)


def test_noise_that_no_float_can_square_is_survived(
    prior: GaussianProcessPrior, hierarchy: Hierarchy, trials: Trials
) -> None:
    """A trial whose variance is beyond all bounds is as good as none."""
    given = np.zeros(16)
    given[11] = 1e200
    drowned = Trials(trials.inputs, trials.values, trials.mask, given)
    without = Trials(trials.inputs, trials.values, np.arange(16) < 11)
    ours, theirs = (
        condition(prior, hierarchy, each).marginals(QUERY) for each in (drowned, without)
    )
    np.testing.assert_allclose(ours.mean, theirs.mean, rtol=1e-8)


def test_fantasies_have_no_given_noise(
    prior: GaussianProcessPrior, hierarchy: Hierarchy, noisy: Trials
) -> None:
    """Growing noisy trials by fantasies equals conditioning anew with variance zero for those."""
    grown = condition(prior, hierarchy, noisy).fantasise(QUERY[:3], jnp.asarray([0.1, -1.0, 2.0]))
    inputs = np.concatenate([np.asarray(noisy.inputs)[:12], np.asarray(QUERY[:3])])
    values = np.concatenate([np.asarray(noisy.values)[:12], [0.1, -1.0, 2.0]])
    assert noisy.given_variance is not None
    given = np.append(noisy.given_variance[:12], np.zeros(3))
    afresh = condition(prior, hierarchy, Trials(inputs, values, np.ones(15, dtype=bool), given))
    got, wanted = grown.marginals(QUERY[3:]), afresh.marginals(QUERY[3:])
    np.testing.assert_allclose(got.mean, wanted.mean, rtol=1e-8)
    np.testing.assert_allclose(got.stddev, wanted.stddev, rtol=1e-7)


@pytest.mark.parametrize("kind", ["trials", "noisy"])
def test_evidence_under_other_beliefs(
    prior: GaussianProcessPrior, hierarchy: Hierarchy, kind: str, request: pytest.FixtureRequest
) -> None:
    """It is the evidence had location and scale been believed so from the start."""
    trials: Trials = request.getfixturevalue(kind)
    other = Hierarchy.normal((-0.3, 0.4), (1.0, 0.1), noise_factors=(0.5, 2.0), nodes=5)
    asked = condition(prior, hierarchy, trials).log_evidence_under(other)
    np.testing.assert_allclose(asked, condition(prior, other, trials).log_evidence, rtol=1e-10)


@pytest.mark.parametrize("kind", ["trials", "noisy"])
def test_evidence_can_be_climbed(
    prior: GaussianProcessPrior, hierarchy: Hierarchy, kind: str, request: pytest.FixtureRequest
) -> None:
    """Its slope along the log factors, by which refits go, equals its finite difference."""
    trials: Trials = request.getfixturevalue(kind)
    direction = jnp.asarray([0.5, -1.0, 2.0])

    @jax.jit
    def evidence(step: jax.Array) -> jax.Array:
        return log_evidence(prior.adapted(step * direction), hierarchy, trials)

    step = 1e-5
    rise = evidence(jnp.asarray(step)) - evidence(jnp.asarray(-step))
    slope = jax.jit(jax.grad(evidence))(jnp.zeros(()))
    np.testing.assert_allclose(slope, rise / (2 * step), rtol=1e-5)


@pytest.mark.parametrize("kind", ["trials", "noisy"])
def test_samples_have_the_marginals(
    key: jax.Array,
    prior: GaussianProcessPrior,
    hierarchy: Hierarchy,
    kind: str,
    request: pytest.FixtureRequest,
) -> None:
    """The draws' average lies within four standard errors of the mixture's mean, point by point."""
    trials: Trials = request.getfixturevalue(kind)
    posterior = condition(prior, hierarchy, trials)
    count = 20_000
    draws = posterior.sample(key, QUERY, count)
    mean, stddev = posterior.marginals(QUERY).moments()
    np.testing.assert_array_less(jnp.abs(draws.mean(axis=0) - mean), 4.0 * stddev / count**0.5)
    np.testing.assert_allclose(draws.std(axis=0), stddev, rtol=0.05)


def test_samples_can_be_differentiated(
    key: jax.Array, prior: GaussianProcessPrior, hierarchy: Hierarchy, trials: Trials
) -> None:
    """The slope of one draw along one coordinate agrees with its finite difference."""
    posterior = condition(prior, hierarchy, trials)

    def first(shift: jax.Array) -> jax.Array:
        return posterior.sample(key, QUERY.at[0, 0].add(shift), 1)[0, 0]

    slope = jax.grad(first)(jnp.zeros(()))
    step = 1e-5
    difference = (first(jnp.asarray(step)) - first(jnp.asarray(-step))) / (2 * step)
    np.testing.assert_allclose(slope, difference, rtol=1e-4)


def test_no_trials_gives_the_prior(prior: GaussianProcessPrior) -> None:
    """With everything padded, the belief is the prior's own and the evidence is one."""
    empty = Trials(np.full((4, 2), 0.5), np.zeros(4), np.zeros(4, dtype=bool))
    posterior = condition(prior, Hierarchy.fixed(), empty)
    marginals = posterior.marginals(QUERY)
    np.testing.assert_allclose(marginals.mean[0], 0.4)
    np.testing.assert_allclose(marginals.stddev[0], 1.3**0.5)
    assert float(posterior.log_evidence) == 0.0


def test_clustered_points_stay_finite(prior: GaussianProcessPrior, key: jax.Array) -> None:
    """Two hundred points within a billionth of each other still give a finite posterior."""
    inputs = 0.5 + 1e-9 * np.asarray(jr.normal(key, (200, 2)))
    quiet = GaussianProcessPrior(prior.mean_function, prior.kernel, PositiveReal(jnp.asarray(1e-9)))
    posterior = condition(
        quiet, Hierarchy.fixed(), Trials(inputs, np.zeros(200), np.ones(200, dtype=bool))
    )
    assert bool(jnp.isfinite(posterior.marginals(QUERY).mean).all())
