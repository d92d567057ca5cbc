"""Two databases that are sent the same requests, and a sound request for every method."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from google.protobuf.message import Message
from sqlalchemy import Select, func, select

from hyperbo_service import priors
from hyperbo_service.errors import ServiceError
from hyperbo_service.rpc.api import parse
from hyperbo_service.rpc.calls import Asker
from hyperbo_service.rpc.methods import METHODS
from hyperbo_service.rpc.spaces import values_to_wire
from hyperbo_service.rpc.v1 import prior_service_pb2 as prior_wire
from hyperbo_service.rpc.v1 import study_pb2, trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from hyperbo_service.storage.check import check
from hyperbo_service.storage.engines import parse_url
from hyperbo_service.storage.models import Base
from tests.service.clocks import StillClock
from tests.service.contract.prior_files import prior_files
from tests.service.contract.services import (
    METRIC,
    POINT,
    Service,
    Studied,
    curve,
    metric_value,
    numbers,
    opened,
    study_message,
)
from tests.service.databases import PostgresServer

PROJECT, STUDY = "projects/fuzz", "projects/fuzz/studies/open"
STILL = "projects/fuzz/studies/still"
RUN = "projects/fuzz/studies/run"
"""Here each almost sound call on a running trial finds one of its own."""

ASKER = Asker("ann", lambda: False)
"""Whoever watches goes away as soon as there is no more to be told."""

REFUSALS = {"INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "FAILED_PRECONDITION"}
REFUSALS |= {"UNIMPLEMENTED", "RESOURCE_EXHAUSTED"}
"""Codes that a caller's own fault ends in; no call that reaches a sound service ends in others."""

SECONDS = 30.0

POOLS: Mapping[str, list[str]] = {
    "name": [STUDY, f"{STUDY}/trials/1", f"{STUDY}/trials/2", f"{PROJECT}/priors/toy@1", PROJECT],
    "parent": [PROJECT, STUDY, f"{STUDY}/trials/1", "projects/other"],
    "study_id": ["open", "new", "a" * 63],
    "prior_id": ["toy", "new"],
    "client_id": ["ann", "bob", "new"],
    "request_id": ["spent-request-id", "x" * 64],
    "held_trials": [f"{STUDY}/trials/1", f"{STUDY}/trials/999999999999999999"],
    "prior": ["auto", "none", "toy@1", "toy", "toy@9"],
    "metric": [METRIC, "loss"],
    "filter": ["state = ACTIVE", 'labels.a = "b"', "create_time > 2026-01-01", "client_id = ann"],
    "page_token": ["", "WyJhIiwgWzFdXQ", "W10"],
    "paths": ["display_name", "budget", "early_stopping", "labels", "state", "space"],
    "key": ["rate", "layers", "team"],
    "PredictRequest.name": [STILL],
    "GetPriorReportRequest.name": [STILL],
    "Header.parent": [PROJECT],
    "DeleteStudyRequest.name": [f"{PROJECT}/studies/doomed"],
}


def _trial(**fields: Any) -> trial_pb2.Trial:
    return trial_pb2.Trial(parameters=values_to_wire(POINT), **fields)


def _leased(kind: Callable[..., Any], **fields: Any) -> Callable[[], Message]:
    """A request on the trial of `RUN` that was leased last."""
    return lambda: kind(name=f"{RUN}/trials/{_leases[-1]}", fencing_token=1, **fields)


_leases = [0]

