"""The door to suggestions: what it promises whatever the strategy."""

import equinox as eqx
import jax.monitoring
import jax.numpy as jnp
import numpy as np
import pytest
from gpjax.kernels import Matern52
from gpjax.mean_functions import Zero
from gpjax.parameters import PositiveReal, Real

from hyperbo.acquisition import Fantasised, Integrated
from hyperbo.errors import ExhaustedError, TaskError
from hyperbo.space import (
    CategoricalParameter,
    FloatParameter,
    IntegerParameter,
    Log,
    SearchSpace,
)
from hyperbo.suggest import (
    History,
    Memory,
    Strategy,
    from_prior,
    from_scratch,
    suggest,
    suggest_from_pool,
)
from hyperbo.surrogates import (
    Expert,
    GaussianProcessPrior,
    Hierarchy,
    LinearMean,
    MatrixDistances,
)

SPACE = SearchSpace((FloatParameter("a", 0.0, 1.0), FloatParameter("b", 1e-4, 1.0, Log())))
MIXED = SearchSpace(
    (
        FloatParameter("rate", 1e-5, 1.0, Log()),
        IntegerParameter("layers", 1, 3),
        CategoricalParameter("kind", ("x", "y", "z")),
    )
)
NOTHING = np.zeros((0, 2))


def objective(points: np.ndarray) -> np.ndarray:
    """A peak at (0.7, 0.2)."""
    return -np.sum(np.square(points - np.asarray([0.7, 0.2])), axis=1)


def history(count: int, seed: int = 0) -> History:
    """A study of `count` random trials."""
    points = np.random.default_rng(seed).random((count, 2))
    return History(points, objective(points), NOTHING)


@pytest.fixture
def expert() -> Expert:
    """A prior that believes in large first coordinates, by a linear mean."""
    mean = eqx.tree_at(lambda m: m.weights, LinearMean(2), Real(jnp.asarray([4.0, 0.0])))
    kernel = Matern52(lengthscale=jnp.ones(2), variance=0.1, compute_engine=MatrixDistances())
    prior = GaussianProcessPrior(mean, kernel, PositiveReal(jnp.asarray(1e-3)))
    return Expert(
        prior, Hierarchy.normal((0.0, 1.0), (0.0, 0.5), (1.0,)), jnp.asarray([0.3, 0.3, 0.5])
    )


def test_finds_the_peak() -> None:
    """Fifteen trials from nothing come within two hundredths of a smooth peak."""
    rng, strategy = np.random.default_rng(0), from_scratch(2)
    points, memory = np.zeros((0, 2)), None
    for _ in range(15):
        found = suggest(
            rng, strategy, SPACE, History(points, objective(points), NOTHING), memory=memory
        )
        memory = found.memory
        points = np.concatenate([points, found.points])
    assert objective(points).max() > -(0.02**2)


def test_first_pick_follows_the_prior(expert: Expert) -> None:
    """Before any trial the suggestion is where the prior's mean is highest."""
    found = suggest(np.random.default_rng(0), from_prior(expert, 2), SPACE, history(0))
    assert found.points[0, 0] == pytest.approx(1.0, abs=1e-6)


def test_trust_in_a_wrong_prior_fades(expert: Expert) -> None:
    """A prior whose slope the trials contradict loses its weight to the fall-back."""
    points = np.random.default_rng(1).random((30, 2))
    told = History(points, -4.0 * points[:, 0], NOTHING)
    found = suggest(np.random.default_rng(0), from_prior(expert, 2), SPACE, told)
    assert found.trust[0] < 0.01


def test_trust_in_a_right_prior_stays(expert: Expert) -> None:
    """A prior that foretold the trials keeps its weight."""
    points = np.random.default_rng(1).random((5, 2))
    told = History(points, 4.0 * points[:, 0], NOTHING)
    found = suggest(np.random.default_rng(0), from_prior(expert, 2), SPACE, told)
    assert found.trust[0] > 0.99


@pytest.mark.parametrize("rule", [Fantasised(), Integrated(samples=32)])
def test_batch_keeps_apart(rule: Fantasised | Integrated) -> None:
    """The points of a batch differ from each other, from the pending ones and from the trials."""
    told = History(*_split(history(5)), np.asarray([[0.71, 0.21]]))
    found = suggest(np.random.default_rng(3), from_scratch(2, rule), SPACE, told, count=4)
    everything = np.concatenate([found.points, told.pending, told.inputs])
    gaps = np.abs(everything[:, None] - everything[None]).max(axis=2)
    assert gaps[~np.eye(len(everything), dtype=bool)].min() > 1e-3


