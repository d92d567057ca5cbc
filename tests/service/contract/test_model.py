"""The service against a model of it: the client's mock, which knows the rules and nothing else.

Random sequences of calls go to both; each must be answered alike, and leave the same trials.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hyperbo_service.app import open_backend
from hyperbo_service.client import MockTransport
from hyperbo_service.errors import ServiceError
from hyperbo_service.local import LocalTransport
from hyperbo_service.rpc.spaces import values_to_wire
from hyperbo_service.rpc.v1 import study_pb2, trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from tests.service.clocks import StillClock
from tests.service.contract.services import Service, method_of, metric_value, new_id, study_message

CLIENTS = ("ann", "bob")
TRIALS = 4
LEASE = 60

Step = tuple[Any, ...]

trials = st.integers(1, TRIALS)
tokens = st.sampled_from([-1, 0, 0, 0, 1])
"""Added to a trial's current token; mostly nothing."""

steps: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("ask"), st.sampled_from(CLIENTS), st.integers(1, 3), st.booleans()),
    st.tuples(st.just("report"), trials, tokens, st.integers(0, 4)),
    st.tuples(st.just("complete"), trials, tokens, st.sampled_from([None, 0.25, 0.5])),
    st.tuples(st.just("fail"), trials, tokens),
    st.tuples(st.just("infeasible"), trials, tokens),
    st.tuples(st.just("abandon"), trials, tokens),
    st.tuples(st.just("beat"), trials, tokens),
    st.tuples(st.just("delete"), trials),
    st.tuples(st.just("wait"), st.sampled_from([1, 30, 61])),
    st.tuples(st.just("repeat"), st.integers(0, 30)),
    st.tuples(st.just("state"), st.sampled_from([1, 2, 3])),
)