SOUND: Mapping[str, Callable[[], Message]] = {
    "AbandonTrial": _leased(wire.AbandonTrialRequest, reason="so"),
    "CheckEarlyStopping": lambda: wire.CheckEarlyStoppingRequest(name=f"{STUDY}/trials/2"),
    "CompleteTrial": _leased(wire.CompleteTrialRequest, values=[metric_value(0.5, 0.1)], cost=1.0),
    "CreateStudy": lambda: wire.CreateStudyRequest(
        parent=PROJECT,
        study_id=f"s{uuid4().hex[:8]}",
        study=study_message(
            budget=study_pb2.Budget(max_trials=3, target=0.5),
            early_stopping=study_pb2.EarlyStopping(median=study_pb2.MedianRule()),
            labels={"team": "vision"},
        ),
    ),
    "CreateTrial": lambda: wire.CreateTrialRequest(
        parent=STUDY,
        trial=_trial(
            state=trial_pb2.Trial.STATE_COMPLETED,
            values=[metric_value(0.5)],
            measurements=curve(0.1, 0.2),
        ),
    ),
    "DeleteStudy": lambda: wire.DeleteStudyRequest(name=f"{PROJECT}/studies/none", force=True),
    "DeleteTrial": lambda: wire.DeleteTrialRequest(name=f"{STUDY}/trials/999"),
    "DownloadPrior": lambda: prior_wire.DownloadPriorRequest(name=f"{PROJECT}/priors/toy@1"),
    "ExportStudy": lambda: wire.ExportStudyRequest(name=STUDY),
    "FailTrial": _leased(wire.FailTrialRequest, reason="so"),
    "GetPrior": lambda: prior_wire.GetPriorRequest(name=f"{PROJECT}/priors/toy@1"),
    "GetPriorReport": lambda: wire.GetPriorReportRequest(name=STILL),
    "GetStudy": lambda: wire.GetStudyRequest(name=STUDY),
    "GetTrial": lambda: wire.GetTrialRequest(name=f"{STUDY}/trials/2"),
    "Heartbeat": lambda: wire.HeartbeatRequest(
        parent=STUDY, leases=[wire.Lease(name=f"{STUDY}/trials/2", fencing_token=1)]
    ),
    "ImportTrials": lambda: wire.ImportTrialsRequest(
        parent=STUDY,
        trials=[
            _trial(state=trial_pb2.Trial.STATE_FAILED, measurements=curve(0.1)),
            _trial(state=trial_pb2.Trial.STATE_COMPLETED, values=[metric_value(0.25)]),
        ],
    ),
    "ListBestTrials": lambda: wire.ListBestTrialsRequest(parent=STUDY, page_size=3),
    "ListPriors": lambda: prior_wire.ListPriorsRequest(parent=PROJECT),
    "ListStudies": lambda: wire.ListStudiesRequest(parent=PROJECT, page_size=3),
    "ListTrials": lambda: wire.ListTrialsRequest(parent=STUDY, page_size=3, view=2),  # type: ignore[arg-type]
    "MarkTrialInfeasible": _leased(wire.MarkTrialInfeasibleRequest, reason="so"),
    "Predict": lambda: wire.PredictRequest(
        name=STILL, points=[wire.Configuration(parameters=values_to_wire(POINT))]
    ),
    "ReportMeasurement": _leased(wire.ReportMeasurementRequest, measurement=curve(0.1)[0]),
    "RetirePrior": lambda: prior_wire.RetirePriorRequest(name=f"{PROJECT}/priors/toy@1"),
    "SuggestTrials": lambda: wire.SuggestTrialsRequest(parent=STUDY, count=2, client_id="ann"),
    "UpdateStudy": lambda: wire.UpdateStudyRequest(
        study=study_pb2.Study(name=STUDY, display_name="new", labels={"team": "speech"}),
        update_mask={"paths": ["display_name", "labels"]},
    ),
    "VerifyPrior": lambda: prior_wire.VerifyPriorRequest(name=f"{PROJECT}/priors/toy@1"),
    "WatchStudy": lambda: wire.WatchStudyRequest(name=STUDY),
}
"""For each method that takes one message, a sound one."""

ON_RUNNING = {
    "AbandonTrial",
    "CompleteTrial",
    "FailTrial",
    "MarkTrialInfeasible",
    "ReportMeasurement",
}


