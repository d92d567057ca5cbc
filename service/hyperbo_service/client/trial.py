"""A leased trial, and the block in which it is run."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from types import TracebackType
from typing import Self, SupportsIndex

from hyperbo_service.client import requests
from hyperbo_service.client.answers import TrialRecord, read_trial
from hyperbo_service.client.calls import Answer, Call
from hyperbo_service.client.held import HeldTrial, Parting, failure_reason, nothing_reported
from hyperbo_service.client.outcomes import Values
from hyperbo_service.client.session import Session
from hyperbo_service.errors import LeaseLostError, ServiceError
from hyperbo_service.rpc.v1 import trial_pb2

logger = logging.getLogger(__name__)

PARTING_PATIENCE = 10.0
"""Seconds for which a failure is told to the server before the exception goes on its way."""


class Trial(HeldTrial):
    """A trial that this client runs; its lease is renewed in the background while it is held.

    Used as a context manager, the end of the block finishes the trial:

    - The last report becomes its result, unless `complete(value)` was called. Where nothing was
      reported the trial fails, and a `PreconditionError` says so.
    - An exception marks it failed with the exception's text as reason, and goes on its way.
    - `Infeasible` marks it infeasible, and goes no further.
    - `KeyboardInterrupt`, `SystemExit` and other exceptions that are no `Exception` leave the
      lease to expire, so that the trial is handed out again.
    - Where the lease was lost to another, the block ends without an exception, so that a loop goes
      on with the next trial; `is_lost` tells.

    Example:
        >>> from hyperbo_service.client import Client, Float, MockTransport
        >>> client = Client(transport=MockTransport([{"lr": 0.1}]))
        >>> space = {"lr": Float(1e-5, 1.0, scale="log")}
        >>> study = client.study("digits", space=space, metric="accuracy", goal="maximize")
        >>> with study.ask() as trial:
        ...     trial.report(0.5, step=1)
        ...     trial.report(0.9, step=2)
        >>> study.best().value
        0.9
    """

    def __init__(
        self, session: Session, trial: trial_pb2.Trial, metrics: Sequence[str], lease: float
    ) -> None:
        super().__init__(trial, metrics, lease)
        self._session = session

    def report(
        self,
        value: Values,
        step: SupportsIndex | None = None,
        *,
        stderr: Values | None = None,
        elapsed: float | None = None,
        cost: float | None = None,
    ) -> None:
        """Add a point to the learning curve, and renew the lease.

        Args:
            value: The metric's value, or values by metric, in their own units; finite.
            step: Increases with each report. None: one more than at the last report, 1 at first.
            stderr: Standard error of the value, same unit; None if unknown.
            elapsed: Seconds of training so far.
            cost: Cost so far, in a unit of your own.

        Raises:
            InvalidArgumentError: If a value is NaN or infinite, or the metric is unknown.
            LeaseLostError: If the trial was handed to another meanwhile.
            StepOrderError: If the step is not after the last one.
        """
        call = self._report_call(value, step, stderr, elapsed, cost)
        self._carry(call)
        self._reported(call)
        self._session.book.renewed(self)

    def should_stop(self) -> bool:
        """Whether to end the trial early: by the study's stopping rule, or as the lease is lost.

        A trial without a report is never stopped.
        """
        if self.is_lost:
            return True
        if self.is_finished or self.measurement_count == 0:
            return self.is_finished
        answer = self._session.connection.call(requests.check_early_stopping(self.name))
        self.stop_reason = answer.reason
        return answer.should_stop or self.is_lost

    def complete(
        self,
        value: Values | None = None,
        *,
        stderr: Values | None = None,
        cost: float | None = None,
    ) -> TrialRecord:
        """Finish the trial with its result; None stands for the last report.

        Raises:
            InvalidArgumentError: If a value is NaN or infinite, or the metric is unknown.
            LeaseLostError: If the trial was handed to another meanwhile.
            PreconditionError: If there is neither a value nor a report.
        """
        return self._finish(self._complete_call(value, stderr, cost))

    def fail(self, reason: str = "") -> TrialRecord:
        """Finish the trial as broken, for a reason that says nothing of its configuration.

        Raises:
            LeaseLostError: If the trial was handed to another meanwhile.
        """
        return self._finish(self._fail_call(reason))

    def infeasible(self, reason: str = "") -> TrialRecord:
        """Finish the trial as one whose configuration cannot be evaluated, e.g. as it diverged.

        Raises:
            LeaseLostError: If the trial was handed to another meanwhile.
        """
        return self._finish(self._infeasible_call(reason))

    def abandon(self, reason: str = "") -> TrialRecord:
        """Give the trial up; it does not count against the budget, and is not handed out again.

        Raises:
            LeaseLostError: If the trial was handed to another meanwhile.
        """
        return self._finish(self._abandon_call(reason))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        try:
            return self._part(error)
        except LeaseLostError:
            return self._part(None)
        finally:
            self._release()

    def _part(self, error: BaseException | None) -> bool:
        """Finish the trial; whether the exception has been dealt with."""
        match self._parting(error):
            case Parting.COMPLETE:
                self.complete()
            case Parting.EMPTY:
                self.fail("nothing was reported")
                raise nothing_reported(self)
            case Parting.INFEASIBLE:
                self.infeasible(str(error))
                return True
            case Parting.FAIL:
                self._fail_with(error)
            case Parting.LOST:
                logger.warning("%s was handed to another meanwhile; its run is void.", self.name)
                return True
        return False

    def _fail_with(self, error: BaseException | None) -> None:
        """Tell the server of a failure; if that fails too, the first exception bears a note."""
        call = self._fail_call(failure_reason(error))
        try:
            self._finish(call, PARTING_PATIENCE)
        except ServiceError as second:
            if error is not None:
                error.add_note(f"{self.name} could not be marked failed: {second}")

    def _finish(self, call: Call[trial_pb2.Trial], patience: float | None = None) -> TrialRecord:
        answer = self._carry(call, patience)
        self._finished()
        self._release()
        return read_trial(answer)

    def _carry(self, call: Call[Answer], patience: float | None = None) -> Answer:
        try:
            return self._session.connection.call(call, patience)
        except LeaseLostError:
            self.mark_lost()
            self._release()
            raise

    def _release(self) -> None:
        self._session.book.release(self)
        self._session.heartbeat.wake()
