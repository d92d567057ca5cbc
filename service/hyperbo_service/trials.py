"""Use cases of trials: making them by hand, reporting on them, and ending them."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hyperbo_service import studies
from hyperbo_service.domain import (
    FINISHED,
    Detail,
    Lease,
    Measurement,
    MetricValue,
    Origin,
    Parameters,
    Study,
    StudyState,
    Trial,
    TrialState,
    check_trial_move,
)
from hyperbo_service.errors import (
    IllegalMoveError,
    InvalidArgumentError,
    LeaseLostError,
    StepOrderError,
    StudyClosedError,
)
from hyperbo_service.resources import StudyName, TrialName
from hyperbo_service.storage import Writer
from hyperbo_service.trial_checks import (
    check_configuration,
    check_cost,
    check_curve,
    check_length,
    check_measurement,
    check_reason,
    check_values,
)

_LEASES = 10_000
_CREATED = frozenset({TrialState.WAITING, TrialState.COMPLETED, TrialState.INFEASIBLE})
_IMPORTED = frozenset({TrialState.COMPLETED, TrialState.INFEASIBLE, TrialState.FAILED})


@dataclass(frozen=True)
class TrialDraft:
    """What a caller says of a trial that was not suggested."""

    parameters: Parameters
    state: TrialState
    values: tuple[MetricValue, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    reason: str = ""
    client_id: str = ""
    cost: float | None = None
    created: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None


def create(writer: Writer, name: StudyName, draft: TrialDraft, now: datetime) -> Trial:
    """Add a trial by hand: one that waits to be handed out, or one that is over.

    Raises:
        NotFoundError: If there is no such study.
        StudyClosedError: If it is completed and the trial would wait.
        InvalidArgumentError: If the trial's state, values or configuration are wrong.
    """
    study = writer.study(name, lock=True)
    if draft.state not in _CREATED:
        raise InvalidArgumentError(
            f"A trial made by hand cannot be {draft.state}; wanted waiting, completed or "
            "infeasible.",
            field="trial.state",
        )
    if draft.state is TrialState.WAITING and study.state is StudyState.COMPLETED:
        raise StudyClosedError(
            f"{name} is completed and hands out no trials. Make it active first.",
            resource=str(name),
        )
    trial = _new_trial(study, study.next_trial, draft, Origin.CREATED, "trial", now)
    _append(writer, study, [trial], now)
    return trial


def import_all(
    writer: Writer, name: StudyName, drafts: Sequence[TrialDraft], now: datetime
) -> list[Trial]:
    """Add finished trials from elsewhere; all of them or none.

    Raises:
        NotFoundError: If there is no such study.
        InvalidArgumentError: If a trial's state, values or configuration are wrong.
    """
    study = writer.study(name, lock=True)
    trials = []
    for place, draft in enumerate(drafts):
        field = f"trials[{place}]"
        if draft.state not in _IMPORTED:
            raise InvalidArgumentError(
                f"{field} is {draft.state}; wanted completed, infeasible or failed.",
                field=f"{field}.state",
            )
        number = study.next_trial + place
        trials.append(_new_trial(study, number, draft, Origin.IMPORTED, field, now))
    _append(writer, study, trials, now)
    return trials


@dataclass(frozen=True, slots=True)
class Reported:
    """What a report is answered with: the number of measurements, and when the lease ends."""

    count: int
    expires: datetime


class Leases:
    """Leases seen by this process; a lease never changes, so reports need not look it up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[TrialName, int], Lease] = OrderedDict()

    def get(self, name: TrialName, token: int) -> Lease | None:
        """The lease of a trial under a token, if it was seen."""
        return self._known.get((name, token))

    def add(self, name: TrialName, lease: Lease) -> None:
        """Remember a lease, and forget the oldest where there are too many."""
        with self._lock:
            self._known[name, lease.token] = lease
            while len(self._known) > _LEASES:
                self._known.popitem(last=False)


def report(
    writer: Writer,
    leases: Leases,
    name: TrialName,
    token: int,
    measurement: Measurement,
    now: datetime,
) -> Reported:
    """Add a measurement to a running trial, and renew its lease.

    Raises:
        NotFoundError: If there is no such trial.
        LeaseLostError: If the token is an old one.
        IllegalMoveError: If the trial is not running.
        StepOrderError: If the step is not after the last one.
        InvalidArgumentError: If the measurement is wrong.
        TooLargeError: If the learning curve has all the points that it may have.
    """
    study, trial = writer.trial(name, detail=Detail.BARE, lock=True)
    check_measurement(study.metric.name, measurement, "measurement")
    _check_lease(trial, token)
    if trial.last_step is not None and measurement.step <= trial.last_step:
        raise StepOrderError(
            f"Step {measurement.step} of {name} comes after step {trial.last_step}; report "
            "increasing steps.",
            field="measurement.step",
            resource=str(name),
        )
    count = _extend(writer, study, trial, measurement)
    check_length(count, "measurement")
    length = _lease(trial)
    grown = replace(
        trial,
        measurement_count=count,
        last_step=measurement.step,
        lease_expires=now + length,
        updated=now,
        revision=trial.revision + 1,
    )
    writer.save_trials(study, [grown])
    leases.add(name, Lease(study.key, name.number, token, length, study.metric.name))
    return Reported(count, now + length)


def _extend(writer: Writer, study: Study, trial: Trial, measurement: Measurement) -> int:
    """Add a point to a curve, and count its points.

    A runner's first point replaces what earlier runners measured from that step on.
    """
    is_first = trial.last_step is None and trial.measurement_count > 0
    writer.add_measurement(study, trial, measurement, replace=is_first)
    if not is_first:
        return trial.measurement_count + 1
    _, full = writer.trial(trial.name, detail=Detail.FULL)
    return len(full.measurements)


