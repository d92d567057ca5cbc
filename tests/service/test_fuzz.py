"""Requests at random against every method, on SQLite and PostgreSQL: refused in order, or done.

Each is sent to both databases, which must answer alike. Nothing ends in a fault or hangs, what is
refused leaves no trace, and afterwards the check of the database finds nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
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
    grpc_server,
    metric_value,
    numbers,
    opened,
    study_message,
)
from tests.service.fuzzing import ATTACKS, fill, mutate

PROJECT, STUDY = "projects/fuzz", "projects/fuzz/studies/open"
STILL = "projects/fuzz/studies/still"
RUN = "projects/fuzz/studies/run"
"""Here each almost sound call on a running trial finds one of its own."""

ASKER = Asker("ann", lambda: False)
"""Whoever watches goes away as soon as there is no more to be told."""

REFUSALS = {"INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "FAILED_PRECONDITION"}
REFUSALS |= {"UNIMPLEMENTED", "RESOURCE_EXHAUSTED"}
"""Codes that a caller's own fault ends in; no call that reaches a sound service ends in others."""

_SECONDS = 30.0

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
            return pool.submit(self._carry, method, [content]).result(_SECONDS)
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


@pytest.fixture(scope="module")
def both(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Both]:
    """A file of SQLite and a PostgreSQL, each with two studies, some trials and a prior."""
    server = request.getfixturevalue("postgres_server")
    addresses = {
        "sqlite": f"sqlite:///{tmp_path_factory.mktemp('fuzz') / 'fuzz.db'}",
        "postgres": server.create(),
    }
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


FUZZ = settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def _with_id(request: Any, data: st.DataObject) -> bytes:
    """The bytes of a request, which gets a fresh request id as a rule."""
    fields = request.DESCRIPTOR.fields_by_name
    if "request_id" in fields and data.draw(st.integers(0, 7)):
        request.request_id = uuid4().hex
    content: bytes = request.SerializeToString()
    return content


@pytest.mark.parametrize("method", SOUND)
def test_a_sound_request_is_sound(both: Both, method: str) -> None:
    """So what is mutated below begins beyond the first checks."""
    request = both.sound(method)
    if "request_id" in request.DESCRIPTOR.fields_by_name:
        request.request_id = uuid4().hex

    code = both.send(method, request.SerializeToString())

    expected = {"DeleteStudy": "NOT_FOUND", "DeleteTrial": "NOT_FOUND"}
    assert code == expected.get(method, "OK")


@pytest.mark.parametrize("method", SOUND)
@FUZZ
@given(data=st.data())
def test_any_request_is_done_or_refused(both: Both, method: str, data: st.DataObject) -> None:
    """Fields of every kind set to anything."""
    request = METHODS[method].request()
    fill(request, data, POOLS)

    both.send(method, _with_id(request, data))


@pytest.mark.parametrize("method", SOUND)
@FUZZ
@given(data=st.data())
def test_a_request_that_is_almost_sound_is_done_or_refused(
    both: Both, method: str, data: st.DataObject
) -> None:
    """One to three fields of a sound one changed."""
    request = both.sound(method)
    for _ in range(data.draw(st.integers(1, 3))):
        mutate(request, data, POOLS)

    both.send(method, _with_id(request, data))


@pytest.mark.parametrize("method", METHODS)
@FUZZ
@given(content=st.binary(max_size=300))
def test_any_bytes_are_refused_or_done(both: Both, method: str, content: bytes) -> None:
    """They are no message, or one of unknown fields and odd values."""
    both.send(method, content)


@FUZZ
@given(data=st.data())
def test_any_upload_is_done_or_refused(both: Both, data: st.DataObject) -> None:
    """Parts in any order, with any content."""
    files = prior_files()
    header = prior_wire.UploadPriorRequest(
        header={"parent": PROJECT, "prior_id": "new", "request_id": uuid4().hex}
    )
    parts = [
        header,
        prior_wire.UploadPriorRequest(manifest_chunk=files.manifest),
        prior_wire.UploadPriorRequest(weights_chunk=files.weights),
    ]
    chosen = data.draw(st.lists(st.sampled_from(parts), max_size=5))
    copies = [prior_wire.UploadPriorRequest.FromString(each.SerializeToString()) for each in chosen]
    for copy in copies:
        if data.draw(st.booleans()):
            mutate(copy, data, POOLS)

    both.upload([copy.SerializeToString() for copy in copies])


@pytest.mark.parametrize("method", SOUND)
def test_attacks_through_every_text_are_only_texts(both: Both, method: str) -> None:
    """SQL, paths and odd characters in each text of a sound request, one after the other."""
    sound = both.sound(method)
    paths = _texts(sound)
    for attack in ATTACKS:
        for path in paths:
            request = type(sound).FromString(sound.SerializeToString())
            _set(request, path, attack)
            if "request_id" in request.DESCRIPTOR.fields_by_name and path != ("request_id",):
                request.request_id = uuid4().hex
            if both.send(method, request.SerializeToString()) == "OK":
                sound = both.sound(method)