def test_a_design_point_is_not_suggested_again() -> None:
    """A study whose first trial failed, and left the history, gets the next design point."""
    rng, strategy = np.random.default_rng(0), from_scratch(2)
    design = suggest(rng, strategy, SPACE, history(0), count=4).points
    for seen in (design[1:2], design[:3], design[[0, 2]]):
        for told in (History(seen, objective(seen), NOTHING), History(NOTHING, np.zeros(0), seen)):
            found = suggest(rng, strategy, SPACE, told).points[0]
            assert not (np.abs(seen - found) < 1e-6).all(axis=1).any()
            assert (np.abs(design - found) < 1e-9).all(axis=1).any()


def test_a_space_with_fewer_points_than_the_design_is_used_up() -> None:
    """Where design points coincide, those that are left come next, and then an error."""
    space = SearchSpace((CategoricalParameter("kind", ("x", "y", "z")),))
    found = suggest(
        np.random.default_rng(0),
        from_scratch(space.dimension),
        space,
        History(np.zeros((0, 3)), np.zeros(0), np.zeros((0, 3))),
        count=3,
    )
    assert {config["kind"] for config in space.decode(found.points)} == {"x", "y", "z"}
    with pytest.raises(ExhaustedError):
        suggest(
            np.random.default_rng(0),
            from_scratch(space.dimension),
            space,
            History(found.points, np.arange(3.0), np.zeros((0, 3))),
        )


def test_equal_states_give_equal_suggestions() -> None:
    """The suggestion is a function of the generator's state and the arguments."""
    first, second = (
        suggest(np.random.default_rng(7), from_scratch(2), SPACE, history(9)) for _ in range(2)
    )
    np.testing.assert_array_equal(first.points, second.points)


def test_mixed_spaces_get_admissible_points() -> None:
    """Integers and categories are decoded exactly, and no trial is suggested again."""
    rng = np.random.default_rng(5)
    points = MIXED.snap(rng.random((20, MIXED.dimension)))
    told = History(points, points[:, 0], np.zeros((0, MIXED.dimension)))
    found = suggest(rng, from_scratch(MIXED.dimension), MIXED, told, count=3)
    np.testing.assert_array_equal(MIXED.snap(found.points), found.points)
    for config in MIXED.decode(found.points):
        MIXED.check(config)
    assert not (found.points[:, None] == points[None]).all(axis=2).any()


def test_pool_is_used_up_without_repeats() -> None:
    """Every row of a pool is suggested once, in whatever batches, and then it is exhausted."""
    pool = np.random.default_rng(2).random((11, 2))
    available, rows = np.ones(11, dtype=bool), np.zeros(0, dtype=int)
    rng, strategy = np.random.default_rng(0), from_scratch(2)
    for count in (1, 4, 6):
        told = History(pool[rows], objective(pool[rows]), NOTHING)
        found = suggest_from_pool(rng, strategy, pool, available, told, count=count)
        available[found.rows] = False
        rows = np.concatenate([rows, found.rows])
    assert sorted(rows) == list(range(11))
    with pytest.raises(ExhaustedError, match="0 of the pool's 11"):
        suggest_from_pool(rng, strategy, pool, available, history(0))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_must_be_finite(bad: float) -> None:
    """NaN and infinity are refused with a remedy before anything is computed."""
    with pytest.raises(TaskError, match="Report a diverged trial as failed"):
        History(np.zeros((1, 2)), np.asarray([bad]), NOTHING)


def test_values_must_have_finite_squares() -> None:
    """A value that overflows when squared is refused, and named."""
    with pytest.raises(TaskError, match=r"A reported value is -1e\+300"):
        History(np.zeros((2, 2)), np.asarray([1.0, -1e300]), NOTHING)


def test_values_must_belong_to_points() -> None:
    """A value too many is refused."""
    with pytest.raises(TaskError, match="one value a point"):
        History(np.zeros((1, 2)), np.zeros(2), NOTHING)


def test_too_many_pending_points_are_refused() -> None:
    """More points at once than the largest program holds is a clear error."""
    told = History(NOTHING, np.zeros(0), np.random.default_rng(0).random((8190, 2)))
    with pytest.raises(TaskError, match="8190 points are pending and 2 more"):
        suggest(np.random.default_rng(0), from_scratch(2), SPACE, told, count=2)


