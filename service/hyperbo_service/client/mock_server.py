"""Trials of a mock server: handed out, measured and finished."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, timedelta
from random import Random

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from hyperbo_service.client.mock_space import check, draw
from hyperbo_service.client.mock_studies import (
    FINISHED,
    MockStudies,
    basic,
    check_values,
    copy,
    page,
    study_of,
)
from hyperbo_service.errors import (
    IllegalMoveError,
    LeaseLostError,
    NotFoundError,
    StepOrderError,
    StudyClosedError,
)
from hyperbo_service.rpc.spaces import Value, values_from_wire, values_to_wire
from hyperbo_service.rpc.v1 import trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as tuning
from hyperbo_service.rpc.v1.study_pb2 import Study
from hyperbo_service.rpc.v1.trial_pb2 import Trial

_LEASE = 60.0


class MockServer(MockStudies):
    """The whole tuning service but for what needs numerics: predictions and prior reports."""

    def __init__(
        self,
        suggestions: Iterable[Mapping[str, Value]] | None,
        should_stop: Callable[[Trial], bool],
    ) -> None:
        super().__init__()
        self._suggestions = None if suggestions is None else iter(suggestions)
        self._should_stop = should_stop
        self._random = Random(0)  # noqa: S311 - nothing secret
        self._leases: dict[str, float] = {}
        self._last_steps: dict[tuple[str, int], int] = {}

    def suggest_trials(self, request: tuning.SuggestTrialsRequest) -> Message:
        """Lease trials."""
        study = self._study(request.parent)
        given: list[Trial] = []
        while study.state == Study.STATE_ACTIVE and len(given) < max(request.count, 1):
            trial = self._next(study, request, [each.name for each in given])
            if trial is None:
                break
            self._hand_out(
                trial,
                request.client_id,
                request.lease_duration.ToTimedelta().total_seconds() or _LEASE,
            )
            given.append(trial)
        answer = tuning.SuggestTrialsResponse(
            trials=[basic(each) for each in given],
            study_state=study.state,
            stop_reason=study.stop_reason,
        )
        if not given and study.state != Study.STATE_COMPLETED:
            answer.retry_after.FromSeconds(1)
        return answer

    def create_trial(self, request: tuning.CreateTrialRequest) -> Message:
        """Add a trial by hand."""
        study, new = self._study(request.parent), request.trial
        if study.state == Study.STATE_COMPLETED and new.state in (0, Trial.STATE_WAITING):
            raise StudyClosedError(f"{study.name} is completed.", resource=study.name)
        check(study.space, values_from_wire(new.parameters))
        if new.state == Trial.STATE_COMPLETED:
            check_values(study, new.values)
        trial = self._add(study, new, Trial.ORIGIN_CREATED)
        trial.state = new.state or Trial.STATE_WAITING
        self._finish_study(study, trial)
        return basic(trial)

    def get_trial(self, request: tuning.GetTrialRequest) -> Message:
        """Read a trial."""
        trial = self._trial(request.name)
        return basic(trial) if request.view == trial_pb2.TRIAL_VIEW_BASIC else copy(trial)

    def list_trials(self, request: tuning.ListTrialsRequest) -> Message:
        """Read a page of trials; filters are refused."""
        self._study(request.parent)
        names = [trial.name for trial in self._of(request.parent)]
        shown, token = page(names, request.page_size, request.page_token, request.filter)
        view = copy if request.view == trial_pb2.TRIAL_VIEW_FULL else basic
        trials = [view(self._trials[name]) for name in shown]
        return tuning.ListTrialsResponse(trials=trials, next_page_token=token)

    def delete_trial(self, request: tuning.DeleteTrialRequest) -> Message:
        """Delete a trial."""
        del self._trials[self._trial(request.name).name]
        return Empty()

    def report_measurement(self, request: tuning.ReportMeasurementRequest) -> Message:
        """Add a point to a learning curve; under a new lease it goes on at any step."""
        trial, point = self._held(request.name, request.fencing_token), request.measurement
        check_values(self._study(study_of(trial.name)), point.values)
        own = self._last_steps.get((trial.name, trial.fencing_token))
        if own is not None and point.step <= own:
            raise StepOrderError(
                f"{trial.name} has step {own}; step {point.step} is not after it.",
                field="measurement.step",
            )
        kept = [each for each in trial.measurements if each.step < point.step]
        del trial.measurements[:]
        trial.measurements.extend([*kept, point])
        trial.measurement_count = len(trial.measurements)
        self._last_steps[trial.name, trial.fencing_token] = point.step
        self._renew(trial, self._leases[trial.name])
        return tuning.ReportMeasurementResponse(
            lease_expire_time=trial.lease_expire_time, measurement_count=trial.measurement_count
        )

    def complete_trial(self, request: tuning.CompleteTrialRequest) -> Message:
        """Give a trial its final values."""
        trial = self._held(request.name, request.fencing_token)
        values = list(request.values)
        if not values and trial.measurements:
            values = list(trial.measurements[-1].values)
        study = self._study(study_of(trial.name))
        check_values(study, values)
        trial.values.extend(values)
        if request.HasField("cost"):
            trial.cost = request.cost
        self._end(trial, Trial.STATE_COMPLETED, "")
        return basic(trial)

    def fail_trial(self, request: tuning.FailTrialRequest) -> Message:
        """Say that a trial broke."""
        return self._give_up(request, Trial.STATE_FAILED)

    def mark_trial_infeasible(self, request: tuning.MarkTrialInfeasibleRequest) -> Message:
        """Say that a trial's configuration cannot be evaluated."""
        return self._give_up(request, Trial.STATE_INFEASIBLE)

    def abandon_trial(self, request: tuning.AbandonTrialRequest) -> Message:
        """Give a trial up."""
        return self._give_up(request, Trial.STATE_ABANDONED)

    def heartbeat(self, request: tuning.HeartbeatRequest) -> Message:
        """Renew leases."""
        self._study(request.parent)
        statuses = []
        for lease in request.leases:
            status = tuning.LeaseStatus(name=lease.name, state=tuning.LeaseStatus.STATE_LOST)
            trial = self._trials.get(lease.name, Trial())
            if (trial.state, trial.fencing_token) == (Trial.STATE_RUNNING, lease.fencing_token):
                seconds = (
                    request.lease_duration.ToTimedelta().total_seconds() or self._leases[trial.name]
                )
                self._renew(trial, seconds)
                status.state = tuning.LeaseStatus.STATE_HELD
                status.expire_time.CopyFrom(trial.lease_expire_time)
            statuses.append(status)
        return tuning.HeartbeatResponse(leases=statuses)

    def check_early_stopping(self, request: tuning.CheckEarlyStoppingRequest) -> Message:
        """Ask the rule that the mock was given."""
        trial = self._trial(request.name)
        stop = bool(trial.measurements) and self._should_stop(copy(trial))
        return tuning.CheckEarlyStoppingResponse(should_stop=stop)

    def _next(
        self, study: Study, request: tuning.SuggestTrialsRequest, given: list[str]
    ) -> Trial | None:
        """The trial to hand out: a lost one, a waiting one, an expired one, or a new one."""
        trials = [each for each in self._of(study.name) if each.name not in given]
        running = [each for each in trials if each.state == Trial.STATE_RUNNING]
        own = [each for each in running if each.client_id == request.client_id]
        lost = [each for each in own if each.name not in request.held_trials]
        waiting = [each for each in trials if each.state == Trial.STATE_WAITING]
        now = self.time
        expired = [each for each in running if each.lease_expire_time.ToDatetime(UTC) <= now]
        for trial in (*lost, *waiting, *expired):
            if trial.name not in request.held_trials:
                return trial
        return self._suggested(study)

    def _suggested(self, study: Study) -> Trial | None:
        limit = study.budget.max_trials if study.budget.HasField("max_trials") else math.inf
        counted = [t for t in self._of(study.name) if t.state != Trial.STATE_ABANDONED]
        if len(counted) >= limit:
            self._finish_study(study)
            return None
        if self._suggestions is None:
            config: Mapping[str, Value] | None = draw(study.space, self._random)
        else:
            config = next(self._suggestions, None)
        if config is None:
            if all(each.state in FINISHED for each in self._of(study.name)):
                self._close(study, Study.STOP_REASON_SPACE_EXHAUSTED)
            return None
        check(study.space, config)
        new = Trial(parameters=values_to_wire(config))
        return self._add(study, new, Trial.ORIGIN_SUGGESTED)

    def _hand_out(self, trial: Trial, client_id: str, lease: float) -> None:
        trial.state, trial.client_id = Trial.STATE_RUNNING, client_id
        trial.fencing_token += 1
        self._stamp(trial.start_time)
        self._renew(trial, lease)

    def _renew(self, trial: Trial, lease: float) -> None:
        self._leases[trial.name] = lease
        trial.lease_expire_time.FromDatetime(self.time + timedelta(seconds=lease))
        self._stamp(trial.update_time)

    def _give_up(
        self,
        request: (
            tuning.FailTrialRequest | tuning.MarkTrialInfeasibleRequest | tuning.AbandonTrialRequest
        ),
        state: Trial.State,
    ) -> Message:
        """End a trial without a result; a running one by its token, unless it is abandoned."""
        trial, token = self._trial(request.name), request.fencing_token
        is_running = trial.state == Trial.STATE_RUNNING
        if token or (is_running and state != Trial.STATE_ABANDONED):
            _check_token(trial, token)
        is_waiting = trial.state == Trial.STATE_WAITING
        if not is_running and (not is_waiting or state == Trial.STATE_FAILED):
            raise _illegal(trial)
        return self._end(trial, state, request.reason)

    def _end(self, trial: Trial, state: Trial.State, why: str) -> Message:
        trial.state, trial.reason = state, why
        trial.ClearField("lease_expire_time")
        self._stamp(trial.end_time, trial.update_time)
        self._finish_study(self._study(study_of(trial.name)), trial)
        return basic(trial)

    def _trial(self, name: str) -> Trial:
        if name not in self._trials:
            raise NotFoundError(f"There is no trial {name}.", resource=name)
        return self._trials[name]

    def _held(self, name: str, token: int) -> Trial:
        """A running trial, whose lease the caller has."""
        trial = self._trial(name)
        _check_token(trial, token)
        if trial.state != Trial.STATE_RUNNING:
            raise _illegal(trial)
        return trial


def _check_token(trial: Trial, token: int) -> None:
    if trial.fencing_token != token:
        raise LeaseLostError(f"{trial.name} was handed to another meanwhile.", resource=trial.name)


def _illegal(trial: Trial) -> IllegalMoveError:
    state = Trial.State.Name(trial.state).removeprefix("STATE_").lower()
    return IllegalMoveError(f"{trial.name} is {state}.", resource=trial.name)
