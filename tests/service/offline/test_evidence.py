"""Log evidence per point."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from hyperbo.surrogates import Expert, Hierarchy
from hyperbo.surrogates.presets import matern_prior
from hyperbo.tasks import Task
from hyperbo_service.offline.evidence import log_evidence_per_point


def test_equals_a_gaussian_density() -> None:
    """With location and scale fixed, evidence is SciPy's multivariate normal density."""
    rng = np.random.default_rng(0)
    task = Task("a", rng.random((6, 2)), rng.standard_normal(6))
    prior = matern_prior(2, noise=0.1)
    expert = Expert(prior, Hierarchy.fixed(), jnp.ones(prior.log_factor_count))

    evidence = log_evidence_per_point(expert, task, points=10, seed=0)

    embedded = prior.embed(jnp.asarray(task.inputs))
    covariance = np.asarray(prior.covariance(embedded, embedded)) + 0.1 * np.eye(6)
    expected = multivariate_normal(np.zeros(6), covariance).logpdf(task.values) / 6
    assert evidence == pytest.approx(expected, rel=1e-5)  # jitter


def test_looks_at_a_subset() -> None:
    """Asked for fewer points than there are, it looks at as many, the same for the same seed."""
    rng = np.random.default_rng(1)
    task = Task("a", rng.random((20, 2)), rng.standard_normal(20))
    prior = matern_prior(2, noise=0.1)
    expert = Expert(prior, Hierarchy.fixed(), jnp.ones(prior.log_factor_count))
    rows = np.random.default_rng(3).permutation(20)[:5]
    part = Task("a", task.inputs[rows], task.values[rows])

    whole = log_evidence_per_point(expert, task, points=5, seed=3)

    assert whole == pytest.approx(log_evidence_per_point(expert, part, points=5, seed=0))
