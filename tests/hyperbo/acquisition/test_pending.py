"""Pending points are conditioned on, and the points of a batch differ."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel

from hyperbo.acquisition import (
    ConstantLiar,
    Fantasised,
    Integrated,
    KrigingBeliever,
    LogExpectedImprovement,
    Outlook,
    PendingRule,
    ThompsonSampling,
    UpperConfidenceBound,
    maximise_pool,
)

BEST = jnp.array(0.8)
NONE = jnp.zeros((0, 2))
PENDING = jnp.array([[0.2, 0.3], [0.7, 0.6]])
RULES = {
    "believer": Fantasised(),
    "constant liar": Fantasised(liar=ConstantLiar(jnp.array(-0.5))),
    "upper confidence bound": Fantasised(acquisition=UpperConfidenceBound()),
    "Thompson": Fantasised(acquisition=ThompsonSampling()),
    "integrated": Integrated(samples=64),
}


@pytest.fixture(params=RULES.values(), ids=RULES.keys())
def rule(request: pytest.FixtureRequest) -> PendingRule:
    """One rule after the other."""
    return request.param


@pytest.fixture
def pool() -> jax.Array:
    """Sixty points of the unit square."""
    return jr.uniform(jr.key(20), (60, 2))


def _outlook(posterior: object, best: jax.Array = BEST) -> Outlook:
    """An outlook without a pending point."""
    return Outlook(posterior, best, NONE)


def _batch(
    key: jax.Array, rule: PendingRule, outlook: Outlook, pool: jax.Array, count: int
) -> jax.Array:
    """Points of a pool, each chosen as if those before it were pending."""
    available, rows = np.ones(pool.shape[0], dtype=bool), []
    for key_point in jr.split(key, count):
        rows.append(int(maximise_pool(rule.bind(key_point, outlook, pool), pool, available)))
        available[rows[-1]] = False
        outlook = rule.add(outlook, pool[rows[-1]][None, :])
    return pool[np.asarray(rows)]


def test_a_lie_is_an_observation(
    posterior: object, trials: tuple[jax.Array, jax.Array], points: jax.Array
) -> None:
    """After a constant lie, beliefs are scikit-learn's with the lies among the trials."""
    inputs, values = trials
    kernel = ConstantKernel(1.0, "fixed") * RBF(0.3, "fixed")
    oracle = GaussianProcessRegressor(kernel, alpha=0.05**2, optimizer=None)
    oracle.fit(np.concatenate([inputs, PENDING]), np.concatenate([values, [-0.5, -0.5]]))
    mean, stddev = oracle.predict(np.asarray(points), return_std=True)

    rule = Fantasised(liar=ConstantLiar(jnp.array(-0.5)))
    marginals = rule.add(_outlook(posterior), PENDING).posterior.marginals(points)

    np.testing.assert_allclose(marginals.mean[0], mean, atol=1e-8)
    np.testing.assert_allclose(marginals.stddev[0], stddev, atol=1e-7)


def test_believing_moves_no_mean_but_shrinks_the_doubt(
    posterior: object, points: jax.Array
) -> None:
    """Observing what was expected leaves expectations, and makes them surer."""
    before = posterior.marginals(points)

    after = Fantasised().add(_outlook(posterior), PENDING).posterior.marginals(points)

    np.testing.assert_allclose(after.mean, before.mean, atol=1e-9)
    assert (after.stddev < before.stddev).all()


def test_one_by_one_equals_all_at_once(posterior: object, points: jax.Array) -> None:
    """Believing pending points in turn or together comes to the same."""
    together = Fantasised().add(_outlook(posterior), PENDING)
    one = Fantasised().add(_outlook(posterior), PENDING[:1])
    in_turn = Fantasised().add(one, PENDING[1:])

    np.testing.assert_allclose(
        in_turn.posterior.marginals(points).stddev,
        together.posterior.marginals(points).stddev,
        rtol=1e-9,
    )
    np.testing.assert_allclose(in_turn.best, together.best)


def test_a_believed_outcome_counts_as_the_best(posterior: object) -> None:
    """Where the pending points promise more than was seen, that is what must be improved on."""
    expected = KrigingBeliever().values(posterior, PENDING).max()

    outlook = Fantasised().add(_outlook(posterior, jnp.array(-jnp.inf)), PENDING)

    np.testing.assert_allclose(outlook.best, expected)


def test_unresolved_points_are_neither_believed_nor_forgotten(posterior: object) -> None:
    """The integrating rule leaves beliefs alone and gathers the points."""
    rule = Integrated()
    outlook = rule.add(rule.add(_outlook(posterior), PENDING[:1]), PENDING[1:])

    np.testing.assert_array_equal(outlook.unresolved, PENDING)
    np.testing.assert_array_equal(outlook.posterior.values, posterior.values)


def test_a_pending_point_is_not_the_best_choice_again(
    key: jax.Array, rule: PendingRule, posterior: object, pool: jax.Array
) -> None:
    """Once the best point is pending, every rule prefers another one to it."""
    first = _batch(key, rule, _outlook(posterior), pool, 1)

    outlook = rule.add(_outlook(posterior), first)
    scores = eqx.filter_jit(rule.bind(key, outlook, pool))(pool)

    assert (pool[jnp.argmax(scores)] != first[0]).any()


def test_first_batch_of_all_spreads(key: jax.Array, mixture: object, pool: jax.Array) -> None:
    """With nothing observed the first point has the highest mean, and the second is another."""
    batch = _batch(key, Fantasised(), _outlook(mixture, jnp.array(-jnp.inf)), pool, 2)

    mean, _ = mixture.marginals(pool).moments()
    np.testing.assert_array_equal(batch[0], pool[jnp.argmax(mean)])
    assert jnp.abs(batch[0] - batch[1]).max() > 0.01


def test_first_point_is_the_plain_choice(key: jax.Array, mixture: object, pool: jax.Array) -> None:
    """Without pending points the first of a batch is what the acquisition itself prefers."""
    score = LogExpectedImprovement().bind(key, mixture, pool, BEST)
    best = pool[jnp.argmax(eqx.filter_jit(score)(pool))]

    for rule in (Fantasised(), Integrated(samples=16)):
        np.testing.assert_array_equal(_batch(key, rule, _outlook(mixture), pool, 1)[0], best)


def test_integrated_batch_is_worth_more_than_its_best_points_apart(
    key: jax.Array, mixture: object, pool: jax.Array
) -> None:
    """The greedy joint batch improves more, jointly, than the points that are best one by one."""
    key_batch, key_brute = jr.split(key)
    score = LogExpectedImprovement().bind(key, mixture, pool, BEST)
    apart = pool[jnp.argsort(-eqx.filter_jit(score)(pool))[:3]]

    batch = _batch(key_batch, Integrated(samples=256), _outlook(mixture), pool, 3)

    def joint_improvement(points: jax.Array) -> jax.Array:
        values = eqx.filter_jit(mixture.sample)(key_brute, points, 20_000)
        return jnp.maximum(values.max(axis=1) - BEST, 0.0).mean()

    assert joint_improvement(batch) > joint_improvement(apart)
