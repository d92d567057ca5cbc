"""A transport for tests of programs that use the client: a small tuning service in memory."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from google.protobuf.message import Message

from hyperbo_service.client.answers import TrialRecord, read_trial
from hyperbo_service.client.mock_server import MockServer
from hyperbo_service.errors import (
    InvalidArgumentError,
    RequestReusedError,
    ServiceError,
    UnsupportedError,
)
from hyperbo_service.rpc.spaces import Value


class MockCall(NamedTuple):
    """A call that a mock has got."""

    method: str
    request: Message


class _Failure(NamedTuple):
    error: ServiceError
    method: str | None
    after: bool


class MockTransport:
    """A tuning service in memory, with the rules of the real one.

    A repeated request id gives the first answer again, an old fencing token is refused, moves
    between states are those of the service, and a study ends with its budget. Time stands still
    until `advance` moves it. Predictions, reports on priors and the registry are refused.

    Attributes:
        calls: What it was called for, in order.

    Example:
        >>> from hyperbo_service.client import Client, Float
        >>> mock = MockTransport([{"lr": 0.1}, {"lr": 0.2}])
        >>> space = {"lr": Float(1e-5, 1.0, scale="log")}
        >>> study = Client(transport=mock).study("s", space=space, metric="loss", goal="minimize")
        >>> [trial.parameters["lr"] for trial in study.ask(2)]
        [0.1, 0.2]
        >>> [call.method for call in mock.calls]
        ['CreateStudy', 'SuggestTrials']
    """

    def __init__(
        self,
        suggestions: Iterable[Mapping[str, Value]] | None = None,
        *,
        should_stop: Callable[[TrialRecord], bool] = lambda _: False,
    ) -> None:
        """Make an empty service.

        Args:
            suggestions: Configurations to hand out, in order, whatever the study; when they are
                used up, the study is done. None: drawn at random from the search space.
            should_stop: The early-stopping rule: asked of a trial that has reported something.
        """
        self.calls: list[MockCall] = []
        self._server = MockServer(suggestions, lambda trial: should_stop(read_trial(trial)))
        self._answers: dict[str, tuple[str, bytes, Message]] = {}
        self._failures: deque[_Failure] = deque()
        self._lock = threading.RLock()

    def fail_next(
        self, *errors: ServiceError, method: str | None = None, after: bool = False
    ) -> None:
        """Let the next calls fail, one for each error.

        Args:
            errors: What they raise.
            method: Only calls of this method, e.g. `ReportMeasurement`; None: any.
            after: Whether the call is carried out before it fails, as when its answer is lost; a
                stream breaks after its first part.
        """
        with self._lock:
            self._failures.extend(_Failure(error, method, after) for error in errors)

    def advance(self, seconds: float) -> None:
        """Move time on, so that leases expire."""
        with self._lock:
            self._server.time += timedelta(seconds=seconds)

    def call(self, method: str, request: Message, *, timeout: float | None = None) -> Message:  # noqa: ARG002 - it takes no time
        """Carry one request and return the answer."""
        with self._lock:
            failure = self._begin(method, request)
            answer = self._answer(method, request)
            if failure is not None:
                raise failure.error
            return answer

    def stream(
        self,
        method: str,
        request: Message,
        *,
        timeout: float | None = None,  # noqa: ARG002 - as above
    ) -> Iterator[Message]:
        """Carry one request and give the parts of the answer."""
        with self._lock:
            failure = self._begin(method, request)
            parts = _handler(self._server, method)(request)
            part = next(parts, None)
        while part is not None:
            yield part
            if failure is not None:
                raise failure.error
            with self._lock:
                part = next(parts, None)

    def upload(
        self,
        method: str,
        requests: Iterable[Message],  # noqa: ARG002 - refused whatever it is
        *,
        timeout: float | None = None,  # noqa: ARG002 - as above
    ) -> Message:
        """Refuse: a mock has no registry."""
        raise UnsupportedError(f"MockTransport does not do {method}.")

    def close(self) -> None:
        """Nothing is held open."""

    def _begin(self, method: str, request: Message) -> _Failure | None:
        """Note the call; the failure that it meets after it is carried out, if any."""
        self.calls.append(MockCall(method, _copy(request)))
        failure = next((each for each in self._failures if each.method in (None, method)), None)
        if failure is not None:
            self._failures.remove(failure)
            if not failure.after:
                raise failure.error
        return failure

    def _answer(self, method: str, request: Message) -> Message:
        request_id = getattr(request, "request_id", None)
        if request_id is None:
            message: Message = _handler(self._server, method)(request)
            return message
        if len(request_id) < 8:
            raise InvalidArgumentError("A request id is missing.", field="request_id")
        content = request.SerializeToString(deterministic=True)
        if request_id in self._answers:
            first, old, answer = self._answers[request_id]
            if (first, old) != (method, content):
                raise RequestReusedError(f"Another call bore the id {request_id}.")
            return _copy(answer)
        first_answer: Message = _handler(self._server, method)(request)
        self._answers[request_id] = (method, content, _copy(first_answer))
        return first_answer


def _handler(server: MockServer, method: str) -> Callable[[Message], Any]:
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", method).lower()
    handler: Callable[[Message], Any] | None = getattr(server, name, None)
    if handler is None:
        raise UnsupportedError(f"MockTransport does not do {method}.")
    return handler


def _copy(message: Message) -> Message:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy
