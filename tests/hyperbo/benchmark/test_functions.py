"""Known functions against their published optima."""

import pickle

import numpy as np
import pytest
from scipy.optimize import minimize

from hyperbo.benchmark import FunctionProblem, ackley, branin, hartmann4, hartmann6
from hyperbo.errors import StudyError

FUNCTIONS = [branin(), hartmann4(), hartmann6(), ackley(1), ackley(5)]
everyone = pytest.mark.parametrize("problem", FUNCTIONS, ids=lambda problem: problem.name)


@everyone
def test_optimum_is_reached_where_it_is_said_to_be(problem: FunctionProblem) -> None:
    """The value at each stated optimiser is the stated optimum."""
    values = problem.evaluate(problem.optimisers)

    np.testing.assert_allclose(values, problem.optimum, atol=1e-9)


@everyone
def test_no_point_is_better_than_the_optimum(problem: FunctionProblem) -> None:
    """Neither random points nor a local search from the best of them exceed the optimum."""
    points = np.random.default_rng(0).random((20_000, problem.dimension))
    best = points[np.argmax(problem.evaluate(points))]

    search = minimize(
        lambda point: -float(problem.evaluate(np.clip(point, 0.0, 1.0)[None])[0]),
        best,
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4_000, "maxfev": 4_000},
    )

    assert problem.evaluate(points).max() <= problem.optimum
    assert -search.fun <= problem.optimum + 1e-9


@pytest.mark.parametrize(
    ("problem", "published"),
    [
        (branin(), -0.397887),  # Dixon and Szego, as quoted by most libraries
        (hartmann4(), 3.13449414122240),  # DIRECTGOLib, Hartman4
        (hartmann6(), 3.322368011415512),  # DiceKriging, as quoted by STK
        (ackley(3), 0.0),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_optimum_is_the_published_one(problem: FunctionProblem, published: float) -> None:
    """The negated minimum agrees with the literature to all printed digits."""
    assert problem.optimum == pytest.approx(published, abs=1e-6 if published < 0 else 1e-12)


def test_hartmann_at_published_points() -> None:
    """STK's value of the unscaled Hartmann-4 at its point gives ours after rescaling."""
    point = np.array([[0.18744768, 0.19414868, 0.558005333, 0.26476409]])

    assert hartmann4().evaluate(point)[0] == pytest.approx((3.729840440436292 - 1.1) / 0.839)


def test_branin_at_a_corner() -> None:
    """At x1 = -5, x2 = 0 the usual formula gives 308.129096."""
    assert branin().evaluate(np.zeros((1, 2)))[0] == pytest.approx(-308.12909601160663)


@everyone
def test_goes_to_workers_and_back(problem: FunctionProblem) -> None:
    """A pickled copy computes the same values."""
    copy = pickle.loads(pickle.dumps(problem))  # noqa: S301 - our own bytes
    points = np.random.default_rng(1).random((5, problem.dimension))

    np.testing.assert_array_equal(copy.evaluate(points), problem.evaluate(points))


def test_ackley_needs_a_dimension() -> None:
    """A function of no variables is refused."""
    with pytest.raises(StudyError, match="at least one dimension"):
        ackley(0)
