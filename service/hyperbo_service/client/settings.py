"""What a study is created with, and what of it may be changed later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import Enum
from typing import Final, Literal

from google.protobuf.duration_pb2 import Duration

from hyperbo_service.client.requests import duration
from hyperbo_service.client.spaces import Space, read_space
from hyperbo_service.errors import InvalidArgumentError
from hyperbo_service.rpc.v1 import study_pb2


class Unchanged(Enum):
    """Stands for an argument that was not given, where None has a meaning of its own."""

    UNCHANGED = "unchanged"

    def __repr__(self) -> str:
        return "UNCHANGED"


UNCHANGED: Final = Unchanged.UNCHANGED

Goal = Literal["maximize", "maximise", "minimize", "minimise"]
StudyState = Literal["active", "paused", "completed"]
EarlyStopping = (
    Literal["median", "halving", "successive-halving"]
    | study_pb2.MedianRule
    | study_pb2.SuccessiveHalving
    | study_pb2.EarlyStopping
    | None
)

_GOALS = {
    "maximize": study_pb2.MetricSpec.GOAL_MAXIMIZE,
    "maximise": study_pb2.MetricSpec.GOAL_MAXIMIZE,
    "minimize": study_pb2.MetricSpec.GOAL_MINIMIZE,
    "minimise": study_pb2.MetricSpec.GOAL_MINIMIZE,
}
_STATES = {
    "active": study_pb2.Study.STATE_ACTIVE,
    "paused": study_pb2.Study.STATE_PAUSED,
    "completed": study_pb2.Study.STATE_COMPLETED,
}


def check_opening(given: Iterable[object], prior: str, display_name: str) -> None:
    """Refuse, where no space is given, what only a new study takes.

    Raises:
        InvalidArgumentError: If there is any of it.
    """
    if any(each is not None for each in given) or prior != "auto" or display_name:
        raise InvalidArgumentError(
            "A new study needs a search space; to open one that exists, give its id alone, and "
            "change its settings by update().",
            field="study.space",
        )


def new_study(
    space: Space,
    metric: str | None,
    goal: str | None,
    prior: str,
    budget: study_pb2.Budget,
    early_stopping: EarlyStopping,
    seed: int | None,
    labels: Mapping[str, str],
    display_name: str,
) -> study_pb2.Study:
    """The message of a study that is to be created.

    Raises:
        InvalidArgumentError: If the space, metric, goal or stopping rule is missing or none.
    """
    if not metric:
        raise InvalidArgumentError(
            'A new study needs the name of its metric, e.g. metric="val_accuracy".',
            field="study.metrics",
        )
    if goal not in _GOALS:
        raise InvalidArgumentError(
            f"The goal is {goal!r}; say which way is better: 'maximize' or 'minimize'.",
            field="study.metrics.goal",
        )
    return study_pb2.Study(
        display_name=display_name,
        space=read_space(space),
        metrics=[study_pb2.MetricSpec(name=metric, goal=_GOALS[goal])],
        prior=prior,
        budget=budget,
        early_stopping=read_early_stopping(early_stopping),
        seed=seed,
        labels=labels,
    )


def new_budget(
    max_trials: int | None, max_duration: float | timedelta | None, target: float | None
) -> study_pb2.Budget:
    """The message of a budget; None where there is no such limit."""
    budget = study_pb2.Budget(max_trials=max_trials, target=target)
    if max_duration is not None:
        budget.max_duration.CopyFrom(_duration(max_duration))
    return budget


def read_early_stopping(rule: EarlyStopping) -> study_pb2.EarlyStopping | None:
    """The message of a stopping rule.

    Raises:
        InvalidArgumentError: If there is no such rule.
    """
    match rule:
        case None | study_pb2.EarlyStopping():
            return rule
        case "median":
            return study_pb2.EarlyStopping(median=study_pb2.MedianRule())
        case "halving" | "successive-halving" | "successive_halving":
            return study_pb2.EarlyStopping(successive_halving=study_pb2.SuccessiveHalving())
        case study_pb2.MedianRule():
            return study_pb2.EarlyStopping(median=rule)
        case study_pb2.SuccessiveHalving():
            return study_pb2.EarlyStopping(successive_halving=rule)
    raise InvalidArgumentError(
        f"The stopping rule is {rule!r}; wanted 'median', 'halving', None or a message with the "
        "rule's numbers.",
        field="study.early_stopping",
    )


class Changes:
    """Changes to a study, and which fields they are; what is UNCHANGED stays as it is."""

    def __init__(
        self,
        *,
        display_name: str | Unchanged = UNCHANGED,
        labels: Mapping[str, str] | Unchanged = UNCHANGED,
        state: StudyState | Unchanged = UNCHANGED,
        max_trials: int | Unchanged | None = UNCHANGED,
        max_duration: float | timedelta | Unchanged | None = UNCHANGED,
        target: float | Unchanged | None = UNCHANGED,
        early_stopping: EarlyStopping | Unchanged = UNCHANGED,
    ) -> None:
        self.display_name = display_name
        self.labels = labels
        self.state = state
        self.max_trials = max_trials
        self.max_duration = max_duration
        self.target = target
        self.early_stopping = early_stopping

    @property
    def needs_old(self) -> bool:
        """Whether the study must be read first: its budget is replaced as a whole."""
        limits = (self.max_trials, self.max_duration, self.target)
        return 0 < sum(each is not UNCHANGED for each in limits) < len(limits)

    def applied(self, name: str, old: study_pb2.Study) -> tuple[study_pb2.Study, list[str]]:
        """The study with the changes, and the paths of what changed.

        Raises:
            InvalidArgumentError: If nothing is to be changed, or a stopping rule or state is none.
        """
        study, paths = study_pb2.Study(name=name), []
        if self.display_name is not UNCHANGED:
            study.display_name = self.display_name
            paths.append("display_name")
        if self.labels is not UNCHANGED:
            study.labels.update(self.labels)
            paths.append("labels")
        if self.state is not UNCHANGED:
            study.state = _STATES[self.state]
            paths.append("state")
        if self.early_stopping is not UNCHANGED:
            rule = read_early_stopping(self.early_stopping)
            if rule is not None:
                study.early_stopping.CopyFrom(rule)
            paths.append("early_stopping")
        if self._apply_budget(study.budget, old.budget):
            paths.append("budget")
        if not paths:
            raise InvalidArgumentError(
                "Nothing is to be changed; give at least one argument.", field="update_mask"
            )
        return study, paths

    def _apply_budget(self, budget: study_pb2.Budget, old: study_pb2.Budget) -> bool:
        limits = {
            "max_trials": self.max_trials,
            "max_duration": self.max_duration,
            "target": self.target,
        }
        changed = {name: limit for name, limit in limits.items() if limit is not UNCHANGED}
        if not changed:
            return False
        budget.CopyFrom(old)
        for name in changed:
            budget.ClearField(name)
        new = new_budget(
            None if self.max_trials is UNCHANGED else self.max_trials,
            None if self.max_duration is UNCHANGED else self.max_duration,
            None if self.target is UNCHANGED else self.target,
        )
        budget.MergeFrom(new)
        return True


def _duration(span: float | timedelta) -> Duration:
    return duration(span.total_seconds() if isinstance(span, timedelta) else span)
