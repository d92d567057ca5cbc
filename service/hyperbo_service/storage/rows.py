"""Rows of the tables as domain values, and back."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Row

from hyperbo_service.domain import (
    Budget,
    Call,
    Goal,
    JournalEntry,
    Measurement,
    MedianRule,
    Metric,
    MetricValue,
    Origin,
    Parameters,
    StoppingRule,
    StopReason,
    StoredPrior,
    Study,
    StudyState,
    SuccessiveHalving,
    Trial,
    TrialState,
    Value,
)
from hyperbo_service.resources import StudyName, TrialName
from hyperbo_service.storage.base import Token

Columns = dict[str, Any]

_MEDIAN, _HALVING = "median", "successive_halving"


def study_of(row: Row[Any]) -> Study:
    """The study of a row that begins with the columns of the table `studies`."""
    seconds = row.max_seconds
    return Study(
        key=row.id,
        name=StudyName(row.project, row.study),
        display_name=row.display_name,
        space=row.space,
        space_digest=row.space_digest,
        metric=Metric(row.metric, Goal(row.goal)),
        prior=row.prior,
        resolved_prior=row.resolved_prior,
        prior_note=row.prior_note,
        prior_settled=row.prior_settled,
        budget=Budget(
            row.max_trials, None if seconds is None else timedelta(seconds=seconds), row.target
        ),
        stopping=_rule_of(row),
        seed=row.seed,
        labels=row.labels,
        state=StudyState(row.state),
        stop_reason=None if row.stop_reason is None else StopReason(row.stop_reason),
        next_trial=row.next_trial,
        first_token=row.first_token,
        created=row.created,
        updated=row.updated,
        ended=row.ended,
    )


def study_columns(study: Study) -> Columns:
    """A study's row without its key."""
    seconds = study.budget.max_duration
    return {
        "project": study.name.project,
        "study": study.name.study,
        "display_name": study.display_name,
        "space": study.space,
        "space_digest": study.space_digest,
        "metric": study.metric.name,
        "goal": study.metric.goal.value,
        "prior": study.prior,
        "resolved_prior": study.resolved_prior,
        "prior_note": study.prior_note,
        "prior_settled": study.prior_settled,
        "max_trials": study.budget.max_trials,
        "max_seconds": None if seconds is None else seconds.total_seconds(),
        "target": study.budget.target,
        **_rule_columns(study.stopping),
        "seed": study.seed,
        "labels": dict(study.labels),
        "state": study.state.value,
        "stop_reason": None if study.stop_reason is None else study.stop_reason.value,
        "next_trial": study.next_trial,
        "first_token": study.first_token,
        "created": study.created,
        "updated": study.updated,
        "ended": study.ended,
    }


def _rule_of(row: Row[Any]) -> StoppingRule:
    match row.stopping_rule:
        case None:
            return None
        case "median":
            return MedianRule(row.stopping_min_trials, row.stopping_min_step)
        case _:
            return SuccessiveHalving(row.stopping_min_step, row.stopping_factor)


def _rule_columns(rule: StoppingRule) -> Columns:
    name = step = trials = factor = None
    match rule:
        case MedianRule():
            name, step, trials = _MEDIAN, rule.min_step, rule.min_trials
        case SuccessiveHalving():
            name, step, factor = _HALVING, rule.min_step, rule.reduction_factor
    return {
        "stopping_rule": name,
        "stopping_min_step": step,
        "stopping_min_trials": trials,
        "stopping_factor": factor,
    }


def trial_of(
    name: StudyName,
    row: Row[Any],
    parameters: Parameters,
    values: tuple[MetricValue, ...],
    measurements: tuple[Measurement, ...],
) -> Trial:
    """The trial of a row of the table `trials` and of what belongs to it."""
    lease = row.lease_seconds
    return Trial(
        name=TrialName(name.project, name.study, row.number),
        state=TrialState(row.state),
        parameters=parameters,
        origin=Origin(row.origin),
        created=row.created,
        updated=row.updated,
        values=values,
        measurements=measurements,
        measurement_count=row.measurement_count,
        client_id=row.client_id,
        token=row.token,
        lease=None if lease is None else timedelta(seconds=lease),
        lease_expires=row.lease_expires,
        reason=row.reason,
        started=row.started,
        ended=row.ended,
        last_step=row.last_step,
        cost=row.cost,
        revision=row.revision,
    )


def trial_columns(study: Study, trial: Trial) -> Columns:
    """A trial's row."""
    by_metric = {each.metric: each.value for each in trial.values}
    objective = by_metric.get(study.metric.name)
    is_completed = trial.state is TrialState.COMPLETED
    return {
        "study_id": study.key,
        "number": trial.name.number,
        "state": trial.state.value,
        "origin": trial.origin.value,
        "client_id": trial.client_id,
        "token": trial.token,
        "lease_seconds": None if trial.lease is None else trial.lease.total_seconds(),
        "lease_expires": trial.lease_expires,
        "reason": trial.reason,
        "objective": (
            study.metric.goal.sign * objective if is_completed and objective is not None else None
        ),
        "cost": trial.cost,
        "last_step": trial.last_step,
        "measurement_count": trial.measurement_count,
        "revision": trial.revision,
        "created": trial.created,
        "updated": trial.updated,
        "started": trial.started,
        "ended": trial.ended,
    }