def _texts(message: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of all texts that are set in a message, or could be at its top."""
    found: list[tuple[Any, ...]] = []
    for field in message.DESCRIPTOR.fields:
        here = (*path, field.name)
        is_text = field.cpp_type == field.CPPTYPE_STRING and not field.is_repeated
        if is_text and (not path or getattr(message, field.name)):
            found.append(here)
        elif field.message_type is not None and not field.is_repeated:
            if message.HasField(field.name):
                found += _texts(getattr(message, field.name), here)
        elif field.is_repeated and not field.message_type:
            found += [(*here, place) for place in range(len(getattr(message, field.name)))]
        elif field.is_repeated and not field.message_type.GetOptions().map_entry:
            for place, each in enumerate(getattr(message, field.name)):
                found += _texts(each, (*here, place))
    return found


def _set(message: Any, path: tuple[Any, ...], value: str) -> None:
    for step in path[:-1]:
        message = message[step] if isinstance(step, int) else getattr(message, step)
    if isinstance(path[-1], int):
        message[path[-1]] = value
    else:
        setattr(message, path[-1], value)


def test_refusals_of_attacks_travel(both: Both) -> None:
    """Over gRPC too each is answered with its code, whatever its message repeats of the text."""
    backend = both.targets[0].service.backend
    allowed = REFUSALS | {"OK", "UNAVAILABLE"}
    with (
        grpc_server(backend, ends_watches=False) as address,
        grpc.insecure_channel(address) as channel,
    ):
        for method in SOUND:
            kind = channel.unary_stream if METHODS[method].gives_stream else channel.unary_unary
            for attack in ATTACKS:
                request = SOUND[method]()
                _set(request, _texts(request)[0], attack)
                assert _code(kind(METHODS[method].path), request) in allowed


def _code(send: Any, request: Message) -> str:
    try:
        answer = send(request.SerializeToString(), timeout=_SECONDS)
        if not isinstance(answer, bytes):
            next(answer)
            answer.cancel()
    except grpc.RpcError as error:
        return str(error.code().name)  # type: ignore[attr-defined]
    return "OK"


def test_what_is_stored_may_be_any_text(both: Both) -> None:
    """Attacks that are allowed as texts come back as they were given, and do nothing else."""
    for target in both.targets:
        service = target.service.alone()
        for place, attack in enumerate(each for each in ATTACKS if "\0" not in each and each):
            text = attack[:200]
            label = attack[:255]
            study = service.create(f"s{place}", display_name=text, labels={"attack": label})
            trial = study.leased()
            study.end(wire.FailTrialRequest, trial, attack)
            found = study.get()
            assert (found.display_name, found.labels["attack"]) == (text, label)
            assert study.trial(trial.name).reason == attack[:4096]
            written = label.replace("\\", "\\\\").replace('"', '\\"')
            request = wire.ListStudiesRequest(
                parent=service.parent, filter=f'labels.attack = "{written}"'
            )
            assert [each.name for each in service.send(request).studies] == [study.name]


def test_names_of_parameters_and_metrics_may_be_any_text(both: Both) -> None:
    """Where they are printable, they are stored, suggested, reported on and exported."""
    names = [
        attack
        for attack in ATTACKS
        if attack.isprintable() and attack.strip() and len(attack) <= 100
    ]
    assert len(names) > 15
    space = {
        "parameters": [
            *({"type": "float", "name": name, "low": 0.0, "high": 1.0} for name in names),
            {"type": "categorical", "name": "kind", "categories": names},
        ]
    }
    for target in both.targets:
        service = target.service.alone()
        for place, name in enumerate(names):
            if place % 5:
                continue
            metric = study_pb2.MetricSpec(
                name=f"metric {name}", goal=study_pb2.MetricSpec.GOAL_MINIMIZE
            )
            study = service.create(f"s{place}", space, metrics=[metric])
            values = dict.fromkeys(names, 0.5) | {"kind": name}
            study.add(values)
            (trial,) = study.ask()
            value = trial_pb2.MetricValue(metric=metric.name, value=0.5)
            done = service.send(
                wire.CompleteTrialRequest(name=trial.name, fencing_token=1, values=[value])
            )
            assert dict(study.trial(trial.name).parameters) == values_to_wire(values)
            assert list(done.values) == [value]
            assert len(study.export()) == 2


def test_nothing_is_left_that_a_check_finds(both: Both) -> None:
    """After all of it the databases are consistent, and the studies still work."""
    both.check()
    for target in both.targets:
        study = Studied(target.service, STUDY)
        assert study.get().name == STUDY
        assert study.service.create("last").ask()
