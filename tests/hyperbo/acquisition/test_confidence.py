"""Upper confidence bound: its quantile, and the moments of a mixture."""

import jax.numpy as jnp
import numpy as np
from scipy import stats

from hyperbo.acquisition import UpperConfidenceBound, upper_confidence_bound
from hyperbo.surrogates import Marginals


def test_is_the_quantile_of_a_gaussian() -> None:
    """With a normal quantile as beta, the bound is that quantile of the value."""
    bound = upper_confidence_bound(jnp.array([0.4]), jnp.array([0.2]), float(stats.norm.ppf(0.9)))

    np.testing.assert_allclose(bound[0], stats.norm(0.4, 0.2).ppf(0.9), rtol=1e-12)


def test_mixture_is_bounded_by_its_moments() -> None:
    """Two sure but different components have the standard deviation of a coin."""
    marginals = Marginals(
        mean=jnp.array([[1.0], [-1.0]]),
        stddev=jnp.full((2, 1), 1e-9),
        log_weight=jnp.log(jnp.array([0.5, 0.5])),
    )

    score = UpperConfidenceBound(beta=2.0).score_marginals(marginals, jnp.array(0.0))

    np.testing.assert_allclose(score, 2.0, rtol=1e-9)
