"""The service over each of its back ends, with requests in few words."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import grpc
from google.protobuf.message import Message
from sqlalchemy import select

from hyperbo_service.app import Backend, open_backend
from hyperbo_service.auth import OpenGate
from hyperbo_service.client import Client
from hyperbo_service.client.grpc_transport import GrpcTransport
from hyperbo_service.client.retry import Clock
from hyperbo_service.client.transport import Transport
from hyperbo_service.local import LocalTransport
from hyperbo_service.rpc.handlers import Handlers
from hyperbo_service.rpc.spaces import space_to_wire, values_to_wire
from hyperbo_service.rpc.v1 import study_pb2, trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from hyperbo_service.storage.models import MEASUREMENTS, PARAMETERS, STUDIES, TRIALS, VALUES
from tests.service.clocks import StillClock

METRIC = "accuracy"
SPACE: Mapping[str, Any] = {
    "parameters": [
        {"type": "float", "name": "rate", "low": 1e-4, "high": 1.0, "scale": "log"},
        {"type": "integer", "name": "layers", "low": 1, "high": 8},
    ]
}
COIN_SPACE: Mapping[str, Any] = {
    "parameters": [{"type": "categorical", "name": "side", "categories": ["head", "tail"]}]
}
POINT: Mapping[str, Any] = {"rate": 0.01, "layers": 3}

_numbers = itertools.count(1)
_THREADS = 48


class Nobody:
    """Is told of every call, and keeps it to itself."""

    def on_call(self, method: str, code: str, seconds: float) -> None:
        """One call has ended."""


@contextmanager
def grpc_server(backend: Backend, *, ends_watches: bool = True) -> Iterator[str]:
    """The address of a real server over a back end, on loopback."""
    handlers = Handlers(
        backend.api,
        OpenGate(),
        Nobody(),
        lambda name, metadata: nullcontext(),  # noqa: ARG005
    )
    server = grpc.server(ThreadPoolExecutor(_THREADS), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((handlers,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        if ends_watches:
            backend.api.close()
        server.stop(None).wait()


@contextmanager
def opened(kind: str, database: str, clock: StillClock) -> Iterator["Service"]:
    """A service on a database: in this process, or behind gRPC."""
    backend = open_backend(database, clock=clock)
    if kind != "grpc":
        transport: Transport = LocalTransport(backend)
        try:
            yield Service(transport, backend, clock)
        finally:
            transport.close()
        return
    with grpc_server(backend) as address:
        transport = GrpcTransport(address)
        try:
            yield Service(transport, backend, clock)
        finally:
            transport.close()
    backend.close()


class _Kept:
    """A transport that stays open when a client that uses it closes."""

    def __init__(self, transport: Transport) -> None:
        self.call, self.stream, self.upload = transport.call, transport.stream, transport.upload

    def close(self) -> None:
        """Stay open."""


@dataclass(frozen=True)
class Service:
    """A service, and a project of it that no other test uses."""

    transport: Transport
    backend: Backend
    clock: StillClock
    project: str = field(default_factory=lambda: f"p{next(_numbers)}")

    @property
    def parent(self) -> str:
        """The project's name."""
        return f"projects/{self.project}"

    def alone(self) -> "Service":
        """The same in a project of its own."""
        return Service(self.transport, self.backend, self.clock)

    def send(self, request: Any) -> Any:
        """The answer to a request, which gets a request id if it needs one and has none."""
        if "request_id" in request.DESCRIPTOR.fields_by_name and not request.request_id:
            request.request_id = new_id()
        return self.transport.call(method_of(request), request, timeout=60.0)

    def stream(self, request: Message) -> Iterator[Any]:
        """The answers to a request."""
        return self.transport.stream(method_of(request), request, timeout=60.0)

    def client(self, client_id: str | None = None) -> Client:
        """A client that sleeps by moving the service's clock on; its own stands still.

        So its heartbeats never come by themselves.
        """
        clock = Clock(lambda: 0.0, self.clock.pass_by, lambda: 0.5)
        return Client(
            project=self.project,
            client_id=client_id,
            transport=_Kept(self.transport),
            patience=0.0,
            clock=clock,
        )

    def create(
        self, study_id: str = "s", space: Mapping[str, Any] = SPACE, **fields: Any
    ) -> "Studied":
        """A new study that starts from nothing."""
        message = study_message(space, **fields)
        request = wire.CreateStudyRequest(parent=self.parent, study_id=study_id, study=message)
        return Studied(self, self.send(request).name)