def test_constant_trials_are_survived() -> None:
    """Equal values everywhere, duplicates among the points: still a suggestion."""
    points = np.full((6, 2), 0.4)
    found = suggest(
        np.random.default_rng(0), from_scratch(2), SPACE, History(points, np.ones(6), NOTHING)
    )
    assert np.isfinite(found.points).all()


def test_unknown_noise_changes_nothing() -> None:
    """Standard errors of zero give bit by bit the suggestion of none, by the same programs."""
    told, strategy = history(9), from_scratch(2)
    zeros = History(told.inputs, told.values, NOTHING, np.zeros(9))
    first = suggest(np.random.default_rng(7), strategy, SPACE, told)
    compilations: list[str] = []

    def count(event: str, _: float, **__: str | int) -> None:
        if event.endswith("backend_compile_duration"):
            compilations.append(event)

    jax.monitoring.register_event_duration_secs_listener(count)
    try:
        second = suggest(np.random.default_rng(7), strategy, SPACE, zeros)
    finally:
        jax.monitoring.unregister_event_duration_listener(count)
    assert compilations == []
    np.testing.assert_array_equal(first.points, second.points)
    np.testing.assert_array_equal(first.memory.log_factors[0], second.memory.log_factors[0])


def test_a_lucky_noisy_trial_is_not_chased() -> None:
    """A large value with a larger standard error does not draw the next point to its place."""
    points = np.random.default_rng(2).random((20, 2))
    points[0] = [0.05, 0.95]
    values, stderrs = objective(points), np.full(20, 1e-3)
    values[0], stderrs[0] = 1.0, 5.0
    found = [
        suggest(np.random.default_rng(0), from_scratch(2), SPACE, told, count=3).points
        for told in (History(points, values, NOTHING), History(points, values, NOTHING, stderrs))
    ]
    misled, warned = (objective(each) for each in found)
    assert misled.min() < -0.5
    assert warned.min() > -0.1


def test_noisy_trials_may_have_pending_neighbours() -> None:
    """Batches, pending points and pools go with standard errors, under either pending rule."""
    told = history(6)
    noisy = History(told.inputs, told.values, np.asarray([[0.7, 0.2]]), np.full(6, 0.1))
    for rule in (Fantasised(), Integrated(samples=32)):
        strategy = from_scratch(2, rule)
        found = suggest(np.random.default_rng(0), strategy, SPACE, noisy, count=2)
        assert np.isfinite(found.points).all()
        pool = np.random.default_rng(1).random((30, 2))
        rows = suggest_from_pool(
            np.random.default_rng(0), strategy, pool, np.ones(30, dtype=bool), noisy, count=2
        ).rows
        assert len(set(rows)) == 2


def test_growing_to_a_thousand_trials_compiles_at_most_eight_programs() -> None:
    """From the first trial to the thousandth, prior and fall-back together."""
    compilations: list[str] = []

    def count(event: str, _: float, **__: str | int) -> None:
        if event.endswith("backend_compile_duration"):
            compilations.append(event)

    kernel = Matern52(lengthscale=jnp.ones(2), variance=1.0, compute_engine=MatrixDistances())
    prior = GaussianProcessPrior(Zero(), kernel, PositiveReal(jnp.asarray(1e-3)))
    hierarchy = Hierarchy.normal((0.0, 1.0), (0.0, 0.5), (1.0,))
    strategy: Strategy = from_prior(Expert(prior, hierarchy, jnp.full(3, 0.5)), 2)
    rng, memory = np.random.default_rng(0), None
    told = history(1000)
    sizes = (0, 1, 2, 20, 31, 32, 90, 127, 128, 255, 256, 400, 511, 512, 999, 1000)
    jax.monitoring.register_event_duration_secs_listener(count)
    try:
        for size in sizes:
            part = History(told.inputs[:size], told.values[:size], NOTHING)
            memory = suggest(rng, strategy, SPACE, part, memory=memory).memory
    finally:
        jax.monitoring.unregister_event_duration_listener(count)
    assert isinstance(memory, Memory)
    assert 1 <= len(compilations) <= 8


def _split(told: History) -> tuple[np.ndarray, np.ndarray]:
    return told.inputs, told.values
