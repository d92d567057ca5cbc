"""Studies of a mock server, in memory, and what calls do to them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from hyperbo_service.client.mock_space import check
from hyperbo_service.errors import (
    AlreadyExistsError,
    IllegalMoveError,
    InvalidArgumentError,
    NotFoundError,
    PreconditionError,
    StudyDiffersError,
    UnsupportedError,
)
from hyperbo_service.rpc.spaces import values_from_wire
from hyperbo_service.rpc.v1 import study_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as tuning
from hyperbo_service.rpc.v1.study_pb2 import Study
from hyperbo_service.rpc.v1.trial_pb2 import MetricValue, Trial

FINISHED = (
    Trial.STATE_COMPLETED,
    Trial.STATE_INFEASIBLE,
    Trial.STATE_FAILED,
    Trial.STATE_ABANDONED,
)


class MockStudies:
    """Studies and trials by name; what is refused is refused before anything changes.

    Attributes:
        time: What the clock shows; it stands still unless it is moved.
    """

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)
        self._studies: dict[str, Study] = {}
        self._trials: dict[str, Trial] = {}
        self._last_numbers: dict[str, int] = {}

    def create_study(self, request: tuning.CreateStudyRequest) -> Message:
        """Create a study, or return the one that is there."""
        name = f"{request.parent}/studies/{request.study_id}"
        new, old = request.study, self._studies.get(name)
        if not request.study_id or "/" in request.study_id:
            raise InvalidArgumentError(f"The study id is {request.study_id!r}.", field="study_id")
        if not new.space.parameters:
            raise InvalidArgumentError("The search space is empty.", field="study.space")
        if len(new.metrics) != 1 or not new.metrics[0].goal:
            raise InvalidArgumentError("Wanted one metric with a goal.", field="study.metrics")
        if old is None:
            study = Study()
            study.CopyFrom(new)
            study.name, study.state = name, new.state or Study.STATE_ACTIVE
            study.prior = new.prior or "auto"
            self._stamp(study.create_time, study.update_time)
            self._studies[name] = study
        elif (old.space, list(old.metrics)) != (new.space, list(new.metrics)):
            raise StudyDiffersError(
                f"{name} exists with another search space or metric.", resource=name
            )
        elif not request.allow_existing:
            raise AlreadyExistsError(f"{name} exists.", resource=name)
        return self._shown(name)

    def get_study(self, request: tuning.GetStudyRequest) -> Message:
        """Read a study."""
        return self._shown(request.name)

    def list_studies(self, request: tuning.ListStudiesRequest) -> Message:
        """Read a page of studies; filters are refused."""
        names = [name for name in self._studies if name.startswith(f"{request.parent}/")]
        shown, token = page(names, request.page_size, request.page_token, request.filter)
        studies = [self._shown(name) for name in shown]
        return tuning.ListStudiesResponse(studies=studies, next_page_token=token)

    def update_study(self, request: tuning.UpdateStudyRequest) -> Message:
        """Change a study."""
        study = self._study(request.study.name)
        for path in request.update_mask.paths:
            if path not in {"display_name", "budget", "early_stopping", "labels", "state"}:
                raise InvalidArgumentError(f"{path} cannot be changed.", field="update_mask")
        before = study.state
        if "state" in request.update_mask.paths:
            _check_move(study, request.study.state)
        for path in request.update_mask.paths:
            study.ClearField(path)
        changed = Study()
        request.update_mask.MergeMessage(request.study, changed)
        study.MergeFrom(changed)
        if study.state != before:
            done = study.state == Study.STATE_COMPLETED
            study.stop_reason = (
                Study.STOP_REASON_REQUESTED if done else Study.STOP_REASON_UNSPECIFIED
            )
        self._stamp(study.update_time)
        return self._shown(study.name)

    def delete_study(self, request: tuning.DeleteStudyRequest) -> Message:
        """Delete a study."""
        study = self._study(request.name)
        trials = [trial.name for trial in self._of(study.name)]
        if trials and not request.force:
            raise PreconditionError(f"{study.name} has trials; force is needed.", field="force")
        for name in trials:
            del self._trials[name]
        del self._studies[study.name]
        return Empty()

    def list_best_trials(self, request: tuning.ListBestTrialsRequest) -> Message:
        """Read the best trials."""
        metric = self._study(request.parent).metrics[0]
        sign = 1.0 if metric.goal == study_pb2.MetricSpec.GOAL_MINIMIZE else -1.0
        done = [t for t in self._of(request.parent) if t.state == Trial.STATE_COMPLETED]
        done.sort(key=lambda trial: sign * trial.values[0].value)
        best = [basic(each) for each in done[: request.page_size or 1]]
        return tuning.ListBestTrialsResponse(trials=best)

    def import_trials(self, request: tuning.ImportTrialsRequest) -> Message:
        """Add finished trials."""
        study = self._study(request.parent)
        for new in request.trials:
            check(study.space, values_from_wire(new.parameters))
            if new.state == Trial.STATE_COMPLETED:
                check_values(study, new.values)
        added = [self._add(study, new, Trial.ORIGIN_IMPORTED) for new in request.trials]
        return tuning.ImportTrialsResponse(names=[trial.name for trial in added])

    def export_study(self, request: tuning.ExportStudyRequest) -> Iterator[Message]:
        """The study, then its trials."""
        yield tuning.ExportStudyResponse(study=self._shown(request.name))
        yield tuning.ExportStudyResponse(trials=self._of(request.name))

    def watch_study(self, request: tuning.WatchStudyRequest) -> Iterator[Message]:
        """The study and its trials as they are; changes are not waited for."""
        since = request.since.ToDatetime(UTC) if request.HasField("since") else None
        trials = [
            each
            for each in self._of(request.name)
            if since is None or each.update_time.ToDatetime(UTC) >= since
        ]
        answer = tuning.WatchStudyResponse(study=self._shown(request.name), trials=trials)
        self._stamp(answer.watermark)
        yield answer
        raise UnsupportedError(
            "The mock does not wait for changes; leave the watch after the first."
        )

    def _finish_study(self, study: Study, finished: Trial | None = None) -> None:
        """Complete the study if a trial has just reached its target, or its budget is used up."""
        trials = self._of(study.name)
        sign = 1.0 if study.metrics[0].goal == study_pb2.MetricSpec.GOAL_MAXIMIZE else -1.0
        budget = study.budget
        values = [] if finished is None else [sign * each.value for each in finished.values]
        if budget.HasField("target") and values and values[0] >= sign * budget.target:
            self._close(study, Study.STOP_REASON_TARGET_REACHED)
        counted = [each for each in trials if each.state != Trial.STATE_ABANDONED]
        done = all(each.state in FINISHED for each in trials)
        if budget.HasField("max_trials") and len(counted) >= budget.max_trials and done:
            self._close(study, Study.STOP_REASON_MAX_TRIALS)

    def _close(self, study: Study, why: Study.StopReason) -> None:
        if study.state != Study.STATE_COMPLETED:
            study.state, study.stop_reason = Study.STATE_COMPLETED, why
            self._stamp(study.end_time, study.update_time)

    def _study(self, name: str) -> Study:
        if name not in self._studies:
            raise NotFoundError(f"There is no study {name}.", resource=name)
        return self._studies[name]

    def _shown(self, name: str) -> Study:
        """A copy of a study with its numbers of trials."""
        study = Study()
        study.CopyFrom(self._study(name))
        for trial in self._of(name):
            field = Trial.State.Name(trial.state).removeprefix("STATE_").lower()
            setattr(study.trial_counts, field, getattr(study.trial_counts, field) + 1)
        return study

    def _of(self, study: str) -> list[Trial]:
        """A study's trials by number."""
        return [each for name, each in self._trials.items() if study_of(name) == study]

    def _add(self, study: Study, new: Trial, origin: Trial.Origin) -> Trial:
        number = self._last_numbers[study.name] = self._last_numbers.get(study.name, 0) + 1
        trial = copy(new)
        trial.name, trial.origin = f"{study.name}/trials/{number}", origin
        trial.state = new.state or Trial.STATE_WAITING
        trial.measurement_count = len(new.measurements)
        self._stamp(trial.create_time, trial.update_time)
        self._trials[trial.name] = trial
        return trial

    def _stamp(self, *stamps: Timestamp) -> None:
        for stamp in stamps:
            stamp.FromDatetime(self.time)