@dataclass(frozen=True)
class Target:
    """One of the databases, and the service on it."""

    service: Service
    database: str

    def send(self, method: str, content: bytes) -> str:
        """The code that a request ends in; OK if it is done.

        Raises:
            Exception: If it ends in a fault, or does not end.
        """
        pool = ThreadPoolExecutor(1)
        try:
            return pool.submit(self._carry, method, [content]).result(SECONDS)
        finally:
            pool.shutdown(wait=False)

    def upload(self, contents: list[bytes]) -> str:
        """The same of an upload in parts."""
        return self._carry("UploadPrior", contents)

    def _carry(self, method: str, contents: list[bytes]) -> str:
        api = self.service.backend.api
        try:
            if METHODS[method].takes_stream:
                api.upload(method, [parse(method, content) for content in contents], ASKER)
            elif METHODS[method].gives_stream:
                list(api.stream(method, parse(method, contents[0]), ASKER))
            else:
                answer = api.call(method, parse(method, contents[0]), ASKER)
                METHODS[method].response.FromString(answer)
        except ServiceError as error:
            return error.code if str(error) else "an error without a word"
        return "OK"

    def trace(self) -> tuple[Any, ...]:
        """What tells whether anything was changed."""
        with self.service.backend.store.read() as reader:
            connection = reader._connection  # type: ignore[attr-defined]
            return tuple(connection.execute(_TRACE).one())


def _trace() -> Select[Any]:
    """Numbers of rows, and sums and times that every change moves."""
    trials, studies = (Base.metadata.tables[name].c for name in ("trials", "studies"))
    moved = (
        func.sum(trials.revision),
        func.sum(trials.token),
        func.max(trials.updated),
        func.sum(studies.next_trial),
        func.max(studies.updated),
    )
    counts = [select(func.count()).select_from(table) for table in Base.metadata.sorted_tables]
    parts = [*counts, *map(select, moved)]
    return select(*(part.scalar_subquery() for part in parts))


_TRACE = _trace()


class Both:
    """Two databases with the same content."""

    def __init__(self, targets: list[Target]) -> None:
        self.targets = targets

    def send(self, method: str, request: bytes) -> str:
        """The code that a request ends in on both; what is refused leaves no trace."""
        return self._same(lambda target: target.send(method, request))

    def upload(self, contents: list[bytes]) -> str:
        """The same of an upload."""
        return self._same(lambda target: target.upload(contents))

    def _same(self, carry: Callable[[Target], str]) -> str:
        codes = []
        for target in self.targets:
            before = target.trace()
            codes.append(carry(target))
            target.service.clock.pass_by(0.001)
            if codes[-1] != "OK":
                assert codes[-1] in REFUSALS
                assert target.trace() == before
        assert len(set(codes)) == 1, codes
        return codes[0]

    def sound(self, method: str) -> Any:
        """A sound request of a method, with a trial to run where it takes one."""
        if method in ON_RUNNING:
            runner = uuid4().hex
            trials = [Studied(target.service, RUN).leased(runner) for target in self.targets]
            (_leases[-1],) = set(numbers(trials))
        return SOUND[method]()

    def check(self) -> None:
        """That every database is consistent."""
        for target in self.targets:
            assert list(check(parse_url(target.database), priors.verify)) == []


@contextmanager
def two_databases(folder: Path, server: PostgresServer) -> Iterator[Both]:
    """A file of SQLite and a PostgreSQL, each with some studies, some trials and a prior."""
    addresses = {"sqlite": f"sqlite:///{folder / 'fuzz.db'}", "postgres": server.create()}
    with ExitStack() as stack:
        targets = []
        for kind, database in addresses.items():
            service = stack.enter_context(opened(kind, database, StillClock()))
            named = Service(service.transport, service.backend, service.clock, "fuzz")
            _furnish(named)
            targets.append(Target(named, database))
        yield Both(targets)


def _furnish(service: Service) -> None:
    files = prior_files()
    with service.client() as client:
        client.upload_prior("toy", files.manifest, files.weights)
    budget = study_pb2.Budget(max_trials=4)
    study = service.create("open", labels={"team": "vision"}, budget=budget, seed=1)
    service.create("still", seed=1)
    service.create("run", seed=1)
    service.create("doomed", seed=1).add()
    study.finished(0.5)
    for _ in range(3):
        study.add()
    study.report(study.ask(lease=86_400 * 30)[0], 0, 0.25)
    service.send(wire.DeleteTrialRequest(name=f"{STUDY}/trials/4", request_id="spent-request-id"))