def parameter_columns(study: Study, trial: Trial) -> list[Columns]:
    """The rows of a trial's configuration."""
    return [
        {
            "study_id": study.key,
            "number": trial.name.number,
            "name": name,
            "real_value": value if isinstance(value, float) else None,
            "integer_value": (
                value if isinstance(value, int) and not isinstance(value, bool) else None
            ),
            "text_value": value if isinstance(value, str) else None,
            "truth_value": value if isinstance(value, bool) else None,
        }
        for name, value in trial.parameters.items()
    ]


def parameters_of(rows: Iterable[Row[Any]]) -> dict[int, dict[str, Value]]:
    """Configurations by trial number, of rows of the table `trial_parameters`."""
    found: dict[int, dict[str, Value]] = {}
    for row in rows:
        columns = (row.real_value, row.integer_value, row.text_value, row.truth_value)
        value: Value = next(each for each in columns if each is not None)
        found.setdefault(row.number, {})[row.name] = value
    return found


def value_columns(study: Study, trial: Trial) -> list[Columns]:
    """The rows of a trial's final values."""
    return [
        {
            "study_id": study.key,
            "number": trial.name.number,
            "metric": each.metric,
            "value": each.value,
            "stderr": each.stderr,
        }
        for each in trial.values
    ]


def values_of(rows: Iterable[Row[Any]]) -> dict[int, tuple[MetricValue, ...]]:
    """Final values by trial number, of rows of the table `trial_values`."""
    found: dict[int, tuple[MetricValue, ...]] = {}
    for row in rows:
        value = MetricValue(row.metric, row.value, row.stderr)
        found[row.number] = (*found.get(row.number, ()), value)
    return found


def measurement_columns(study_key: int, number: int, measurement: Measurement) -> list[Columns]:
    """The rows of one point of a learning curve."""
    return [
        {
            "study_id": study_key,
            "number": number,
            "step": measurement.step,
            "metric": each.metric,
            "value": each.value,
            "stderr": each.stderr,
            "elapsed": measurement.elapsed,
            "cost": measurement.cost,
            "at": measurement.at,
        }
        for each in measurement.values
    ]


def measurements_of(rows: Iterable[Row[Any]]) -> dict[int, tuple[Measurement, ...]]:
    """Learning curves by trial number, of rows of the table `measurements` in order."""
    found: dict[int, dict[int, Measurement]] = {}
    for row in rows:
        curve = found.setdefault(row.number, {})
        value = MetricValue(row.metric, row.value, row.stderr)
        before = curve[row.step].values if row.step in curve else ()
        curve[row.step] = Measurement(row.step, (*before, value), row.elapsed, row.cost, row.at)
    return {number: tuple(curve.values()) for number, curve in found.items()}


def prior_of(row: Row[Any]) -> StoredPrior:
    """The prior of a row of the table `priors`."""
    return StoredPrior(
        project=row.project,
        prior=row.prior,
        version=row.version,
        manifest=row.manifest,
        space_digest=row.space_digest,
        goal=None if row.goal is None else Goal(row.goal),
        digest=row.digest,
        size=row.size,
        is_retired=row.is_retired,
        created=row.created,
    )


def prior_columns(prior: StoredPrior) -> Columns:
    """A prior's row without its key and weights."""
    return {
        "project": prior.project,
        "prior": prior.prior,
        "version": prior.version,
        "manifest": prior.manifest,
        "size": prior.size,
        "space_digest": prior.space_digest,
        "goal": None if prior.goal is None else prior.goal.value,
        "digest": prior.digest,
        "is_retired": prior.is_retired,
        "created": prior.created,
    }


_TOKEN_FIELDS = (
    "name", "digest", "project", "scope", "calls_per_second", "largest_message", "created",
    "expires", "revoked",
)  # fmt: skip


def token_of(row: Row[Any]) -> Token:
    """The token of a row of the table `tokens`."""
    return Token(**{field: getattr(row, field) for field in _TOKEN_FIELDS})


def token_columns(token: Token) -> Columns:
    """A token's row without its key."""
    return {field: getattr(token, field) for field in _TOKEN_FIELDS}


def entry_of(row: Row[Any]) -> JournalEntry:
    """One line of the audit log, of a row of the table `journal`."""
    call = Call(
        row.project, row.request_id, row.principal, row.method, row.resource, row.fingerprint
    )
    return JournalEntry(row.sequence, call, row.at)


def call_columns(call: Call) -> Mapping[str, Any]:
    """A call's part of its journal row."""
    return {
        "project": call.project,
        "request_id": call.request_id,
        "principal": call.principal,
        "method": call.method,
        "resource": call.resource,
        "fingerprint": call.fingerprint,
    }
