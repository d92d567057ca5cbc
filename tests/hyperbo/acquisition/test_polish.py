"""Polishing ends on admitted points that were not evaluated, and moves uphill by steps."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

from hyperbo.acquisition import Score, polish
from hyperbo.ascent import Optimum
from hyperbo.errors import ExhaustedError

LEVELS = 11
NONE = np.zeros((0, 2))


class Hill(Score):
    """A hill with its top at `top`."""

    top: Float[Array, " D"]

    def __call__(self, inputs: Float[Array, "Q D"]) -> Float[Array, " Q"]:
        """The score, zero at the top."""
        return -jnp.sum(jnp.square(inputs - self.top), axis=1)


def snap(points: np.ndarray) -> np.ndarray:
    """Round to tenths."""
    return np.round(points * (LEVELS - 1)) / (LEVELS - 1)


def neighbours(point: np.ndarray) -> np.ndarray:
    """A tenth more or less, along each axis, inside the cube."""
    steps = np.concatenate([np.eye(2), -np.eye(2)]) / (LEVELS - 1)
    around = snap(point + steps)
    return around[((around >= 0.0) & (around <= 1.0)).all(axis=1)]


def no_neighbours(point: np.ndarray) -> np.ndarray:
    """No step leads anywhere."""
    return np.zeros((0, point.shape[0]))


def _optimum(*points: tuple[float, float]) -> Optimum:
    """Points as the ascent returns them, with scores that fall."""
    return Optimum(jnp.array(points), -jnp.arange(len(points), dtype=float))


def _polish_on_the_grid(
    score: Score, start: tuple[float, float], excluded: np.ndarray
) -> np.ndarray:
    """Polish one point of the grid of tenths, with nothing to spare."""
    return polish(
        score,
        _optimum(start),
        snap=snap,
        neighbours=neighbours,
        excluded=excluded,
        spare=NONE,
    )


def test_walks_to_the_best_admitted_point() -> None:
    """From two steps away, the sweeps end at the tenth closest to the top."""
    score = Hill(jnp.array([0.32, 0.61]))

    point = polish(
        score, _optimum((0.49, 0.61)), snap=snap, neighbours=neighbours, excluded=NONE, spare=NONE
    )

    np.testing.assert_allclose(point, [0.3, 0.6])


def test_snapped_points_are_scored_again() -> None:
    """What scored best before snapping may not afterwards."""
    score = Hill(jnp.array([0.1, 0.1]))
    optimum = _optimum((0.56, 0.5), (0.54, 0.5))

    point = polish(score, optimum, snap=snap, neighbours=no_neighbours, excluded=NONE, spare=NONE)

    np.testing.assert_allclose(point, [0.5, 0.5])


def test_never_returns_an_excluded_point() -> None:
    """Asked again and again around a hill, it gives each point once and then says it is done."""
    score = Hill(jnp.array([0.32, 0.61]))
    excluded = NONE
    for _ in range(25):
        point = polish(
            score,
            _optimum((0.3, 0.6)),
            snap=snap,
            neighbours=neighbours,
            excluded=excluded,
            spare=NONE,
        )
        assert not (np.abs(excluded - point).max(axis=1) < 1e-9).any()
        excluded = np.concatenate([excluded, point[None]])
        if len(excluded) == 5:
            break

    # The point and its four neighbours.
    expected = {(0.3, 0.6), (0.2, 0.6), (0.4, 0.6), (0.3, 0.5), (0.3, 0.7)}
    assert {tuple(row) for row in np.round(excluded, 9)} == expected
    with pytest.raises(ExhaustedError, match="among the 5 excluded"):
        _polish_on_the_grid(score, (0.3, 0.6), excluded)


def test_excluding_none_allows_repeats() -> None:
    """With nothing excluded the top is returned as often as it is asked for."""
    score = Hill(jnp.array([0.3, 0.6]))

    found = [
        polish(
            score, _optimum((0.3, 0.6)), snap=snap, neighbours=neighbours, excluded=NONE, spare=NONE
        )
        for _ in range(2)
    ]

    np.testing.assert_allclose(found, [[0.3, 0.6], [0.3, 0.6]])


def test_a_space_of_floats_costs_nothing() -> None:
    """Where nothing snaps and nothing steps, the score is not evaluated again."""

    class Untouchable(Score):
        def __call__(self, inputs: Float[Array, "Q D"]) -> Float[Array, " Q"]:
            raise AssertionError(inputs)

    point = polish(
        Untouchable(),
        _optimum((0.123, 0.4), (0.9, 0.9)),
        snap=np.copy,
        neighbours=no_neighbours,
        excluded=np.array([[0.123, 0.4]]),
        spare=NONE,
    )

    np.testing.assert_array_equal(point, [0.9, 0.9])


def test_more_neighbours_than_a_block() -> None:
    """All neighbours count, however many there are."""
    score = Hill(jnp.array([0.77, 0.13]))
    start = jnp.array([[0.5, 0.5]])
    everything = np.array(list(itertools.product(np.linspace(0, 1, 101), repeat=2)))

    point = polish(
        score,
        Optimum(start, score(start)),
        snap=np.copy,
        neighbours=lambda _: everything,
        excluded=NONE,
        spare=NONE,
    )

    np.testing.assert_allclose(point, [0.77, 0.13])


def test_spare_points_serve_where_every_climb_ended_on_a_trial() -> None:
    """In a space of floats whose optimum was evaluated, the best spare point comes next."""
    top = (0.5, 0.5)
    spare = np.array([[0.1, 0.1], [0.5, 0.6], top])

    point = polish(
        Hill(jnp.array(top)),
        _optimum(top, top),
        snap=np.copy,
        neighbours=no_neighbours,
        excluded=np.array([top]),
        spare=spare,
    )

    np.testing.assert_array_equal(point, [0.5, 0.6])
