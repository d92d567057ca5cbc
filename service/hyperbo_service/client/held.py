"""A trial in a client's hands: what it knows, and what leaving its block comes to."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, SupportsIndex

from hyperbo_service.client import requests
from hyperbo_service.client.answers import Measurement, number_of, read_measurement
from hyperbo_service.client.calls import Call
from hyperbo_service.client.outcomes import (
    Infeasible,
    Values,
    measurement,
    metric_values,
    storable,
)
from hyperbo_service.errors import IllegalMoveError, LeaseLostError, PreconditionError
from hyperbo_service.rpc.spaces import values_from_wire
from hyperbo_service.rpc.v1 import trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as tuning


class Parting(Enum):
    """What leaving a trial's block comes to."""

    FINISHED = "it was finished inside"
    COMPLETE = "its last report is its result"
    EMPTY = "nothing was reported"
    INFEASIBLE = "the configuration cannot be evaluated"
    FAIL = "an exception came out of it"
    LOST = "it was handed to another"
    LEAVE = "the process is being stopped, and the lease is left to expire"


class HeldTrial:
    """A leased trial without its I/O.

    Attributes:
        name: Resource name.
        parameters: Native values, to be passed to the training function.
        fencing_token: Token of the lease.
        lease: Seconds that the lease lasts after each report or heartbeat.
        past: What was reported before it was handed to this client: not empty where it is a trial
            that was interrupted, which may be resumed from a checkpoint or begun anew.
        stop_reason: What the stopping rule compared, once `should_stop()` was asked.
    """

    def __init__(self, trial: trial_pb2.Trial, metrics: Sequence[str], lease: float) -> None:
        self.name = trial.name
        self.parameters: dict[str, Any] = values_from_wire(trial.parameters)
        self.fencing_token = trial.fencing_token
        self.lease = lease
        self.past: tuple[Measurement, ...] = tuple(map(read_measurement, trial.measurements))
        self.stop_reason = ""
        self._metrics = tuple(metrics)
        self._last: trial_pb2.Measurement | None = None
        self._report_count = 0
        self._is_lost = False
        self._is_finished = False

    @property
    def number(self) -> int:
        """Number within the study, from 1."""
        return number_of(self.name)

    @property
    def study_name(self) -> str:
        """Resource name of the study."""
        return self.name.partition("/trials/")[0]

    @property
    def is_lost(self) -> bool:
        """Whether the trial was handed to another, finished or deleted from elsewhere."""
        return self._is_lost

    @property
    def is_finished(self) -> bool:
        """Whether this client has completed, failed or given up the trial."""
        return self._is_finished

    @property
    def last_step(self) -> int | None:
        """Step of the last measurement, those before this lease included; None if there is none."""
        if self._last is not None:
            return self._last.step
        return self.past[-1].step if self.past else None

    @property
    def last_value(self) -> float | None:
        """Value that was reported last under this lease; None if there is none."""
        return self._last.values[0].value if self._last is not None else None

    @property
    def measurement_count(self) -> int:
        """Number of measurements, those before this lease included."""
        return len(self.past) + self._report_count

    def mark_lost(self) -> None:
        """Note that the lease is gone."""
        self._is_lost = not self._is_finished

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.number} {self.parameters}>"

    def _report_call(
        self,
        values: Values,
        step: SupportsIndex | None,
        stderr: Values | None,
        elapsed: float | None,
        cost: float | None,
    ) -> Call[tuning.ReportMeasurementResponse]:
        self._check_held()
        if step is None:
            step = 1 if self._last is None else self._last.step + 1
        point = measurement(metric_values(values, self._metrics, stderr), step, elapsed, cost)
        return requests.report(self.name, self.fencing_token, point)

    def _reported(self, call: Call[tuning.ReportMeasurementResponse]) -> None:
        request = call.request
        assert isinstance(request, tuning.ReportMeasurementRequest)  # noqa: S101 - built above
        self._last = request.measurement
        self._report_count += 1

    def _complete_call(
        self, values: Values | None, stderr: Values | None, cost: float | None
    ) -> Call[trial_pb2.Trial]:
        self._check_held()
        if values is None and self.measurement_count == 0:
            raise nothing_reported(self)
        # No values stand for the last measurement, with its standard error and cost.
        final = [] if values is None else metric_values(values, self._metrics, stderr)
        return requests.complete(self.name, self.fencing_token, final, cost)

    def _fail_call(self, reason: str) -> Call[trial_pb2.Trial]:
        self._check_held()
        return requests.fail(self.name, self.fencing_token, storable(reason))

    def _infeasible_call(self, reason: str) -> Call[trial_pb2.Trial]:
        self._check_held()
        return requests.mark_infeasible(self.name, self.fencing_token, storable(reason))

    def _abandon_call(self, reason: str) -> Call[trial_pb2.Trial]:
        self._check_held()
        return requests.abandon(self.name, self.fencing_token, storable(reason))

    def _finished(self) -> None:
        self._is_finished, self._is_lost = True, False

    def _check_held(self) -> None:
        if self._is_finished:
            raise IllegalMoveError(
                f"{self.name} is finished; ask for another trial.", resource=self.name
            )
        if self._is_lost:
            raise LeaseLostError(
                f"{self.name} was handed to another, finished or deleted meanwhile; leave it and "
                "ask for another trial.",
                resource=self.name,
            )

    def _parting(self, error: BaseException | None) -> Parting:
        """What leaving the block with this exception, or none, comes to."""
        if self._is_finished:
            return Parting.FINISHED
        if self._is_lost and (error is None or isinstance(error, LeaseLostError | Infeasible)):
            return Parting.LOST
        if error is None:
            return Parting.EMPTY if self._last is None else Parting.COMPLETE
        if isinstance(error, Infeasible):
            return Parting.INFEASIBLE
        if isinstance(error, Exception) and not self._is_lost:
            return Parting.FAIL
        return Parting.LEAVE


_NOTHING = (
    "nothing was reported, so it has no result. Call trial.report(value) or "
    "trial.complete(value) before the end of its block."
)


def nothing_reported(trial: HeldTrial) -> PreconditionError:
    """The error of a block that was left without a result."""
    return PreconditionError(f"{trial.name}: {_NOTHING}", resource=trial.name)


def failure_reason(error: BaseException | None) -> str:
    """An exception as a trial's reason: its type and text."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
