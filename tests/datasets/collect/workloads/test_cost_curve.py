"""The area under the cost curve."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from hyperbo_datasets.collect.workloads import cost_curve

area_under_cost_curve = jax.jit(cost_curve.area_under_cost_curve)


def test_perfect_ranking_has_the_area_worked_out_by_hand() -> None:
    """Gains 3, 1, 0 at unit costs: points (1/3, 3/4), (2/3, 1), (1, 1), so 3/4."""
    area = area_under_cost_curve(
        jnp.array([0.1, 0.9, 0.5]), jnp.array([0.0, 3.0, 1.0]), jnp.ones(3)
    )

    assert jnp.isclose(area, 0.75)


def test_reversed_ranking_has_the_rest(key: jax.Array) -> None:
    """A ranking and its reverse have areas that add up to one."""
    key_scores, key_gains, key_costs = jr.split(key, 3)
    scores, gains = jr.normal(key_scores, (50,)), jr.uniform(key_gains, (50,))
    costs = jr.uniform(key_costs, (50,))

    areas = [area_under_cost_curve(each, gains, costs) for each in (scores, -scores)]

    assert jnp.isclose(sum(areas), 1.0)


def test_random_ranking_has_one_half_on_average(key: jax.Array) -> None:
    """Over random rankings the mean area lies within four standard errors of one half."""
    key_units, key_scores = jr.split(key)
    gains, costs = jr.uniform(key_units, (2, 30))
    areas = jax.vmap(area_under_cost_curve, in_axes=(0, None, None))(
        jr.normal(key_scores, (2_000, 30)), gains, costs
    )

    assert jnp.abs(areas.mean() - 0.5) < 4.0 * areas.std() / 2_000**0.5


def test_no_ranking_beats_that_by_gain_for_cost(key: jax.Array) -> None:
    """The ranking by ratio has the largest area of all."""
    key_units, key_scores = jr.split(key)
    gains, costs = 0.1 + jr.uniform(key_units, (2, 30))
    others = jax.vmap(area_under_cost_curve, in_axes=(0, None, None))(
        jr.normal(key_scores, (500, 30)), gains, costs
    )

    assert area_under_cost_curve(gains / costs, gains, costs) > others.max()


def test_all_tied_is_a_straight_line() -> None:
    """Units that nothing tells apart have an area of one half, whatever their order."""
    gains, costs = jnp.array([5.0, 0.0, 1.0]), jnp.array([1.0, 3.0, 0.5])

    assert jnp.isclose(area_under_cost_curve(jnp.zeros(3), gains, costs), 0.5)


def test_ties_are_the_average_of_their_orders(key: jax.Array) -> None:
    """A tie of two has the mean area of the two ways to break it."""
    gains, costs = jr.uniform(key, (2, 4))
    tied, first, second = (
        area_under_cost_curve(jnp.array([3.0, 2.0, third, 1.0]), gains, costs)
        for third in (2.0, 1.9, 2.1)
    )

    assert jnp.isclose(tied, (first + second) / 2)


def test_equals_a_loop_over_thresholds(key: jax.Array) -> None:
    """The area is that of trapezoids between the totals above each distinct score."""
    key_scores, key_units = jr.split(key)
    scores = np.asarray(jr.randint(key_scores, (40,), 0, 7), dtype=np.float64)
    gains, costs = np.asarray(jr.uniform(key_units, (2, 40)))
    above = [scores >= each for each in sorted(set(scores), reverse=True)]
    x = np.array([0.0, *[costs[each].sum() for each in above]]) / costs.sum()
    y = np.array([0.0, *[gains[each].sum() for each in above]]) / gains.sum()

    area = area_under_cost_curve(*(jnp.asarray(each) for each in (scores, gains, costs)))

    assert np.isclose(area, np.trapezoid(y, x))


@pytest.mark.parametrize(
    ("scores", "gains", "costs"),
    [
        ([1.0, float("nan")], [1.0, 1.0], [1.0, 1.0]),
        ([1.0, 2.0], [1.0, -1.0], [1.0, 1.0]),
        ([1.0, 2.0], [1.0, 1.0], [-1.0, 0.5]),
    ],
    ids=["a score of NaN", "no total gain", "a negative total cost"],
)
def test_without_meaning_there_is_no_area(
    scores: list[float], gains: list[float], costs: list[float]
) -> None:
    """What cannot be brought to a total of one scores worst, not NaN."""
    assert area_under_cost_curve(*map(jnp.array, (scores, gains, costs))) == 0.0
