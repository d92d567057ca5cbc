"""Answers: domain values as messages."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from hyperbo_service.domain import (
    Goal,
    Measurement,
    MedianRule,
    MetricValue,
    Origin,
    StopReason,
    StoredPrior,
    Study,
    StudyState,
    SuccessiveHalving,
    Trial,
    TrialCounts,
    TrialState,
)
from hyperbo_service.insights import PriorReport, Verdict
from hyperbo_service.resources import PriorName
from hyperbo_service.rpc.spaces import space_to_wire, value_to_wire
from hyperbo_service.rpc.v1 import prior_service_pb2 as prior_wire
from hyperbo_service.rpc.v1 import study_pb2 as study_wire
from hyperbo_service.rpc.v1 import trial_pb2 as trial_wire
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from hyperbo_service.suggestions import Suggested
from hyperbo_service.trial_checks import space_document

STUDY_STATES = {
    StudyState.ACTIVE: study_wire.Study.STATE_ACTIVE,
    StudyState.PAUSED: study_wire.Study.STATE_PAUSED,
    StudyState.COMPLETED: study_wire.Study.STATE_COMPLETED,
}
STOP_REASONS = {
    None: study_wire.Study.STOP_REASON_UNSPECIFIED,
    StopReason.MAX_TRIALS: study_wire.Study.STOP_REASON_MAX_TRIALS,
    StopReason.MAX_DURATION: study_wire.Study.STOP_REASON_MAX_DURATION,
    StopReason.TARGET_REACHED: study_wire.Study.STOP_REASON_TARGET_REACHED,
    StopReason.SPACE_EXHAUSTED: study_wire.Study.STOP_REASON_SPACE_EXHAUSTED,
    StopReason.REQUESTED: study_wire.Study.STOP_REASON_REQUESTED,
}
GOALS = {
    Goal.MAXIMIZE: study_wire.MetricSpec.GOAL_MAXIMIZE,
    Goal.MINIMIZE: study_wire.MetricSpec.GOAL_MINIMIZE,
}
TRIAL_STATES = {
    TrialState.WAITING: trial_wire.Trial.STATE_WAITING,
    TrialState.RUNNING: trial_wire.Trial.STATE_RUNNING,
    TrialState.COMPLETED: trial_wire.Trial.STATE_COMPLETED,
    TrialState.INFEASIBLE: trial_wire.Trial.STATE_INFEASIBLE,
    TrialState.FAILED: trial_wire.Trial.STATE_FAILED,
    TrialState.ABANDONED: trial_wire.Trial.STATE_ABANDONED,
}
_ORIGINS = {
    Origin.SUGGESTED: trial_wire.Trial.ORIGIN_SUGGESTED,
    Origin.CREATED: trial_wire.Trial.ORIGIN_CREATED,
    Origin.IMPORTED: trial_wire.Trial.ORIGIN_IMPORTED,
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VERDICTS = {
    Verdict.NOTHING_TO_COMPARE: wire.PriorReport.VERDICT_NOTHING_TO_COMPARE,
    Verdict.HELPED: wire.PriorReport.VERDICT_HELPED,
    Verdict.UNDECIDED: wire.PriorReport.VERDICT_UNDECIDED,
    Verdict.MISLED: wire.PriorReport.VERDICT_MISLED,
}


def study_to_wire(study: Study, counts: TrialCounts | None = None) -> study_wire.Study:
    """A study's message."""
    resolved = study.resolved_prior
    message = study_wire.Study(
        name=str(study.name),
        display_name=study.display_name,
        space=space_to_wire(space_document(study.space)),
        metrics=[study_wire.MetricSpec(name=study.metric.name, goal=GOALS[study.metric.goal])],
        prior=study.prior,
        budget=_budget_to_wire(study),
        seed=study.seed,
        labels=study.labels,
        state=STUDY_STATES[study.state],
        stop_reason=STOP_REASONS[study.stop_reason],
        resolved_prior=(str(PriorName.within(study.name.project, resolved)) if resolved else ""),
        prior_note=study.prior_note,
        space_digest=study.space_digest,
        create_time=moment(study.created),
        update_time=moment(study.updated),
        end_time=moment(study.ended),
    )
    match study.stopping:
        case MedianRule(min_trials, min_step):
            median = study_wire.MedianRule(min_trials=min_trials, min_step=min_step)
            message.early_stopping.median.CopyFrom(median)
        case SuccessiveHalving(min_step, factor):
            halving = study_wire.SuccessiveHalving(min_step=min_step, reduction_factor=factor)
            message.early_stopping.successive_halving.CopyFrom(halving)
    if counts is not None:
        by_state = {state.value: counts.of(state) for state in TrialState}
        message.trial_counts.CopyFrom(study_wire.TrialCounts(**by_state))
    return message


