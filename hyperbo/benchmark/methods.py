"""Methods of offline studies that train nothing: designs, portfolios, and strategies as given."""

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import qmc, rankdata

from hyperbo.acquisition import Fantasised, PendingRule
from hyperbo.benchmark.tuners import CubeTuner, Method, PoolTuner
from hyperbo.errors import StudyError
from hyperbo.space import FloatParameter, SearchSpace, sample_sobol
from hyperbo.suggest import (
    History,
    Memory,
    Strategy,
    from_scratch,
    suggest,
    suggest_from_pool,
)
from hyperbo.tasks import Task, match


@runtime_checkable
class Recipe(Protocol):
    """A method before it has seen any other task; an object that can be pickled."""

    @property
    def name(self) -> str:
        """The method's name in tables and plots."""

    def prepare(self, seed: int, training: list[Task]) -> Method:
        """Learn what there is to learn from the training tasks of one fold."""


@dataclass(frozen=True)
class Untrained:
    """A recipe for a method that learns nothing from other tasks."""

    method: Method

    @property
    def name(self) -> str:
        """The method's own name."""
        return self.method.name

    def prepare(self, seed: int, training: list[Task]) -> Method:  # noqa: ARG002
        """The method as it is."""
        return self.method


@dataclass(frozen=True)
class RandomSearch:
    """Uniformly random points, none of a pool's twice."""

    name: str = "random"

    def start_on_pool(self, seed: int, inputs: Float[np.ndarray, "N D"]) -> PoolTuner:
        """A random order of the pool."""
        return _Listed(np.random.default_rng(seed).permutation(inputs.shape[0]))

    def start_on_cube(self, seed: int, dimension: int) -> CubeTuner:
        """Independent uniform points."""
        return _Sequence(np.random.default_rng(seed).random((MOST_TRIALS, dimension)))


@dataclass(frozen=True)
class SobolSearch:
    """A scrambled Sobol sequence; on a pool, the nearest configuration not yet tried."""

    name: str = "sobol"

    def start_on_pool(self, seed: int, inputs: Float[np.ndarray, "N D"]) -> PoolTuner:
        """Nearest untried rows to the sequence."""
        return _Nearest(_sobol(seed, inputs.shape[1]), inputs)

    def start_on_cube(self, seed: int, dimension: int) -> CubeTuner:
        """The sequence itself."""
        return _Sequence(_sobol(seed, dimension))


@dataclass(frozen=True)
class PortfolioRecipe:
    """The training tasks' best configurations by mean rank, in order.

    It is given the same results as a prior. Where the held-out pool lacks a configuration, the
    nearest one not yet tried takes its place.
    """

    name: str = "portfolio"

    def prepare(self, seed: int, training: list[Task]) -> Method:  # noqa: ARG002
        """Rank the configurations that all training tasks share."""
        return Portfolio(rank_configurations(training), self.name)


@dataclass(frozen=True, eq=False)
class Portfolio:
    """Configurations to be tried in order.

    Attributes:
        points: The configurations in the unit cube, the best first.
        name: The method's name.
    """

    points: Float[np.ndarray, "K D"]
    name: str = "portfolio"

    def start_on_pool(self, seed: int, inputs: Float[np.ndarray, "N D"]) -> PoolTuner:  # noqa: ARG002
        """Nearest untried rows to the portfolio."""
        return _Nearest(self.points, inputs)

    def start_on_cube(self, seed: int, dimension: int) -> CubeTuner:  # noqa: ARG002
        """The portfolio itself."""
        return _Sequence(self.points)


@dataclass(frozen=True)
class PortfolioThenScratch:
    """A portfolio for the first trials, then a Gaussian process started from nothing on them."""

    first: int = 5
    name: str = "portfolio, then GP"

    def prepare(self, seed: int, training: list[Task]) -> Method:  # noqa: ARG002
        """Rank the configurations that all training tasks share."""
        points = rank_configurations(training)
        strategy = from_scratch(points.shape[1])
        return StrategyMethod(self.name, strategy, points[: self.first])


@dataclass(frozen=True)
class ScratchRecipe:
    """A Gaussian process started from nothing."""

    rule: PendingRule = field(default_factory=Fantasised)
    name: str = "GP from scratch"

    def prepare(self, seed: int, training: list[Task]) -> Method:  # noqa: ARG002
        """Nothing is learned from other tasks but their number of dimensions."""
        return StrategyMethod(self.name, from_scratch(training[0].inputs.shape[1], self.rule))


MOST_TRIALS = 1024
"""Designs are drawn this long; a study of more trials than this is refused by them."""


