"""The main job from end to end on bundled data: pre-train, then tune a task never seen."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hyperbo.benchmark.methods import StrategyMethod
from hyperbo.benchmark.problems import PoolProblem
from hyperbo.suggest import from_prior, from_scratch
from hyperbo.surrogates import Expert
from hyperbo.tasks import Task
from hyperbo_datasets.folds import NewPoints
from hyperbo_datasets.schema import TuningTable
from hyperbo_datasets.to_tasks import to_pools, to_tasks
from hyperbo_service.names import pick

BUDGETS = (1, 5, 10, 20)
RUNS = 3

Advance = Callable[[str, int, int, float], None]


@dataclass(frozen=True, eq=False)
class Stage:
    """A task held out of a table, and what may be learned from the others.

    Attributes:
        training: The other tasks at the lower half of the configurations.
        problem: The held-out task at the upper half, which no prior has seen.
    """

    training: tuple[Task, ...]
    problem: PoolProblem


@dataclass(frozen=True)
class Race:
    """The best metric value found by each method after each number of trials.

    Attributes:
        best: By method: the incumbent's native value after 1, 2, ... trials, mean over the runs.
        optimum: The best value in the pool.
    """

    best: dict[str, Float[np.ndarray, " T"]]
    optimum: float

    def trials_to(self, method: str, value: float) -> int | None:
        """Trials that the method needs to be as good as `value`; None if it never is."""
        reached = np.flatnonzero(self.best[method] >= value - 1e-9)
        return int(reached[0]) + 1 if reached.size else None


def set_stage(table: TuningTable, held_out: str) -> Stage:
    """Hold a task out.

    Raises:
        UnknownNameError: If the table has no such task.
    """
    pick(held_out, table.tasks, f"task in table {table.name!r} called")
    others = [name for name in table.tasks if name != held_out]
    setting = NewPoints()
    training = to_tasks(table, task_names=others, config_ids=setting.seen(table))
    (pool,) = to_pools(table, task_names=[held_out], config_ids=setting.pool(table))
    return Stage(tuple(training), PoolProblem(pool.name, pool.inputs, pool.values, pool.native))


def race(stage: Stage, expert: Expert, trials: int, advance: Advance) -> Race:
    """Tune the held-out task with the prior, from scratch, and at random.

    Random search needs no run: the mean over all orders of the pool is known in closed form.

    Args:
        stage: The task.
        expert: The pre-trained prior.
        trials: Trials of a run.
        advance: Told the method, trials done, trials to do, and the best value so far.
    """
    dimension = stage.problem.dimension
    best = {}
    for name, strategy in (
        ("HyperBO", from_prior(expert, dimension)),
        ("GP from scratch", from_scratch(dimension)),
    ):
        method = StrategyMethod(name, strategy)
        runs = [_tune(stage.problem, method, seed, trials, advance) for seed in range(RUNS)]
        best[name] = np.mean(runs, axis=0)
    best["random search"] = expected_best(stage.problem.native, trials)
    return Race(best, stage.problem.optimum)


def expected_best(values: Float[np.ndarray, " N"], draws: int) -> Float[np.ndarray, " T"]:
    """Mean best of 1, 2, ..., `draws` values drawn without replacement, over all ways to draw.

    Example:
        >>> expected_best(np.array([0.0, 1.0, 2.0]), 3).round(3).tolist()
        [1.0, 1.667, 2.0]
    """
    ordered = np.sort(values)
    count = ordered.size
    below = np.ones(count + 1)
    means = np.zeros(draws)
    for draw in range(draws):
        # Chance that all draws so far are among the k smallest, for k = 0..N.
        smallest = np.arange(count + 1)
        below = below * np.maximum(smallest - draw, 0) / (count - draw)
        means[draw] = np.sum(ordered * np.diff(below))
    return means


def _tune(
    problem: PoolProblem, method: StrategyMethod, seed: int, trials: int, advance: Advance
) -> Float[np.ndarray, " T"]:
    """The incumbent's native value after each trial of one run."""
    tuner = method.start_on_pool(seed, problem.inputs)
    rows = np.zeros(0, dtype=int)
    for trial in range(trials):
        rows = np.append(rows, tuner.suggest(rows, problem.values[rows]))
        best = float(problem.native[rows].max())
        advance(method.name, seed * trials + trial + 1, RUNS * trials, best)
    return np.maximum.accumulate(problem.native[rows])