def _check_move(study: Study, state: Study.State) -> None:
    """Refuse to pause a study that is completed; it must be made active first."""
    if (study.state, state) == (Study.STATE_COMPLETED, Study.STATE_PAUSED):
        raise IllegalMoveError(
            f"{study.name} is completed and cannot become paused. Make it active first.",
            field="study.state",
            resource=study.name,
        )


def study_of(trial: str) -> str:
    """The name of a trial's study."""
    return trial.partition("/trials/")[0]


def copy(trial: Trial) -> Trial:
    """The whole of a trial."""
    whole = Trial()
    whole.CopyFrom(trial)
    return whole


def basic(trial: Trial) -> Trial:
    """A trial without its measurements."""
    part = copy(trial)
    del part.measurements[:]
    return part


def page(names: Sequence[str], size: int, token: str, where: str) -> tuple[Sequence[str], str]:
    """A page of names, and the token of the next."""
    if where:
        raise UnsupportedError("The mock does not filter.", field="filter")
    start, size = int(token or 0), min(size or 100, 1000)
    end = start + size
    return names[start:end], str(end) if end < len(names) else ""


def check_values(study: Study, values: Sequence[MetricValue]) -> None:
    """Refuse values that are not just one finite value of the study's metric."""
    metric = study.metrics[0].name
    if [each.metric for each in values] != [metric]:
        raise InvalidArgumentError(f"Wanted one value of the metric {metric!r}.", field="values")
    if not math.isfinite(values[0].value):
        raise InvalidArgumentError(f"{metric} is {values[0].value}.", field="values")