class Pair:
    """The service and its model, which are told the same."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.mock = MockTransport()
        self.sent: list[Any] = []
        self.held: dict[str, set[str]] = {client: set() for client in CLIENTS}
        self.name = f"{service.parent}/studies/s"
        # So many are made by hand, and no more are given out: both know all points.
        study = study_message(budget=study_pb2.Budget(max_trials=TRIALS, target=0.5))
        self.send(wire.CreateStudyRequest(parent=service.parent, study_id="s", study=study))
        for number in range(1, TRIALS + 1):
            parameters = values_to_wire({"rate": number / 10, "layers": number})
            trial = trial_pb2.Trial(parameters=parameters)
            self.send(wire.CreateTrialRequest(parent=self.name, trial=trial))

    def send(self, request: Any) -> Any:
        """Send a request to both; the answer of the service, or None if it was refused."""
        if "request_id" in request.DESCRIPTOR.fields_by_name and not request.request_id:
            request.request_id = new_id()
            self.sent.append(request)
        real, model = (
            self._outcome(each.call, request) for each in (self.service.transport, self.mock)
        )
        assert _told(real) == _told(model), request
        assert self.trials(self.service.transport) == self.trials(self.mock), request
        return None if isinstance(real, str) else real

    @staticmethod
    def _outcome(call: Callable[..., Any], request: Any) -> Any:
        try:
            return call(method_of(request), request, timeout=None)
        except ServiceError as error:
            return error.reason

    def trials(self, transport: Any) -> list[Any]:
        """All trials as one of them has them."""
        request = wire.ListTrialsRequest(parent=self.name, view=trial_pb2.TRIAL_VIEW_FULL)
        study = transport.call("GetStudy", wire.GetStudyRequest(name=self.name), timeout=None)
        answer = transport.call("ListTrials", request, timeout=None)
        return [study.state, study.stop_reason, *map(_told, answer.trials)]

    def token(self, number: int) -> int:
        """The current token of a trial."""
        name = f"{self.name}/trials/{number}"
        for trial in self.service.send(wire.ListTrialsRequest(parent=self.name)).trials:
            if trial.name == name:
                return int(trial.fencing_token)
        return 1

    def take(self, step: Step) -> None:
        """Make one step."""
        kind, *rest = step
        getattr(self, f"_{kind}")(*rest)

    def _ask(self, client: str, count: int, says_what_it_holds: bool) -> None:  # noqa: FBT001
        held = sorted(self.held[client]) if says_what_it_holds else []
        request = wire.SuggestTrialsRequest(
            parent=self.name, count=count, client_id=client, held_trials=held
        )
        request.lease_duration.FromSeconds(LEASE)
        answer = self.send(request)
        if not says_what_it_holds:
            self.held[client].clear()
        for trial in answer.trials:
            for others in self.held.values():
                others.discard(trial.name)
            self.held[client].add(trial.name)

    def _report(self, number: int, off: int, step: int) -> None:
        point = trial_pb2.Measurement(step=step, values=[metric_value(step / 100)])
        self.send(self._of(wire.ReportMeasurementRequest, number, off, measurement=point))

    def _complete(self, number: int, off: int, value: float | None) -> None:
        values = [] if value is None else [metric_value(value)]
        self.send(self._of(wire.CompleteTrialRequest, number, off, values=values))

    def _fail(self, number: int, off: int) -> None:
        self.send(self._of(wire.FailTrialRequest, number, off, reason="so"))

    def _infeasible(self, number: int, off: int) -> None:
        self.send(self._of(wire.MarkTrialInfeasibleRequest, number, off, reason="so"))

    def _abandon(self, number: int, off: int) -> None:
        self.send(self._of(wire.AbandonTrialRequest, number, off, reason="so"))

    def _beat(self, number: int, off: int) -> None:
        lease = self._of(wire.Lease, number, off)
        self.send(wire.HeartbeatRequest(parent=self.name, leases=[lease]))

    def _delete(self, number: int) -> None:
        self.send(wire.DeleteTrialRequest(name=f"{self.name}/trials/{number}"))

    def _wait(self, seconds: int) -> None:
        self.service.clock.pass_by(seconds)
        self.mock.advance(seconds)

    def _repeat(self, place: int) -> None:
        self.send(self.sent[place % len(self.sent)])

    def _state(self, state: Any) -> None:
        request = wire.UpdateStudyRequest(study=study_pb2.Study(name=self.name, state=state))
        request.update_mask.paths.append("state")
        self.send(request)

    def _of(self, kind: type[Any], number: int, off: int, **fields: Any) -> Any:
        name, token = f"{self.name}/trials/{number}", self.token(number) + off
        return kind(name=name, fencing_token=token, **fields)


def _told(outcome: Any) -> Any:
    """What service and model must agree on: all but moments, which differ by their beginning."""
    match outcome:
        case trial_pb2.Trial():
            return (
                outcome.name,
                outcome.state,
                outcome.fencing_token,
                outcome.client_id,
                [each.value for each in outcome.values],
                [(each.step, each.values[0].value) for each in outcome.measurements],
                outcome.measurement_count,
                outcome.reason,
                outcome.HasField("lease_expire_time"),
            )
        case wire.SuggestTrialsResponse():
            return outcome.study_state, outcome.stop_reason, [*map(_told, outcome.trials)]
        case wire.HeartbeatResponse():
            return [lease.state for lease in outcome.leases]
        case wire.ReportMeasurementResponse():
            return outcome.measurement_count
        case study_pb2.Study():
            return outcome.state, outcome.stop_reason
    return outcome


@pytest.fixture(scope="module")
def shared() -> Iterator[Service]:
    """A service on a database in memory."""
    clock = StillClock()
    backend = open_backend("sqlite://", clock=clock)
    yield Service(LocalTransport(backend), backend, clock)
    backend.close()


@settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(sequence=st.lists(steps, min_size=3, max_size=25))
def test_the_service_does_what_its_model_does(shared: Service, sequence: list[Step]) -> None:
    """Whoever asks, reports, ends, repeats, deletes or comes late."""
    pair = Pair(shared.alone())
    for step in sequence:
        pair.take(step)
