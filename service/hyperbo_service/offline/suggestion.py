"""One-off suggestions: what to try next, from a prior or from nothing, and a file of trials."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hyperbo.errors import HyperBOError
from hyperbo.registry import Registry, StoredPrior
from hyperbo.space import SearchSpace, Value
from hyperbo.suggest import Strategy, from_prior, from_scratch, suggest
from hyperbo_datasets.metric import Metric, goal_from_name, metric_from_dict
from hyperbo_service.choices import GoalName
from hyperbo_service.errors import CommandError
from hyperbo_service.offline.trials_file import Trials, read_trials, to_trials

SCRATCH = "from scratch"


@dataclass(frozen=True)
class Door:
    """How suggestions are made, and for what.

    Attributes:
        strategy: Who is asked.
        space: The search space.
        metric: What is measured.
        sources: A name for each of those asked, in order.
        prior: The prior's reference; None if there is none.
    """

    strategy: Strategy
    space: SearchSpace
    metric: Metric
    sources: tuple[str, ...]
    prior: str | None


@dataclass(frozen=True)
class Suggested:
    """What to try next.

    Attributes:
        configurations: Native values by parameter, one mapping a suggestion.
        trust: Weight of each source after the trials, by its name; they sum to one.
        trials: The trials that were read.
    """

    configurations: tuple[dict[str, Value], ...]
    trust: dict[str, float]
    trials: Trials


def from_stored_prior(
    registry: Registry,
    reference: str,
    space_file: Path | None,
    metric_name: str | None,
    goal: GoalName | None,
) -> Door:
    """Start from a stored prior; the space, the metric and its warp are the prior's.

    A hierarchical prior serves any space, so there the space file says what to tune.

    Args:
        registry: Where the prior is.
        reference: Which prior.
        space_file: The space that it is expected to serve, to be checked, if given; with a
            hierarchical prior, the space to tune.
        metric_name: The metric's column, if it is not called as the prior's.
        goal: Which way is better, to be checked against the prior's, if given.

    Raises:
        PriorError: If the prior is missing, damaged, or of another space.
        CommandError: If the goal is not the prior's.
    """
    space = None if space_file is None else read_space(space_file)[0]
    prior = registry.load(reference, space=space)
    if prior.manifest.space is None or prior.manifest.metric is None:
        return _from_hierarchical(prior, space_file, metric_name, goal)
    metric = metric_from_dict(dict(prior.manifest.metric))
    if goal is not None and goal_from_name(goal.value) != metric.goal:
        raise CommandError(
            f"Prior {prior.reference} was trained to {metric.goal.name} {metric.name}; "
            f"--goal {goal.value} contradicts it. Leave --goal out."
        )
    if metric_name is not None:
        metric = Metric(metric_name, metric.goal, metric.warp)
    space = prior.manifest.space
    strategy = from_prior(prior.expert(space.dimension), space.dimension)
    name = str(prior.reference)
    return Door(strategy, space, metric, (name, SCRATCH), name)


def _from_hierarchical(
    prior: StoredPrior, space_file: Path | None, metric_name: str | None, goal: GoalName | None
) -> Door:
    if space_file is None:
        raise CommandError(
            f"Prior {prior.reference} serves any search space; say which one to tune by --space "
            "FILE."
        )
    plain = from_nothing(space_file, metric_name, goal)
    dimension, name = plain.space.dimension, str(prior.reference)
    strategy = from_prior(prior.expert(dimension), dimension)
    return Door(strategy, plain.space, plain.metric, (name, SCRATCH), name)


def from_nothing(space_file: Path, metric_name: str | None, goal: GoalName | None) -> Door:
    """Start from nothing but a search space.

    Args:
        space_file: The space; see `read_space`.
        metric_name: The metric's column.
        goal: Which way is better.

    Raises:
        CommandError: If the file describes no space, or nobody says what the metric is.
    """
    space, described = read_space(space_file)
    if metric_name is None and described is not None:
        metric = described
    elif metric_name is None or goal is None:
        raise CommandError(
            "Say what to optimise by --metric NAME and --goal maximize|minimize, or put a metric "
            f"into {space_file}."
        )
    else:
        metric = Metric(metric_name, goal_from_name(goal.value))
    if goal is not None and goal_from_name(goal.value) != metric.goal:
        raise CommandError(
            f"{space_file} says to {metric.goal.name} {metric.name}; --goal {goal.value} "
            "contradicts it. Leave --goal out."
        )
    return Door(from_scratch(space.dimension), space, metric, (SCRATCH,), None)


def ask(door: Door, path: Path | None, *, count: int, seed: int) -> Suggested:
    """Suggest what to try next.

    Args:
        door: How, and for what.
        path: The trials; none yet if None, or if the file is missing or empty.
        count: How many configurations.
        seed: Randomness: the same file and seed give the same suggestions.

    Raises:
        TrialsFileError: If the file cannot be used.
        ExhaustedError: If the space has too few points left.
    """
    place = Path("trials") if path is None else path
    rows: Sequence[dict[str, object]] = [] if path is None else [dict(r) for r in read_trials(path)]
    trials = to_trials(rows, door.space, door.metric, place)
    found = suggest(
        np.random.default_rng(seed), door.strategy, door.space, trials.history, count=count
    )
    trust = dict(zip(door.sources, map(float, found.trust), strict=True))
    return Suggested(tuple(door.space.decode(found.points)), trust, trials)


def read_space(path: Path) -> tuple[SearchSpace, Metric | None]:
    """A search space from JSON, and the metric, if the file describes one too.

    The file is either a space's own JSON, or the file that describes a CSV table to
    `hyperbo data import`.

    Raises:
        CommandError: If the file is missing, no JSON, or no search space.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise CommandError(f"There is no file {path}; --space wants one.") from None
    except (ValueError, RecursionError, OSError) as error:
        raise CommandError(f"{path} cannot be read as JSON: {error}.") from None
    if not isinstance(document, dict) or "parameters" not in document:
        raise CommandError(
            f'{path} must hold a JSON object with "parameters", such as '
            '{"parameters": [{"type": "float", "name": "lr", "low": 1e-5, "high": 0.1, '
            '"scale": "log"}]}.'
        )
    keys = {key: document[key] for key in ("version", "parameters") if key in document}
    try:
        space = SearchSpace.from_json(json.dumps(keys))
        described = document.get("metric")
        return space, None if described is None else metric_from_dict(described)
    except (HyperBOError, TypeError) as error:
        raise CommandError(f"{path}: {error}") from error
