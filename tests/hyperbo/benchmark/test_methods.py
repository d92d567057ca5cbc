"""Methods that train nothing: what each tries first, and that none tries anything twice."""

import numpy as np
import pytest
from scipy.stats import rankdata

from hyperbo.benchmark.methods import (
    PortfolioRecipe,
    PortfolioThenScratch,
    RandomSearch,
    ScratchRecipe,
    SobolSearch,
    Untrained,
    nearest_untried,
    rank_configurations,
)
from hyperbo.benchmark.tuners import Method
from hyperbo.errors import StudyError, TaskError
from hyperbo.tasks import Task

POOL = np.random.default_rng(0).random((12, 2))
VALUES = -np.square(POOL - 0.4).sum(axis=1)
SHARED = np.random.default_rng(1).random((8, 2))
TRAINING = [
    Task(name, SHARED, scale * -np.square(SHARED - top).sum(axis=1))
    for name, top, scale in (("a", 0.3, 1.0), ("b", 0.5, 7.0), ("c", 0.45, 0.1))
]
RECIPES = {
    "random": Untrained(RandomSearch()),
    "sobol": Untrained(SobolSearch()),
    "portfolio": PortfolioRecipe(),
    "portfolio, then GP": PortfolioThenScratch(first=3),
    "GP from scratch": ScratchRecipe(),
}


def _rows(method: Method, trials: int, seed: int = 0) -> np.ndarray:
    """Rows of the pool in the order in which a method tries them."""
    tuner, rows = method.start_on_pool(seed, POOL), np.zeros(0, dtype=int)
    for _ in range(trials):
        rows = np.append(rows, tuner.suggest(rows, VALUES[rows]))
    return rows


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES.keys())
def test_no_row_is_tried_twice_and_equal_seeds_agree(recipe: PortfolioRecipe) -> None:
    """Eight trials are eight rows, and the same ones in another run of the same seed."""
    method = recipe.prepare(0, TRAINING)
    rows = _rows(method, 8)

    assert len(set(rows.tolist())) == 8
    np.testing.assert_array_equal(_rows(method, 8), rows)


def test_seeds_of_random_search_differ() -> None:
    """Another seed gives another order."""
    assert (_rows(RandomSearch(), 12) != _rows(RandomSearch(), 12, seed=1)).any()


def test_portfolio_is_ordered_by_mean_rank() -> None:
    """The order is that of ranks averaged over tasks, so a task's scale does not matter."""
    ranks = np.mean([rankdata(-task.values) for task in TRAINING], axis=0)

    np.testing.assert_allclose(
        rank_configurations(TRAINING), SHARED[np.argsort(ranks, kind="stable")], atol=2e-9
    )


def test_portfolio_needs_shared_configurations() -> None:
    """Tasks without a common configuration have no portfolio."""
    strangers = [TRAINING[0], Task("z", POOL, VALUES)]

    with pytest.raises(TaskError, match="share no point"):
        PortfolioRecipe().prepare(0, strangers)


@pytest.mark.parametrize("recipe", [PortfolioRecipe(), PortfolioThenScratch(first=3)])
def test_portfolio_takes_the_nearest_row(recipe: PortfolioRecipe) -> None:
    """Its first rows are those nearest to the best shared configurations, each once."""
    tried: list[int] = []
    for point in rank_configurations(TRAINING)[:3]:
        gaps = np.square(POOL - point).sum(axis=1)
        gaps[tried] = np.inf
        tried.append(int(np.argmin(gaps)))

    assert _rows(recipe.prepare(0, TRAINING), 3).tolist() == tried


def test_nearest_untried_passes_over_what_was_tried() -> None:
    """The nearest row, and once that was tried the second nearest."""
    order = np.argsort(np.square(POOL - 0.5).sum(axis=1))
    centre = np.full(2, 0.5)

    assert nearest_untried(centre, POOL, np.zeros(0, dtype=int)) == order[0]
    assert nearest_untried(centre, POOL, order[:1]) == order[1]


def test_a_list_that_is_used_up_says_so() -> None:
    """A portfolio of eight configurations has no ninth trial."""
    with pytest.raises(StudyError, match="8 points is used up"):
        _rows(PortfolioRecipe().prepare(0, TRAINING), 9)


def test_runs_on_the_cube_have_designs_of_their_own() -> None:
    """From nothing, two seeds begin at different points, and each with four of them at once."""
    method = ScratchRecipe().prepare(0, TRAINING)
    firsts = [
        method.start_on_cube(seed, 2).suggest(np.zeros((0, 2)), np.zeros(0)) for seed in (0, 1)
    ]

    assert (firsts[0] != firsts[1]).any()