def complete(
    writer: Writer,
    name: TrialName,
    token: int,
    values: tuple[MetricValue, ...],
    cost: float | None,
    now: datetime,
) -> Trial:
    """Give a running trial its final values; by default those of its last measurement.

    Raises:
        NotFoundError: If there is no such trial.
        LeaseLostError: If the token is an old one.
        IllegalMoveError: If the trial is not running.
        InvalidArgumentError: If the values are wrong, or there are none at all.
    """
    detail = Detail.BASIC if values else Detail.FULL
    study, trial = writer.trial(name, detail=detail, lock=True)
    check_cost(cost, "cost")
    _check_lease(trial, token)
    if not values:
        if not trial.measurements:
            raise InvalidArgumentError(
                f"{name} has no measurement, so its final values must be given.",
                field="values",
                resource=str(name),
            )
        last = trial.measurements[-1]
        values, cost = last.values, last.cost if cost is None else cost
    check_values(study.metric.name, values, "values")
    check_trial_move(trial, TrialState.COMPLETED)
    trial = replace(_ended(trial, TrialState.COMPLETED, now), values=values, cost=cost)
    writer.save_trials(study, [trial])
    writer.save_values(study, trial)
    studies.close_if_due(writer, study, trial, now)
    return trial


def end(
    writer: Writer, name: TrialName, token: int, state: TrialState, reason: str, now: datetime
) -> Trial:
    """End a trial without values: as failed, infeasible or abandoned.

    Whoever abandons a trial, or marks a waiting one as infeasible, needs no token.

    Raises:
        NotFoundError: If there is no such trial.
        LeaseLostError: If the token is an old one.
        IllegalMoveError: If the trial cannot go to that state.
    """
    study, trial = writer.trial(name, lock=True)
    needs_token = trial.state is TrialState.RUNNING and state is not TrialState.ABANDONED
    if needs_token or token:
        _check_token(trial, token)
    check_trial_move(trial, state)
    trial = replace(_ended(trial, state, now), reason=check_reason(reason))
    writer.save_trials(study, [trial])
    studies.close_if_due(writer, study, trial, now)
    return trial


def delete(writer: Writer, name: TrialName) -> None:
    """Delete a trial, whatever its state; its number is not used again.

    Raises:
        NotFoundError: If there is no such trial.
    """
    study, trial = writer.trial(name, detail=Detail.BARE, lock=True)
    writer.delete_trial(study, trial)


def _check_lease(trial: Trial, token: int) -> None:
    _check_token(trial, token)
    if trial.state is not TrialState.RUNNING:
        advice = (
            "A finished trial never changes."
            if trial.state in FINISHED
            else "Ask for a suggestion to be handed it."
        )
        raise IllegalMoveError(
            f"{trial.name} is {trial.state}, not running. {advice}", resource=str(trial.name)
        )


def _check_token(trial: Trial, token: int) -> None:
    if token != trial.token:
        raise LeaseLostError(
            f"The fencing token {token} of {trial.name} is not the current one: the lease had "
            "expired, and the trial was handed out again. Stop working on it.",
            field="fencing_token",
            resource=str(trial.name),
        )


def _lease(trial: Trial) -> timedelta:
    assert trial.lease is not None  # noqa: S101 - a running trial has one
    return trial.lease


def _ended(trial: Trial, state: TrialState, now: datetime) -> Trial:
    return replace(
        trial,
        state=state,
        lease_expires=None,
        ended=now,
        updated=now,
        measurements=(),
        revision=trial.revision + 1,
    )


def _append(writer: Writer, study: Study, trials: Sequence[Trial], now: datetime) -> None:
    """Store new trials under the study's next numbers."""
    writer.add_trials(study, trials)
    grown = replace(study, next_trial=study.next_trial + len(trials), updated=now)
    writer.save_study(grown)
    for trial in trials:
        if studies.reaches_target(grown, trial):
            studies.close_if_due(writer, grown, trial, now)
            break


def _new_trial(
    study: Study, number: int, draft: TrialDraft, origin: Origin, field: str, now: datetime
) -> Trial:
    parameters = check_configuration(study, draft.parameters, f"{field}.parameters")
    if draft.state is TrialState.COMPLETED:
        check_values(study.metric.name, draft.values, f"{field}.values")
    elif draft.values:
        raise InvalidArgumentError(
            f"A trial that is {draft.state} has no final values; leave them out.",
            field=f"{field}.values",
        )
    if draft.measurements and draft.state is TrialState.WAITING:
        raise InvalidArgumentError(
            "A trial that waits has no measurements; leave them out.",
            field=f"{field}.measurements",
        )
    check_curve(study.metric.name, draft.measurements, f"{field}.measurements")
    check_cost(draft.cost, f"{field}.cost")
    is_over = draft.state in FINISHED
    return Trial(
        name=study.name.trial(number),
        state=draft.state,
        parameters=parameters,
        origin=origin,
        created=draft.created or now,
        updated=now,
        values=draft.values,
        measurements=draft.measurements,
        measurement_count=len(draft.measurements),
        client_id=draft.client_id[:128],
        token=study.first_token,
        reason=check_reason(draft.reason),
        started=draft.started if is_over else None,
        ended=(draft.ended or now) if is_over else None,
        last_step=draft.measurements[-1].step if draft.measurements else None,
        cost=draft.cost,
    )
