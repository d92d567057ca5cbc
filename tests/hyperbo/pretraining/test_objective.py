"""Weighted sums of objectives are linear."""

from collections.abc import Callable

import jax
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hyperbo.pretraining import (
    DivergenceObjective,
    EuclideanObjective,
    LikelihoodObjective,
    WeightedSum,
)
from hyperbo.surrogates import GaussianProcessPrior
from hyperbo.tasks import MatchedTasks, TaskBatch

Evaluate = Callable[..., tuple[float, np.ndarray]]
WEIGHTS = st.tuples(*[st.floats(-10.0, 10.0)] * 3)


@settings(
    deadline=None, max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(weights=WEIGHTS)
def test_is_linear_in_its_weights(
    truth: GaussianProcessPrior,
    draw_batch: Callable[[int, int, int], TaskBatch],
    draw_matched: Callable[[int, int, int], MatchedTasks],
    evaluate: Evaluate,
    key: jax.Array,
    weights: tuple[float, float, float],
) -> None:
    """Value and gradient are the weighted sums of the terms' own."""
    matched = draw_matched(0, 3, 5)
    terms = (
        LikelihoodObjective(draw_batch(1, 2, 4)),
        DivergenceObjective(matched),
        EuclideanObjective(matched),
    )
    total = WeightedSum(*zip(weights, terms, strict=True))
    value, slope = evaluate(total, truth, key)
    parts = [evaluate(term, truth, key) for term in terms]
    np.testing.assert_allclose(
        value, sum(w * part[0] for w, part in zip(weights, parts, strict=True)), rtol=1e-9
    )
    wanted = sum(w * part[1] for w, part in zip(weights, parts, strict=True))
    np.testing.assert_allclose(slope, wanted, rtol=1e-8, atol=1e-8)


def test_terms_draw_apart(
    truth: GaussianProcessPrior,
    draw_batch: Callable[[int, int, int], TaskBatch],
    evaluate: Evaluate,
    key: jax.Array,
) -> None:
    """The same objective twice looks at two minibatches, so twice is not two times once."""
    objective = LikelihoodObjective(draw_batch(2, 2, 30), 3)
    both, _ = evaluate(WeightedSum((1.0, objective), (1.0, objective)), truth, key)
    one, _ = evaluate(WeightedSum((1.0, objective), (0.0, objective)), truth, key)
    other, _ = evaluate(WeightedSum((0.0, objective), (1.0, objective)), truth, key)
    assert one != other
    np.testing.assert_allclose(both, one + other, rtol=1e-12)