def _budget_to_wire(study: Study) -> study_wire.Budget:
    budget = study.budget
    return study_wire.Budget(
        max_trials=budget.max_trials, max_duration=span(budget.max_duration), target=budget.target
    )


def trial_to_wire(trial: Trial) -> trial_wire.Trial:
    """A trial's message."""
    return trial_wire.Trial(
        name=str(trial.name),
        state=TRIAL_STATES[trial.state],
        parameters={name: value_to_wire(value) for name, value in trial.parameters.items()},
        values=_values_to_wire(trial.values),
        measurements=[_measurement_to_wire(each) for each in trial.measurements],
        client_id=trial.client_id,
        lease_expire_time=moment(trial.lease_expires),
        fencing_token=trial.token,
        reason=trial.reason,
        origin=_ORIGINS[trial.origin],
        create_time=moment(trial.created),
        start_time=moment(trial.started),
        end_time=moment(trial.ended),
        update_time=moment(trial.updated),
        measurement_count=trial.measurement_count,
        cost=trial.cost,
    )


def trials_to_wire(trials: Iterable[Trial]) -> list[trial_wire.Trial]:
    """The messages of trials."""
    return [trial_to_wire(trial) for trial in trials]


def suggested_to_wire(suggested: Suggested) -> wire.SuggestTrialsResponse:
    """The answer to one who asked for suggestions."""
    return wire.SuggestTrialsResponse(
        trials=trials_to_wire(suggested.trials),
        study_state=STUDY_STATES[suggested.study.state],
        stop_reason=STOP_REASONS[suggested.study.stop_reason],
        retry_after=span(suggested.retry_after),
    )


def prior_to_wire(prior: StoredPrior) -> prior_wire.Prior:
    """A stored prior's message."""
    state = prior_wire.Prior.STATE_RETIRED if prior.is_retired else prior_wire.Prior.STATE_ACTIVE
    return prior_wire.Prior(
        name=str(PriorName(prior.project, prior.prior, prior.version)),
        state=state,
        manifest=prior.manifest,
        space_digest=prior.space_digest,
        content_digest=prior.digest,
        size_bytes=prior.size,
        create_time=moment(prior.created),
    )


def report_to_wire(report: PriorReport) -> wire.PriorReport:
    """The message of a report on whether a prior helped."""
    return wire.PriorReport(
        study=str(report.study),
        prior=report.prior and str(PriorName.within(report.study.project, report.prior)),
        trial_count=report.trial_count,
        prior_log_evidence=report.prior_log_evidence,
        scratch_log_evidence=report.scratch_log_evidence,
        log_bayes_factor=report.log_bayes_factor,
        trust=report.trust,
        verdict=_VERDICTS[report.verdict],
        summary=report.summary,
    )


def leases_to_wire(
    asked: Iterable[wire.Lease], held: Mapping[tuple[str, int], datetime]
) -> wire.HeartbeatResponse:
    """What became of leases that were to be renewed, of which some are still held."""
    states = wire.LeaseStatus
    ends = [(lease.name, held.get((lease.name, lease.fencing_token))) for lease in asked]
    return wire.HeartbeatResponse(
        leases=[
            states(
                name=name,
                state=states.STATE_LOST if end is None else states.STATE_HELD,
                expire_time=moment(end),
            )
            for name, end in ends
        ]
    )


def moment(at: datetime | None) -> Timestamp | None:
    """A point in time as a message."""
    if at is None:
        return None
    since = at - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1000)


def span(length: timedelta | None) -> Duration | None:
    """A length of time as a message."""
    if length is None:
        return None
    message = Duration()
    message.FromTimedelta(length)
    return message


def _values_to_wire(values: Iterable[MetricValue]) -> list[trial_wire.MetricValue]:
    return [
        trial_wire.MetricValue(metric=each.metric, value=each.value, stderr=each.stderr)
        for each in values
    ]


def _measurement_to_wire(measurement: Measurement) -> trial_wire.Measurement:
    return trial_wire.Measurement(
        step=measurement.step,
        values=_values_to_wire(measurement.values),
        elapsed_seconds=measurement.elapsed,
        cost=measurement.cost,
        create_time=moment(measurement.at),
    )