@dataclass(frozen=True)
class Studied:
    """A study by its name."""

    service: Service
    name: str

    def get(self) -> study_pb2.Study:
        """The study as it is."""
        found: study_pb2.Study = self.service.send(wire.GetStudyRequest(name=self.name))
        return found

    def ask(self, count: int = 1, client_id: str = "ann", **fields: Any) -> list[trial_pb2.Trial]:
        """Trials leased to a client."""
        return list(self.answer(count, client_id, **fields).trials)

    def answer(
        self, count: int = 1, client_id: str = "ann", **fields: Any
    ) -> wire.SuggestTrialsResponse:
        """All that a client which asks is answered."""
        lease = fields.pop("lease", None)
        request = wire.SuggestTrialsRequest(
            parent=self.name, count=count, client_id=client_id, **fields
        )
        if lease is not None:
            request.lease_duration.FromSeconds(lease)
        found: wire.SuggestTrialsResponse = self.service.send(request)
        return found

    def add(self, parameters: Mapping[str, Any] = POINT, **fields: Any) -> trial_pb2.Trial:
        """A trial made by hand."""
        trial = trial_pb2.Trial(parameters=values_to_wire(parameters), **fields)
        made: trial_pb2.Trial = self.service.send(
            wire.CreateTrialRequest(parent=self.name, trial=trial)
        )
        return made

    def leased(self, client_id: str = "ann") -> trial_pb2.Trial:
        """A trial that was made by hand and handed out; no point is computed for it."""
        made = self.add()
        (trial,) = self.ask(client_id=client_id)
        assert trial.name == made.name
        return trial

    def trial(self, name: str) -> trial_pb2.Trial:
        """A trial as it is, with its curve."""
        found: trial_pb2.Trial = self.service.send(wire.GetTrialRequest(name=name))
        return found

    def report(self, trial: trial_pb2.Trial, step: int, value: float, **fields: Any) -> Any:
        """A measurement of a trial."""
        measurement = trial_pb2.Measurement(step=step, values=[metric_value(value)], **fields)
        return self.service.send(
            wire.ReportMeasurementRequest(
                name=trial.name, fencing_token=trial.fencing_token, measurement=measurement
            )
        )

    def complete(self, trial: trial_pb2.Trial, *values: float, **fields: Any) -> trial_pb2.Trial:
        """The end of a trial with its values."""
        found: trial_pb2.Trial = self.service.send(
            wire.CompleteTrialRequest(
                name=trial.name,
                fencing_token=trial.fencing_token,
                values=map(metric_value, values),
                **fields,
            )
        )
        return found

    def finished(self, value: float, parameters: Mapping[str, Any] = POINT) -> trial_pb2.Trial:
        """A completed trial, made by hand."""
        return self.add(
            parameters, state=trial_pb2.Trial.STATE_COMPLETED, values=[metric_value(value)]
        )

    def end(self, kind: type[Any], trial: trial_pb2.Trial, reason: str = "") -> trial_pb2.Trial:
        """The end of a trial by a request such as `FailTrialRequest`."""
        found: trial_pb2.Trial = self.service.send(
            kind(name=trial.name, fencing_token=trial.fencing_token, reason=reason)
        )
        return found

    def update(self, *paths: str, **fields: Any) -> study_pb2.Study:
        """The study with some fields changed."""
        request = wire.UpdateStudyRequest(study=study_pb2.Study(name=self.name, **fields))
        request.update_mask.paths.extend(paths or fields)
        found: study_pb2.Study = self.service.send(request)
        return found

    def set_state(self, state: "study_pb2.Study.State") -> study_pb2.Study:
        """The study in another state."""
        return self.update(state=state)

    def beat(self, *trials: trial_pb2.Trial, **fields: Any) -> list[wire.LeaseStatus]:
        """What a heartbeat for trials is answered."""
        leases = [wire.Lease(name=each.name, fencing_token=each.fencing_token) for each in trials]
        request = wire.HeartbeatRequest(parent=self.name, leases=leases, **fields)
        return list(self.service.send(request).leases)

    def export(self) -> list[bytes]:
        """All that the service says of the study."""
        parts = self.service.stream(wire.ExportStudyRequest(name=self.name))
        return [part.SerializeToString(deterministic=True) for part in parts]

    def rows(self) -> list[list[tuple[Any, ...]]]:
        """All that the database holds of the study."""
        project, study = self.name.split("/")[1::2]
        is_it = (STUDIES.c.project == project) & (STUDIES.c.study == study)
        key = select(STUDIES.c.id).where(is_it).scalar_subquery()
        statements = [select(STUDIES).where(is_it)]
        for table in (TRIALS, PARAMETERS, VALUES, MEASUREMENTS):
            of_study = select(table).where(table.c.study_id == key)
            statements.append(of_study.order_by(*table.primary_key.columns))
        with self.service.backend.store.read() as reader:
            connection = reader._connection  # type: ignore[attr-defined]
            return [list(map(tuple, connection.execute(each))) for each in statements]


def study_message(space: Mapping[str, Any] = SPACE, **fields: Any) -> study_pb2.Study:
    """A study to be created; it starts from nothing and maximises unless told otherwise."""
    goal = fields.pop("goal", study_pb2.MetricSpec.GOAL_MAXIMIZE)
    defaults = {"prior": "none", "metrics": [study_pb2.MetricSpec(name=METRIC, goal=goal)]}
    return study_pb2.Study(space=space_to_wire(space), **(defaults | fields))


def metric_value(value: float, stderr: float | None = None) -> trial_pb2.MetricValue:
    """A value of the metric."""
    return trial_pb2.MetricValue(metric=METRIC, value=value, stderr=stderr)


def curve(*values: float) -> list[trial_pb2.Measurement]:
    """A learning curve from step one on."""
    return [
        trial_pb2.Measurement(step=step, values=[metric_value(value)])
        for step, value in enumerate(values, 1)
    ]


def method_of(request: Message) -> str:
    """The method that takes a request."""
    return type(request).__name__.removesuffix("Request")


def new_id() -> str:
    """A request id that no other call bears."""
    return f"request-{uuid4().hex}"


def seconds_left(service: Service, trial: trial_pb2.Trial) -> float:
    """Seconds until a lease ends."""
    ends = trial.lease_expire_time.ToDatetime(service.clock().tzinfo)
    return (ends - service.clock()).total_seconds()


def numbers(trials: Iterable[trial_pb2.Trial]) -> list[int]:
    """Numbers of trials."""
    return [int(trial.name.rpartition("/")[2]) for trial in trials]


def points(trials: Sequence[trial_pb2.Trial]) -> set[bytes]:
    """The different configurations of trials."""
    return {
        trial_pb2.Trial(parameters=trial.parameters).SerializeToString(deterministic=True)
        for trial in trials
    }
