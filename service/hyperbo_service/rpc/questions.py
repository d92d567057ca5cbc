"""Questions: messages as domain values, with what is malformed refused by its field."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from hyperbo_service.domain import (
    Budget,
    Detail,
    Measurement,
    MedianRule,
    MetricValue,
    Parameters,
    StoppingRule,
    StudyState,
    SuccessiveHalving,
    TrialState,
)
from hyperbo_service.errors import InvalidArgumentError
from hyperbo_service.resources import StudyName, TrialName, check_study_id
from hyperbo_service.rpc.answers import GOALS, STUDY_STATES, TRIAL_STATES
from hyperbo_service.rpc.spaces import space_from_wire, values_from_wire
from hyperbo_service.rpc.v1 import space_pb2 as space_wire
from hyperbo_service.rpc.v1 import study_pb2 as study_wire
from hyperbo_service.rpc.v1 import trial_pb2 as trial_wire
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from hyperbo_service.studies import StudyChanges
from hyperbo_service.study_checks import StudyDraft
from hyperbo_service.suggestions import Ask
from hyperbo_service.trial_checks import check_client_id, check_text
from hyperbo_service.trials import TrialDraft

_STUDY_STATES: Mapping[int, StudyState] = {number: state for state, number in STUDY_STATES.items()}
_TRIAL_STATES: Mapping[int, TrialState] = {number: state for state, number in TRIAL_STATES.items()}
_GOALS = {number: goal for goal, number in GOALS.items()}
_SHORTEST_LEASE, _LONGEST_LEASE = timedelta(seconds=1), timedelta(days=30)
LARGEST_COUNT = 1000

Kind = TypeVar("Kind")


def study_draft(project: str, study_id: str, study: study_wire.Study) -> StudyDraft:
    """The new study that a message describes.

    Raises:
        InvalidArgumentError: If it is malformed.
    """
    state = study.state or study_wire.Study.STATE_ACTIVE
    return StudyDraft(
        name=StudyName(project, check_study_id(study_id)),
        space=json.dumps(space_from_wire(study.space), allow_nan=True),
        metrics=tuple((metric.name, _GOALS.get(metric.goal)) for metric in study.metrics),
        constraints=len(study.constraints),
        display_name=check_text(study.display_name, "study.display_name"),
        prior=study.prior,
        budget=_budget(study.budget),
        stopping=_rule(study.early_stopping),
        seed=study.seed if study.HasField("seed") else None,
        labels=_labels(study.labels),
        state=_known(state, _STUDY_STATES, "study.state"),
    )


def study_changes(study: study_wire.Study, paths: Sequence[str]) -> StudyChanges:
    """The changes of a study that a message and its field mask describe.

    Raises:
        InvalidArgumentError: If the mask is empty or names a field that cannot be changed.
    """
    known = ("display_name", "budget", "early_stopping", "labels", "state")
    unknown = [path for path in paths if path not in known]
    if unknown or not paths:
        what = f"names {unknown[0]!r}" if unknown else "is empty"
        raise InvalidArgumentError(
            f"The update mask {what}; what can be changed is {', '.join(known)}.",
            field="update_mask",
        )
    return StudyChanges(
        display_name=(
            check_text(study.display_name, "study.display_name")
            if "display_name" in paths
            else None
        ),
        budget=_budget(study.budget) if "budget" in paths else None,
        stopping=(_rule(study.early_stopping),) if "early_stopping" in paths else None,
        labels=_labels(study.labels) if "labels" in paths else None,
        state=_known(study.state, _STUDY_STATES, "study.state") if "state" in paths else None,
    )


def ask(request: wire.SuggestTrialsRequest, default_lease: timedelta) -> Ask:
    """What a client asks for.

    Raises:
        InvalidArgumentError: If it is malformed.
    """
    name = StudyName.parse(request.parent, "parent")
    return Ask(
        study=name,
        count=count(request.count, 1, "count"),
        client_id=check_client_id(request.client_id),
        held=[
            number_within(name, held, f"held_trials[{place}]")
            for place, held in enumerate(few(request.held_trials, "held_trials"))
        ],
        lease=lease(request, default_lease),
    )


def lease(
    request: wire.SuggestTrialsRequest | wire.HeartbeatRequest, default: timedelta
) -> timedelta:
    """How long a lease is asked for.

    Raises:
        InvalidArgumentError: If it is too short or too long.
    """
    if not request.HasField("lease_duration"):
        return default
    length = _span(request.lease_duration, "lease_duration")
    if not _SHORTEST_LEASE <= length <= _LONGEST_LEASE:
        raise InvalidArgumentError(
            f"lease_duration is {length}; wanted one second to 30 days.", field="lease_duration"
        )
    return length


def trial_draft(trial: trial_wire.Trial, field: str, now: datetime) -> TrialDraft:
    """The trial made elsewhere that a message describes.

    Raises:
        InvalidArgumentError: If it is malformed.
    """
    state = TrialState.WAITING
    if trial.state:
        state = _known(trial.state, _TRIAL_STATES, f"{field}.state")
    client_id = check_client_id(trial.client_id) if trial.client_id else ""
    return TrialDraft(
        parameters=_parameters(trial.parameters, f"{field}.parameters"),
        state=state,
        values=metric_values(trial.values),
        measurements=tuple(measurement(each, now) for each in trial.measurements),
        reason=check_text(trial.reason, f"{field}.reason"),
        client_id=client_id,
        cost=trial.cost if trial.HasField("cost") else None,
        created=_moment(trial, "create_time", field),
        started=_moment(trial, "start_time", field),
        ended=_moment(trial, "end_time", field),
    )


def measurement(message: trial_wire.Measurement, now: datetime) -> Measurement:
    """One point of a learning curve."""
    return Measurement(
        step=message.step,
        values=metric_values(message.values),
        elapsed=message.elapsed_seconds if message.HasField("elapsed_seconds") else None,
        cost=message.cost if message.HasField("cost") else None,
        at=now,
    )


def metric_values(messages: Iterable[trial_wire.MetricValue]) -> tuple[MetricValue, ...]:
    """Values of metrics."""
    return tuple(
        MetricValue(each.metric, each.value, each.stderr if each.HasField("stderr") else None)
        for each in messages
    )


def points(request: wire.PredictRequest) -> list[Parameters]:
    """The configurations to foretell.

    Raises:
        InvalidArgumentError: If there is none, or too many, or one has a value that is not set.
    """
    if not request.points:
        raise InvalidArgumentError("No point was given; wanted 1 to 1000.", field="points")
    return [
        _parameters(each.parameters, f"points[{place}].parameters")
        for place, each in enumerate(few(request.points, "points"))
    ]


def detail(view: int, default: Detail) -> Detail:
    """How much of a trial is to be returned.

    Raises:
        InvalidArgumentError: If the view is unknown.
    """
    views: Mapping[int, Detail] = {
        trial_wire.TRIAL_VIEW_UNSPECIFIED: default,
        trial_wire.TRIAL_VIEW_BASIC: Detail.BASIC,
        trial_wire.TRIAL_VIEW_FULL: Detail.FULL,
    }
    return _known(view, views, "view")


def count(asked: int, default: int, field: str) -> int:
    """A number of things asked for, zero being the default.

    Raises:
        InvalidArgumentError: If it is negative or above the limit.
    """
    if not 0 <= asked <= LARGEST_COUNT:
        raise InvalidArgumentError(
            f"{field} is {asked}; wanted 1 to {LARGEST_COUNT}, or 0 for {default}.", field=field
        )
    return asked or default


def few(items: Sequence[Kind], field: str) -> Sequence[Kind]:
    """A list, if it is not too long.

    Raises:
        InvalidArgumentError: If it is.
    """
    if len(items) > LARGEST_COUNT:
        raise InvalidArgumentError(
            f"{field} has {len(items)} entries; at most {LARGEST_COUNT}. Send them in parts.",
            field=field,
        )
    return items


def number_within(study: StudyName, name: str, field: str) -> int:
    """The number of a trial of a study.

    Raises:
        InvalidArgumentError: If the name is not one of a trial of that study.
    """
    trial = TrialName.parse(name, field)
    if trial.parent != study:
        raise InvalidArgumentError(f"{name} is not a trial of {study}.", field=field)
    return trial.number


def since(message: Timestamp) -> datetime:
    """The moment from which on changes are wanted.

    Raises:
        InvalidArgumentError: If it is out of range.
    """
    return _time(message, "since")


def _budget(message: study_wire.Budget) -> Budget:
    return Budget(
        max_trials=message.max_trials if message.HasField("max_trials") else None,
        max_duration=(
            _span(message.max_duration, "study.budget.max_duration")
            if message.HasField("max_duration")
            else None
        ),
        target=message.target if message.HasField("target") else None,
    )


def _rule(message: study_wire.EarlyStopping) -> StoppingRule:
    match message.WhichOneof("rule"):
        case "median":
            return MedianRule(message.median.min_trials or 5, message.median.min_step)
        case "successive_halving":
            halving = message.successive_halving
            return SuccessiveHalving(halving.min_step or 1, halving.reduction_factor or 3)
    return None


def _labels(labels: Mapping[str, str]) -> dict[str, str]:
    return {key: check_text(value, "study.labels") for key, value in labels.items()}


def _parameters(parameters: Mapping[str, space_wire.ParameterValue], field: str) -> Parameters:
    try:
        return values_from_wire(parameters)
    except InvalidArgumentError as error:
        raise InvalidArgumentError(str(error), field=field) from error


def _moment(trial: trial_wire.Trial, name: str, field: str) -> datetime | None:
    if not trial.HasField(name):
        return None
    return _time(getattr(trial, name), f"{field}.{name}")


def _time(message: Timestamp, field: str) -> datetime:
    try:
        return message.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidArgumentError(
            f"{field} is no time between the years 1 and 9999.", field=field
        ) from error


def _span(message: Duration, field: str) -> timedelta:
    try:
        return message.ToTimedelta()
    except (ValueError, OverflowError) as error:
        raise InvalidArgumentError(
            f"{field} is no length of time below 10,000 years.", field=field
        ) from error


def _known(number: int, kinds: Mapping[int, Kind], field: str) -> Kind:
    if number not in kinds:
        raise InvalidArgumentError(
            f"{field} is {number or 'not set'}; wanted one of its named values.", field=field
        )
    return kinds[number]