@dataclass(frozen=True, eq=False)
class StrategyMethod:
    """A strategy of ours, through the same door as the service.

    Attributes:
        name: The method's name.
        strategy: How suggestions are made.
        opening: Points tried first, in order, if any; on a pool, the nearest untried ones.
    """

    name: str
    strategy: Strategy
    opening: Float[np.ndarray, "K D"] | None = None

    def start_on_pool(self, seed: int, inputs: Float[np.ndarray, "N D"]) -> PoolTuner:
        """Begin on a pool."""
        return _StrategyOnPool(self, seed, inputs)

    def start_on_cube(self, seed: int, dimension: int) -> CubeTuner:
        """Begin on the unit cube."""
        return _StrategyOnCube(self, seed, dimension)


def rank_configurations(training: list[Task]) -> Float[np.ndarray, "K D"]:
    """Configurations that all tasks share, by their mean rank over tasks, the best first.

    Raises:
        TaskError: If the tasks share no configuration.
    """
    matched = match(training)
    ranks = rankdata(-np.asarray(matched.values), axis=1).mean(axis=0)
    return np.asarray(matched.inputs)[np.argsort(ranks, kind="stable")]


class _Listed:
    """Rows in a fixed order."""

    def __init__(self, order: Int[np.ndarray, " N"]) -> None:
        self._order = order

    def suggest(self, tried: Int[np.ndarray, " T"], values: Float[np.ndarray, " T"]) -> int:  # noqa: ARG002
        return int(self._order[tried.size])


class _Nearest:
    """For each point of a list in turn, the nearest row of the pool not yet tried."""

    def __init__(self, points: Float[np.ndarray, "K D"], inputs: Float[np.ndarray, "N D"]) -> None:
        self._points, self._inputs = points, inputs

    def suggest(self, tried: Int[np.ndarray, " T"], values: Float[np.ndarray, " T"]) -> int:  # noqa: ARG002
        if tried.size >= self._points.shape[0]:
            raise StudyError(
                f"The list of {self._points.shape[0]} points is used up; ask for fewer trials."
            )
        return nearest_untried(self._points[tried.size], self._inputs, tried)


class _Sequence:
    """Points in a fixed order."""

    def __init__(self, points: Float[np.ndarray, "K D"]) -> None:
        self._points = points

    def suggest(
        self, inputs: Float[np.ndarray, "T D"], values: Float[np.ndarray, " T"]
    ) -> Float[np.ndarray, " D"]:
        if values.size >= self._points.shape[0]:
            raise StudyError(
                f"The list of {self._points.shape[0]} points is used up; ask for fewer trials."
            )
        return self._points[inputs.shape[0]]


class _StrategyOnPool:
    """A strategy choosing rows."""

    def __init__(self, method: StrategyMethod, seed: int, inputs: Float[np.ndarray, "N D"]) -> None:
        self._method, self._inputs = method, inputs
        self._rng = np.random.default_rng(seed)
        self._memory: Memory | None = None

    def suggest(self, tried: Int[np.ndarray, " T"], values: Float[np.ndarray, " T"]) -> int:
        opening = self._method.opening
        if opening is not None and tried.size < opening.shape[0]:
            return nearest_untried(opening[tried.size], self._inputs, tried)
        available = np.ones(self._inputs.shape[0], dtype=bool)
        available[tried] = False
        pending = np.zeros((0, self._inputs.shape[1]))
        found = suggest_from_pool(
            self._rng,
            self._method.strategy,
            self._inputs,
            available,
            History(self._inputs[tried], values, pending),
            memory=self._memory,
        )
        self._memory = found.memory
        return int(found.rows[0])


class _StrategyOnCube:
    """A strategy choosing points of the cube."""

    def __init__(self, method: StrategyMethod, seed: int, dimension: int) -> None:
        names = [f"x{axis}" for axis in range(dimension)]
        self._space = SearchSpace(tuple(FloatParameter(name, 0.0, 1.0) for name in names))
        self._method, self._rng = method, np.random.default_rng(seed)
        self._memory: Memory | None = None
        # The door gives every study the same design; runs that are to tell of more than one design
        # begin with one of their own.
        self._opening = (
            sample_sobol(self._space, method.strategy.design, self._rng)
            if method.opening is None
            else method.opening
        )

    def suggest(
        self, inputs: Float[np.ndarray, "T D"], values: Float[np.ndarray, " T"]
    ) -> Float[np.ndarray, " D"]:
        if values.size < self._opening.shape[0]:
            return self._opening[values.size]
        history = History(inputs, values, np.zeros((0, self._space.dimension)))
        found = suggest(self._rng, self._method.strategy, self._space, history, memory=self._memory)
        self._memory = found.memory
        return found.points[0]


def nearest_untried(
    point: Float[np.ndarray, " D"],
    inputs: Float[np.ndarray, "N D"],
    tried: Int[np.ndarray, " T"],
) -> int:
    """Row of the untried configuration nearest to a point of the unit cube."""
    gaps = np.sum(np.square(inputs - point), axis=1)
    gaps[tried] = np.inf
    return int(np.argmin(gaps))


def _sobol(seed: int, dimension: int) -> Float[np.ndarray, "N D"]:
    return qmc.Sobol(dimension, rng=np.random.default_rng(seed)).random(MOST_TRIALS)
