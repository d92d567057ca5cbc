"""Use cases of studies: creating, changing, ending and deleting them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from hyperbo.space import SearchSpace, describe_differences
from hyperbo_service.domain import (
    Budget,
    StoppingRule,
    StopReason,
    Study,
    StudyState,
    Trial,
    TrialState,
    check_study_move,
)
from hyperbo_service.errors import NotFoundError, PreconditionError, StudyDiffersError
from hyperbo_service.resources import PriorName, StudyName
from hyperbo_service.storage import Reader, Writer
from hyperbo_service.study_checks import (
    AUTO,
    NONE,
    StudyDraft,
    check_budget,
    check_display_name,
    check_labels,
    check_rule,
    checked,
)

_TOKENS = 2**32
"""More fencing tokens than any trial uses up."""


def create(
    writer: Writer, draft: StudyDraft, *, seed: int, allow_existing: bool, now: datetime
) -> Study:
    """Create a study, or open the one of that name if it is the same.

    Args:
        writer: The transaction.
        draft: The study.
        seed: Taken where the draft has none.
        allow_existing: Whether one with the same space and metric is returned.
        now: The time.

    Raises:
        InvalidArgumentError: If a field is wrong.
        UnsupportedError: If there are several metrics, or constraints.
        AlreadyExistsError: If the name is taken.
        StudyDiffersError: If it is taken by a study with another space or metric.
        NotFoundError: If the prior asked for does not exist.
        PreconditionError: If the prior is retired.
    """
    study = checked(draft, seed, now)
    try:
        existing = writer.study(study.name)
    except NotFoundError:
        _check_prior(writer, study)
        earlier = writer.deletions(study.name)
        return writer.add_study(replace(study, first_token=earlier * _TOKENS))
    _check_same(existing, study)
    return existing if allow_existing else writer.add_study(study)


@dataclass(frozen=True)
class StudyChanges:
    """Changes of a study; None leaves a field as it is."""

    display_name: str | None = None
    budget: Budget | None = None
    stopping: tuple[StoppingRule] | None = None
    labels: Mapping[str, str] | None = None
    state: StudyState | None = None


def change(writer: Writer, name: StudyName, changes: StudyChanges, now: datetime) -> Study:
    """Change a study.

    Raises:
        NotFoundError: If there is none.
        InvalidArgumentError: If a field is wrong.
        IllegalMoveError: If it cannot go to the state asked for.
    """
    study = writer.study(name, lock=True)
    old_target = study.budget.target
    if changes.display_name is not None:
        study = replace(study, display_name=check_display_name(changes.display_name))
    if changes.budget is not None:
        study = replace(study, budget=check_budget(changes.budget))
    if changes.stopping is not None:
        study = replace(study, stopping=check_rule(changes.stopping[0]))
    if changes.labels is not None:
        study = replace(study, labels=check_labels(changes.labels))
    if changes.state is not None:
        check_study_move(study, changes.state)
        study = _in_state(study, changes.state, StopReason.REQUESTED, now)
    study = replace(study, updated=now)
    writer.save_study(study)
    if study.budget.target != old_target:
        best = writer.best_trials(study, 1)
        if best and reaches_target(study, best[0]):
            return close(writer, study, StopReason.TARGET_REACHED, now)
    return study


def delete(writer: Writer, name: StudyName, *, force: bool) -> None:
    """Delete a study with all its trials.

    Raises:
        NotFoundError: If there is none.
        PreconditionError: If it has trials and this is not forced.
    """
    study = writer.study(name, lock=True)
    count = sum(writer.trial_counts(study).by_state.values())
    if count and not force:
        raise PreconditionError(
            f"{name} has {count} trials, which would be deleted too. Export them first if they "
            "matter, then delete with force.",
            field="force",
            resource=str(name),
        )
    writer.delete_study(study)


def close(writer: Writer, study: Study, reason: StopReason, now: datetime) -> Study:
    """Complete a study that is locked; one that is completed stays as it is."""
    if study.state is StudyState.COMPLETED:
        return study
    study = replace(_in_state(study, StudyState.COMPLETED, reason, now), updated=now)
    writer.save_study(study)
    return study


def close_if_due(writer: Writer, study: Study, finished: Trial, now: datetime) -> None:
    """Complete a study whose target a trial has just reached, or whose last trial has ended."""
    if study.state is StudyState.COMPLETED:
        return
    if reaches_target(study, finished):
        close(writer, writer.study(study.name, lock=True), StopReason.TARGET_REACHED, now)
        return
    limit = study.budget.max_trials
    if limit is None or study.next_trial <= limit:
        return  # there are trials to come; counting them all is dear
    locked = writer.study(study.name, lock=True)
    if is_used_up(locked, writer):
        close(writer, locked, StopReason.MAX_TRIALS, now)


def is_used_up(study: Study, reader: Reader) -> bool:
    """Whether all trials of the budget were given out and have ended."""
    counts = reader.trial_counts(study)
    limit = study.budget.max_trials
    is_open = counts.of(TrialState.WAITING, TrialState.RUNNING) > 0
    return limit is not None and counts.given_out >= limit and not is_open


def reaches_target(study: Study, trial: Trial) -> bool:
    """Whether a completed trial is as good as the study's target."""
    target, sign = study.budget.target, study.metric.goal.sign
    if target is None or trial.state is not TrialState.COMPLETED:
        return False
    value = next(each.value for each in trial.values if each.metric == study.metric.name)
    return sign * value >= sign * target


