"""What the server answers, as plain immutable records."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp

from hyperbo_service.client.record import Record
from hyperbo_service.rpc.spaces import space_from_wire, values_from_wire
from hyperbo_service.rpc.v1 import prior_service_pb2 as priors
from hyperbo_service.rpc.v1 import study_pb2, trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as tuning


class Measurement(NamedTuple):
    """One point of a learning curve: values by metric, seconds of training and cost so far."""

    step: int
    values: Mapping[str, float]
    elapsed: float | None = None
    cost: float | None = None
    stderrs: Mapping[str, float] = {}

    @property
    def value(self) -> float:
        """Value of the first metric."""
        return next(iter(self.values.values()))


class TrialRecord(Record):
    """A trial as the server had it when it was asked.

    Attributes:
        name: Resource name.
        state: `waiting`, `running`, `completed`, `infeasible`, `failed` or `abandoned`.
        parameters: Native values; conditional parameters that do not exist are left out.
        values: Final values by metric; empty before it is completed.
        stderrs: Standard errors of the values, where known.
        measurements: The learning curve; empty where it was not asked for.
        measurement_count: Its length, also where it was not asked for.
        client_id: Who runs it, or ran it last.
        fencing_token: How often it was handed out.
        reason: Why it is infeasible, failed or abandoned.
        origin: `suggested`, `created` or `imported`.
    """

    name: str
    state: str
    parameters: Mapping[str, Any]
    values: Mapping[str, float]
    stderrs: Mapping[str, float]
    measurements: tuple[Measurement, ...]
    measurement_count: int
    client_id: str
    fencing_token: int
    reason: str
    origin: str
    cost: float | None
    created: datetime | None
    started: datetime | None
    ended: datetime | None
    updated: datetime | None
    lease_expires: datetime | None

    @property
    def number(self) -> int:
        """Number within the study, from 1."""
        return number_of(self.name)

    @property
    def value(self) -> float | None:
        """Final value of the first metric, in its own unit; None before it is completed."""
        return next(iter(self.values.values()), None)

    @property
    def stderr(self) -> float | None:
        """Standard error of `value`, where known."""
        return self.stderrs.get(next(iter(self.values), ""))


class StudyRecord(Record):
    """A study as the server had it when it was asked.

    Attributes:
        name: Resource name.
        state: `active`, `paused` or `completed`.
        stop_reason: `max_trials`, `max_duration`, `target_reached`, `space_exhausted` or
            `requested`; empty before it is completed.
        space: The search space's JSON object.
        metric: What is tuned.
        goal: `maximize` or `minimize`.
        prior: What was asked for: `auto`, `none` or `name@version`.
        resolved_prior: The prior in use, `name@version`; empty if there is none.
        prior_note: Why that one, or why none.
        max_duration: Seconds since its creation.
        early_stopping: `median`, `successive_halving`, or empty.
        trial_counts: Numbers of trials by state.
    """

    name: str
    display_name: str
    state: str
    stop_reason: str
    space: Mapping[str, Any]
    metric: str
    goal: str
    prior: str
    resolved_prior: str
    prior_note: str
    max_trials: int | None
    max_duration: float | None
    target: float | None
    early_stopping: str
    seed: int
    labels: Mapping[str, str]
    trial_counts: Mapping[str, int]
    created: datetime | None
    updated: datetime | None
    ended: datetime | None

    @property
    def id(self) -> str:
        """Last part of the name."""
        return self.name.rpartition("/")[2]


class Prediction(NamedTuple):
    """What the posterior foretells of the noise-free metric: its median and 95 % interval."""

    median: float
    lower: float
    upper: float


class PriorReport(Record):
    """Whether a study's prior helped.

    Attributes:
        prior: The prior in use, `name@version`; empty if there is none.
        verdict: `nothing_to_compare`, `helped`, `undecided` or `misled`.
        trial_count: Finished trials that the report rests on.
        log_bayes_factor: Log evidence of the trials under the prior less that from nothing, in
            nats; positive where the prior foretold them better.
        trust: Weight of the prior in the study's suggestions, 0 to 1.
        summary: For people.
    """

    prior: str
    verdict: str
    trial_count: int
    prior_log_evidence: float
    scratch_log_evidence: float
    log_bayes_factor: float
    trust: float
    summary: str


class PriorRecord(Record):
    """A stored prior: `state` is `active` or `retired`, `manifest` empty in lists."""

    name: str
    state: str
    manifest: str
    space_digest: str
    content_digest: str
    size_bytes: int
    created: datetime | None

    @property
    def reference(self) -> str:
        """`name@version`, as a study takes it."""
        return self.name.rpartition("/")[2]


class PriorFiles(NamedTuple):
    """The two files of a stored prior."""

    manifest: bytes
    weights: bytes


class StudyExport(NamedTuple):
    """A study with all its trials and their measurements."""

    study: StudyRecord
    trials: tuple[TrialRecord, ...]


class StudyChange(NamedTuple):
    """What changed in a study: itself if it did, trials, and names of trials deleted."""

    study: StudyRecord | None
    trials: tuple[TrialRecord, ...]
    deleted: tuple[str, ...]
    watermark: datetime | None


def number_of(name: str) -> int:
    """A trial's number, of its name."""
    return int(name.rpartition("/")[2])


