"""Which calls are repeated, after what pauses, and for how long."""

import pytest

from hyperbo_service.client.calls import Call
from hyperbo_service.client.connection import Connection
from hyperbo_service.client.mock import MockTransport
from hyperbo_service.client.requests import list_studies
from hyperbo_service.client.retry import Attempts
from hyperbo_service.errors import (
    DeadlineError,
    InternalError,
    LeaseLostError,
    PreconditionError,
    RateLimitedError,
    ServiceError,
    TooLargeError,
    UnavailableError,
)
from hyperbo_service.rpc.v1 import tuning_service_pb2 as tuning
from tests.service.client.support import Time

CALL = list_studies("projects/default", "", "")


def test_pauses_double_up_to_ten_seconds(time: Time) -> None:
    """Pauses are drawn below a bound that doubles from 0.1 s to 10 s; here always its half."""
    attempts = Attempts(1e9, time.clock)
    pauses = [attempts.pause(UnavailableError("down")) for _ in range(9)]

    assert pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


@pytest.mark.parametrize("error", [UnavailableError("x"), DeadlineError("x")])
def test_passing_errors_are_repeated(mock: MockTransport, time: Time, error: ServiceError) -> None:
    """A call that meets a passing error succeeds later."""
    mock.fail_next(error, error, error)
    Connection(mock, clock=time.clock).call(CALL)

    assert len(mock.calls) == 4
    assert len(time.sleeps) == 3


@pytest.mark.parametrize(
    "kind", [InternalError, LeaseLostError, PreconditionError, TooLargeError, RateLimitedError]
)
def test_other_errors_are_not(mock: MockTransport, time: Time, kind: type[ServiceError]) -> None:
    """An error that waiting does not mend is raised at once."""
    mock.fail_next(kind("x"))
    with pytest.raises(kind):
        Connection(mock, clock=time.clock).call(CALL)

    assert time.sleeps == []


def test_rate_limit_is_waited_for(mock: MockTransport, time: Time) -> None:
    """A call refused for a while waits at least as long as the server says."""
    mock.fail_next(RateLimitedError("slow down", retry_after=7.0))
    Connection(mock, clock=time.clock).call(CALL)

    assert time.sleeps == [7.05]


def test_patience_ends(mock: MockTransport, time: Time) -> None:
    """When patience is over the last error is raised, with a note of what was tried."""
    mock.fail_next(*[UnavailableError("down")] * 1000)
    with pytest.raises(UnavailableError, match="down") as caught:
        Connection(mock, patience=60.0, clock=time.clock).call(CALL)

    assert 50.0 < time.now <= 60.0
    assert caught.value.__notes__ == [f"Tried {len(mock.calls)} times in {time.now:.0f} s."]


def test_no_patience(mock: MockTransport, time: Time) -> None:
    """Without patience a call is tried once."""
    mock.fail_next(UnavailableError("down"))
    with pytest.raises(UnavailableError):
        Connection(mock, clock=time.clock).call(CALL, patience=0.0)

    assert len(mock.calls) == 1


def test_patience_counts_from_the_first_failure(mock: MockTransport, time: Time) -> None:
    """A call that took long before it failed is still repeated."""
    attempts = Attempts(10.0, time.clock)
    time.now = 1000.0

    assert attempts.pause(DeadlineError("late")) == 0.05
    assert mock.calls == []


def test_broken_stream_begins_anew(mock: MockTransport, time: Time) -> None:
    """An answer in parts that breaks off is read anew, and no part is there twice."""
    mock.fail_next(UnavailableError("no study yet"))
    connection = Connection(mock, clock=time.clock)
    call = Call("ExportStudy", tuning.ExportStudyRequest(name="x"), tuning.ExportStudyResponse)

    with pytest.raises(ServiceError, match="There is no study x"):
        connection.gather(call)
    assert len(mock.calls) == 2


def test_wrong_answer(mock: MockTransport) -> None:
    """A transport that answers with another message is found out."""
    call = Call("ListStudies", CALL.request, tuning.PredictResponse)
    with pytest.raises(TypeError, match="ListStudiesResponse; wanted a PredictResponse"):
        Connection(mock).call(call)