def is_overdue(study: Study, now: datetime) -> bool:
    """Whether the study's time is up."""
    limit = study.budget.max_duration
    return limit is not None and now >= study.created + limit


def _in_state(study: Study, state: StudyState, reason: StopReason, now: datetime) -> Study:
    if state == study.state:
        return study
    is_done = state is StudyState.COMPLETED
    return replace(
        study,
        state=state,
        stop_reason=reason if is_done else None,
        ended=now if is_done else None,
    )


def _check_prior(reader: Reader, study: Study) -> None:
    """Refuse a named prior that does not exist or is retired."""
    if study.prior in (AUTO, NONE):
        return
    name = PriorName.within(study.name.project, study.prior, "study.prior")
    prior = reader.prior(name.project, name.prior, name.version)
    if prior.is_retired:
        raise PreconditionError(
            f"Prior {prior.reference} is retired. Name another version, or auto.",
            field="study.prior",
            resource=str(name),
        )
    if prior.space_digest and prior.space_digest != study.space_digest:
        raise PreconditionError(
            f"Prior {prior.reference} was trained on another search space than this study's. Name "
            "another prior, or auto, or none.",
            field="study.prior",
            resource=str(name),
        )
    if prior.goal is not None and prior.goal is not study.metric.goal:
        raise PreconditionError(
            f"Prior {prior.reference} was trained to {prior.goal} its metric; this study is to "
            f"{study.metric.goal}. Name another prior, or auto, or none.",
            field="study.prior",
            resource=str(name),
        )


def _check_same(existing: Study, wanted: Study) -> None:
    """Refuse to open a study under another description than its own."""
    if existing.space_digest != wanted.space_digest:
        differences = describe_differences(
            SearchSpace.from_json(existing.space),
            SearchSpace.from_json(wanted.space),
            ("the study", "the given space"),
        )
        raise StudyDiffersError(
            f"{existing.name} exists with another search space: {'; '.join(differences)}. Choose "
            "another study id, or give the study's own space.",
            field="study.space",
            resource=str(existing.name),
        )
    if existing.metric != wanted.metric:
        raise StudyDiffersError(
            f"{existing.name} exists to {existing.metric.goal} {existing.metric.name!r}, not to "
            f"{wanted.metric.goal} {wanted.metric.name!r}. Choose another study id.",
            field="study.metrics",
            resource=str(existing.name),
        )