def read_trial(trial: trial_pb2.Trial) -> TrialRecord:
    """The record of a trial."""
    return TrialRecord(
        name=trial.name,
        state=_label(trial_pb2.Trial.State, trial.state, "STATE_"),
        parameters=values_from_wire(trial.parameters),
        values={each.metric: each.value for each in trial.values},
        stderrs=_stderrs(trial.values),
        measurements=tuple(read_measurement(each) for each in trial.measurements),
        measurement_count=trial.measurement_count,
        client_id=trial.client_id,
        fencing_token=trial.fencing_token,
        reason=trial.reason,
        origin=_label(trial_pb2.Trial.Origin, trial.origin, "ORIGIN_"),
        cost=trial.cost if trial.HasField("cost") else None,
        created=_time(trial.create_time),
        started=_time(trial.start_time),
        ended=_time(trial.end_time),
        updated=_time(trial.update_time),
        lease_expires=_time(trial.lease_expire_time),
    )


def read_measurement(measurement: trial_pb2.Measurement) -> Measurement:
    """One point of a learning curve."""
    has = measurement.HasField
    return Measurement(
        measurement.step,
        {each.metric: each.value for each in measurement.values},
        measurement.elapsed_seconds if has("elapsed_seconds") else None,
        measurement.cost if has("cost") else None,
        _stderrs(measurement.values),
    )


def read_study(study: study_pb2.Study) -> StudyRecord:
    """The record of a study."""
    metric = study.metrics[0] if study.metrics else study_pb2.MetricSpec()
    budget, counts = study.budget, study.trial_counts
    return StudyRecord(
        name=study.name,
        display_name=study.display_name,
        state=_label(study_pb2.Study.State, study.state, "STATE_"),
        stop_reason=_label(study_pb2.Study.StopReason, study.stop_reason, "STOP_REASON_"),
        space=space_from_wire(study.space),
        metric=metric.name,
        goal=_label(study_pb2.MetricSpec.Goal, metric.goal, "GOAL_"),
        prior=study.prior,
        resolved_prior=study.resolved_prior.rpartition("/")[2],
        prior_note=study.prior_note,
        max_trials=budget.max_trials if budget.HasField("max_trials") else None,
        max_duration=(
            budget.max_duration.ToTimedelta().total_seconds()
            if budget.HasField("max_duration")
            else None
        ),
        target=budget.target if budget.HasField("target") else None,
        early_stopping=study.early_stopping.WhichOneof("rule") or "",
        seed=study.seed,
        labels=dict(study.labels),
        trial_counts={field.name: getattr(counts, field.name) for field in _COUNTS},
        created=_time(study.create_time),
        updated=_time(study.update_time),
        ended=_time(study.end_time),
    )


def read_prediction(prediction: tuning.Prediction) -> Prediction:
    """One prediction."""
    return Prediction(prediction.median, prediction.lower, prediction.upper)


def read_prior_report(report: tuning.PriorReport) -> PriorReport:
    """The report on a study's prior."""
    return PriorReport(
        prior=report.prior.rpartition("/")[2],
        verdict=_label(tuning.PriorReport.Verdict, report.verdict, "VERDICT_"),
        trial_count=report.trial_count,
        prior_log_evidence=report.prior_log_evidence,
        scratch_log_evidence=report.scratch_log_evidence,
        log_bayes_factor=report.log_bayes_factor,
        trust=report.trust,
        summary=report.summary,
    )


def read_prior(prior: priors.Prior) -> PriorRecord:
    """The record of a stored prior."""
    return PriorRecord(
        name=prior.name,
        state=_label(priors.Prior.State, prior.state, "STATE_"),
        manifest=prior.manifest,
        space_digest=prior.space_digest,
        content_digest=prior.content_digest,
        size_bytes=prior.size_bytes,
        created=_time(prior.create_time),
    )


def read_prior_files(parts: list[priors.DownloadPriorResponse]) -> PriorFiles:
    """The files that came in parts."""
    return PriorFiles(
        b"".join(part.manifest_chunk for part in parts),
        b"".join(part.weights_chunk for part in parts),
    )


def read_export(parts: list[tuning.ExportStudyResponse]) -> StudyExport:
    """The study that came in parts."""
    studies = [part.study for part in parts if part.HasField("study")]
    trials = tuple(read_trial(trial) for part in parts for trial in part.trials)
    return StudyExport(read_study(studies[0] if studies else study_pb2.Study()), trials)


def read_change(part: tuning.WatchStudyResponse) -> StudyChange:
    """One message of a watched study."""
    return StudyChange(
        read_study(part.study) if part.HasField("study") else None,
        tuple(read_trial(each) for each in part.trials),
        tuple(part.deleted_trials),
        _time(part.watermark),
    )


_COUNTS = study_pb2.TrialCounts.DESCRIPTOR.fields


def _label(names: Any, number: int, prefix: str) -> str:
    """An enum's constant in lower case without its prefix; empty for the unspecified one."""
    name: str = names.Name(number) if number in names.values() else str(number)
    return "" if number == 0 else name.removeprefix(prefix).lower()


def _stderrs(values: Any) -> dict[str, float]:
    return {each.metric: each.stderr for each in values if each.HasField("stderr")}


def _time(stamp: Timestamp) -> datetime | None:
    return stamp.ToDatetime(UTC) if stamp.seconds or stamp.nanos else None
