"""A leased trial for asyncio, and the block in which it is run."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from types import TracebackType
from typing import Self, SupportsIndex

from hyperbo_service.client import requests
from hyperbo_service.client.aio.session import AsyncSession
from hyperbo_service.client.answers import TrialRecord, read_trial
from hyperbo_service.client.calls import Answer, Call
from hyperbo_service.client.held import HeldTrial, Parting, failure_reason, nothing_reported
from hyperbo_service.client.outcomes import Values
from hyperbo_service.client.trial import PARTING_PATIENCE
from hyperbo_service.errors import LeaseLostError, ServiceError
from hyperbo_service.rpc.v1 import trial_pb2

logger = logging.getLogger(__name__)


class AsyncTrial(HeldTrial):
    """A trial that this client runs: what `Trial` is for threads.

    A cancelled task leaves the lease to expire, so that the trial is handed out again.
    """

    def __init__(
        self, session: AsyncSession, trial: trial_pb2.Trial, metrics: Sequence[str], lease: float
    ) -> None:
        super().__init__(trial, metrics, lease)
        self._session = session

    async def report(
        self,
        value: Values,
        step: SupportsIndex | None = None,
        *,
        stderr: Values | None = None,
        elapsed: float | None = None,
        cost: float | None = None,
    ) -> None:
        """Add a point to the learning curve, and renew the lease; as `Trial.report`.

        Raises:
            InvalidArgumentError: If a value is NaN or infinite, or the metric is unknown.
            LeaseLostError: If the trial was handed to another meanwhile.
            StepOrderError: If the step is not after the last one.
        """
        call = self._report_call(value, step, stderr, elapsed, cost)
        await self._carry(call)
        self._reported(call)
        self._session.book.renewed(self)

    async def should_stop(self) -> bool:
        """Whether to end the trial early: by the study's stopping rule, or as the lease is lost.

        A trial without a report is never stopped.
        """
        if self.is_lost:
            return True
        if self.is_finished or self.measurement_count == 0:
            return self.is_finished
        answer = await self._session.connection.call(requests.check_early_stopping(self.name))
        self.stop_reason = answer.reason
        return answer.should_stop or self.is_lost

    async def complete(
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
        return await self._finish(self._complete_call(value, stderr, cost))

    async def fail(self, reason: str = "") -> TrialRecord:
        """Finish the trial as broken, for a reason that says nothing of its configuration.

        Raises:
            LeaseLostError: If the trial was handed to another meanwhile.
        """
        return await self._finish(self._fail_call(reason))

    async def infeasible(self, reason: str = "") -> TrialRecord:
        """Finish the trial as one whose configuration cannot be evaluated, e.g. as it diverged.

        Raises:
            LeaseLostError: If the trial was handed to another meanwhile.
        """
        return await self._finish(self._infeasible_call(reason))

    async def abandon(self, reason: str = "") -> TrialRecord:
        """Give the trial up; it does not count against the budget, and is not handed out again.

        Raises:
            LeaseLostError: If the trial was handed to another meanwhile.
        """
        return await self._finish(self._abandon_call(reason))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        try:
            return await self._part(error)
        except LeaseLostError:
            return await self._part(None)
        finally:
            self._release()

    async def _part(self, error: BaseException | None) -> bool:
        """Finish the trial; whether the exception has been dealt with."""
        match self._parting(error):
            case Parting.COMPLETE:
                await self.complete()
            case Parting.EMPTY:
                await self.fail("nothing was reported")
                raise nothing_reported(self)
            case Parting.INFEASIBLE:
                await self.infeasible(str(error))
                return True
            case Parting.FAIL:
                await self._fail_with(error)
            case Parting.LOST:
                logger.warning("%s was handed to another meanwhile; its run is void.", self.name)
                return True
        return False

    async def _fail_with(self, error: BaseException | None) -> None:
        """Tell the server of a failure; if that fails too, the first exception bears a note."""
        call = self._fail_call(failure_reason(error))
        try:
            await self._finish(call, PARTING_PATIENCE)
        except ServiceError as second:
            if error is not None:
                error.add_note(f"{self.name} could not be marked failed: {second}")

    async def _finish(
        self, call: Call[trial_pb2.Trial], patience: float | None = None
    ) -> TrialRecord:
        answer = await self._carry(call, patience)
        self._finished()
        self._release()
        return read_trial(answer)

    async def _carry(self, call: Call[Answer], patience: float | None = None) -> Answer:
        try:
            return await self._session.connection.call(call, patience)
        except LeaseLostError:
            self.mark_lost()
            self._release()
            raise

    def _release(self) -> None:
        self._session.book.release(self)
        self._session.heartbeat.wake()
