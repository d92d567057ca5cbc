"""What a study must be: a draft is checked field by field before anything is stored."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from hyperbo.errors import SpaceError
from hyperbo.space import SearchSpace
from hyperbo.tasks import LARGEST_VALUE
from hyperbo_service.domain import (
    Budget,
    Goal,
    MedianRule,
    Metric,
    StoppingRule,
    StopReason,
    Study,
    StudyState,
    SuccessiveHalving,
)
from hyperbo_service.errors import InvalidArgumentError, UnsupportedError
from hyperbo_service.resources import PriorName, StudyName

AUTO, NONE = "auto", "none"
NO_BUDGET = Budget()

LARGEST_SEED = 2**53
_LONGEST_SPACE = 256 * 2**10
_LARGEST_DIMENSION = 1000
_LONGEST_NAME = 128
_MOST_LABELS = 64
_LABEL = re.compile(r"[A-Za-z0-9_-]{1,63}")
"""Filters name labels, so each must be one that a filter can name."""
_LARGEST_COUNT = 10**12
_LONGEST_DURATION = timedelta(days=3650)


@dataclass(frozen=True)
class StudyDraft:
    """What a caller says of a new study; None and empty stand for the default."""

    name: StudyName
    space: str
    metrics: tuple[tuple[str, Goal | None], ...]
    constraints: int = 0
    display_name: str = ""
    prior: str = ""
    budget: Budget = NO_BUDGET
    stopping: StoppingRule = None
    seed: int | None = None
    labels: Mapping[str, str] | None = None
    state: StudyState = StudyState.ACTIVE


def checked(draft: StudyDraft, seed: int, now: datetime) -> Study:
    """The new study that a draft describes.

    Raises:
        InvalidArgumentError: If a field is wrong.
        UnsupportedError: If there are several metrics, or constraints.
    """
    space = _check_space(draft.space)
    own_seed = seed if draft.seed is None else draft.seed
    if not 0 <= own_seed <= LARGEST_SEED:
        raise InvalidArgumentError(
            f"The seed is {own_seed}; wanted 0 to {LARGEST_SEED}.", field="study.seed"
        )
    state = draft.state
    return Study(
        key=0,
        name=draft.name,
        display_name=check_display_name(draft.display_name),
        space=space.to_json(),
        space_digest=space.digest(),
        metric=_check_metric(draft, space),
        prior=_check_prior_text(draft),
        resolved_prior="",
        prior_note="",
        prior_settled=False,
        budget=check_budget(draft.budget),
        stopping=check_rule(draft.stopping),
        seed=own_seed,
        labels=check_labels(draft.labels or {}),
        state=state,
        stop_reason=StopReason.REQUESTED if state is StudyState.COMPLETED else None,
        next_trial=1,
        first_token=0,
        created=now,
        updated=now,
        ended=now if state is StudyState.COMPLETED else None,
    )


def _check_space(text: str) -> SearchSpace:
    if len(text) > _LONGEST_SPACE:
        raise InvalidArgumentError(
            f"The search space takes {len(text)} characters; at most {_LONGEST_SPACE} are stored.",
            field="study.space",
        )
    try:
        space = SearchSpace.from_json(text)
    except SpaceError as error:
        raise InvalidArgumentError(str(error), field="study.space") from error
    if "\\u0000" in space.to_json():
        raise InvalidArgumentError(
            "The search space holds the character NUL, which cannot be stored.",
            field="study.space",
        )
    if space.dimension > _LARGEST_DIMENSION:
        raise InvalidArgumentError(
            f"The search space has {space.dimension} coordinates, one for each number and one for "
            f"each category; at most {_LARGEST_DIMENSION}. Give categories with an order as "
            "integers, or leave some out.",
            field="study.space",
        )
    longest = max(space.names, key=len)
    if len(longest) > 255:
        raise InvalidArgumentError(
            f"The parameter name {longest[:40]!r}... has {len(longest)} characters; at most 255.",
            field="study.space",
        )
    return space


def _check_metric(draft: StudyDraft, space: SearchSpace) -> Metric:
    if draft.constraints:
        raise UnsupportedError(
            "Outcome constraints are not built yet. Leave them out, and mark trials that break "
            "them as infeasible.",
            field="study.constraints",
        )
    if len(draft.metrics) > 1:
        raise UnsupportedError(
            f"{len(draft.metrics)} metrics were given; several objectives are not built yet. Give "
            "the one to tune.",
            field="study.metrics",
        )
    if not draft.metrics:
        raise InvalidArgumentError(
            "The study has no metric; give its name and goal.", field="study.metrics"
        )
    name, goal = draft.metrics[0]
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        raise InvalidArgumentError(
            f"The metric's name has {len(name)} characters; wanted 1 to {_LONGEST_NAME}, all "
            "printable.",
            field="study.metrics.name",
        )
    if name in space.names:
        raise InvalidArgumentError(
            f"{name!r} names both the metric and a parameter; rename one.",
            field="study.metrics.name",
        )
    if goal is None:
        raise InvalidArgumentError(
            f"The metric {name!r} has no goal; say maximize or minimize.",
            field="study.metrics.goal",
        )
    return Metric(name, goal)


def _check_prior_text(draft: StudyDraft) -> str:
    text = draft.prior or AUTO
    if text in (AUTO, NONE):
        return text
    return PriorName.within(draft.name.project, text, "study.prior").reference


def check_display_name(text: str) -> str:
    """A name for people, if it is not too long."""
    if len(text) > 200:
        raise InvalidArgumentError(
            f"The display name has {len(text)} characters; at most 200.",
            field="study.display_name",
        )
    return text


def check_budget(budget: Budget) -> Budget:
    """A budget, if it can be kept."""
    if budget.max_trials is not None and not 1 <= budget.max_trials <= _LARGEST_COUNT:
        raise InvalidArgumentError(
            f"max_trials is {budget.max_trials}; wanted at least 1, or leave it out.",
            field="study.budget.max_trials",
        )
    limit = budget.max_duration
    if limit is not None and not timedelta(0) < limit <= _LONGEST_DURATION:
        raise InvalidArgumentError(
            f"max_duration is {limit}; wanted more than none, and at most ten years.",
            field="study.budget.max_duration",
        )
    target = budget.target
    if target is not None and not (math.isfinite(target) and abs(target) <= LARGEST_VALUE):
        raise InvalidArgumentError(
            f"The target is {target}; wanted a finite number.", field="study.budget.target"
        )
    return budget


def check_rule(rule: StoppingRule) -> StoppingRule:
    """A rule of early stopping, if its numbers make sense."""
    match rule:
        case MedianRule() if not (
            1 <= rule.min_trials <= _LARGEST_COUNT and 0 <= rule.min_step <= _LARGEST_COUNT
        ):
            raise InvalidArgumentError(
                f"The median rule has min_trials {rule.min_trials} and min_step {rule.min_step}; "
                "wanted at least 1 and 0.",
                field="study.early_stopping.median",
            )
        case SuccessiveHalving() if not (
            1 <= rule.min_step <= _LARGEST_COUNT and 2 <= rule.reduction_factor <= 1000
        ):
            raise InvalidArgumentError(
                f"Successive halving has min_step {rule.min_step} and reduction_factor "
                f"{rule.reduction_factor}; wanted at least 1, and 2 to 1000.",
                field="study.early_stopping.successive_halving",
            )
    return rule


def check_labels(labels: Mapping[str, str]) -> Mapping[str, str]:
    """Labels, if they are few and short."""
    if len(labels) > _MOST_LABELS:
        raise InvalidArgumentError(
            f"{len(labels)} labels were given; at most {_MOST_LABELS}.", field="study.labels"
        )
    for key, value in labels.items():
        if not _LABEL.fullmatch(key):
            raise InvalidArgumentError(
                f"The label {key[:70]!r} is no name of up to 63 letters from a to z, digits, "
                "underscores and hyphens.",
                field="study.labels",
            )
        if len(value) > 255:
            raise InvalidArgumentError(
                f"The label {key!r} has a value of {len(value)} characters; at most 255.",
                field="study.labels",
            )
    return dict(labels)
