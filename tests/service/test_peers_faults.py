"""Fourteen faults of the closest peer, none of which may be possible here; over the wire.

Their numbers are those of the list of faults that were reproduced in the peer.
"""

import itertools
import math
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from hyperbo_service.app import open_backend
from hyperbo_service.errors import (
    AlreadyExistsError,
    IllegalMoveError,
    InternalError,
    InvalidArgumentError,
    OutsideSpaceError,
    StepOrderError,
    StudyDiffersError,
)
from hyperbo_service.rpc.methods import METHODS
from hyperbo_service.rpc.spaces import values_from_wire
from hyperbo_service.rpc.v1 import study_pb2, trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from hyperbo_service.strategies import Strategies
from tests.service.clocks import StillClock
from tests.service.contract.services import (
    COIN_SPACE,
    METRIC,
    Service,
    Studied,
    grpc_server,
    metric_value,
    new_id,
    numbers,
    opened,
    study_message,
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A server over SQLite, and a client of it."""
    file = tmp_path_factory.mktemp("peers") / "peers.db"
    with opened("grpc", f"sqlite:///{file}", StillClock()) as service:
        yield service


@pytest.fixture
def service(server: Service) -> Service:
    """The same in a project of its own."""
    return server.alone()


def test_f1_a_second_result_does_not_replace_the_first(service: Service) -> None:
    """Completed with 1.0, then with 999.0: the client is refused, and 1.0 stays."""
    study = service.create()
    trial = study.leased()
    study.complete(trial, 1.0)

    with pytest.raises(IllegalMoveError):
        study.complete(trial, 999.0)
    assert study.trial(trial.name).values[0].value == 1.0


@pytest.mark.parametrize("state", ["PAUSED", "COMPLETED"])
def test_f2_a_study_that_is_closed_creates_no_trials(service: Service, state: str) -> None:
    """Whoever asks it for three gets none, and none come to be on the server."""
    study = service.create()
    study.set_state(study_pb2.Study.State.Value(f"STATE_{state}"))

    assert study.ask(3) == []
    assert study.rows()[1] == []


def test_f3_a_completed_trial_takes_no_measurement(service: Service) -> None:
    """The client is refused, and nothing is stored."""
    study = service.create()
    trial = study.leased()
    study.complete(trial, 1.0)

    with pytest.raises(IllegalMoveError):
        study.report(trial, 1, 0.5)
    assert study.trial(trial.name).measurement_count == 0
    assert study.rows()[4] == []


KILLED = """
import sys, threading
from hyperbo_service.app import open_backend
from hyperbo_service.local import LocalTransport
from hyperbo_service.tuner import Tuner
from tests.service.clocks import StillClock
from tests.service.contract.services import Service

def compute(*_):
    print("computing", flush=True)
    threading.Event().wait()

backend = open_backend(sys.argv[1], clock=StillClock())
service = Service(LocalTransport(backend), backend, StillClock(), "p")
study = service.create()
study.leased("ann")
Tuner._compute = compute
study.ask(1, "ann", held_trials=[f"{study.name}/trials/1"])
"""


def test_f4_a_server_that_is_killed_while_it_suggests_wedges_nobody(tmp_path: Path) -> None:
    """After a restart on the same file the same client gets its trial, and new ones."""
    database = f"sqlite:///{tmp_path / 'killed.db'}"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, database], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "computing\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()

    with opened("grpc", database, StillClock()) as server:
        study = Studied(server, "projects/p/studies/s")
        trials = study.ask(2, "ann")

    assert numbers(trials) == [1, 2]
    assert [trial.fencing_token for trial in trials] == [2, 1]


def test_f5_an_algorithm_that_raises_wedges_nobody(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client is told of the fault at once; its next call works."""
    study = service.create()
    with monkeypatch.context() as patch:
        patch.setattr(Strategies, "choose", lambda *_: math.sqrt(-1))
        for _ in range(2):
            with pytest.raises(InternalError):
                study.ask()

    assert numbers(study.ask()) == [1]


def test_f6_an_algorithm_that_returns_fewer_wedges_nobody(service: Service) -> None:
    """Two of five there are: the client gets two, and an answer the next time too."""
    study = service.create(space=COIN_SPACE)

    assert numbers(study.ask(5)) == [1, 2]
    assert study.answer(5, "bob").HasField("retry_after")


def test_f7_suggesting_and_adding_at_once_do_not_collide(service: Service) -> None:
    """Six loops of each: none dies, and every number is used once."""
    study = service.create()
    gate = threading.Barrier(12)
    rates = itertools.count(1)

    def suggest(place: int) -> list[trial_pb2.Trial]:
        gate.wait()
        return [study.ask(client_id=f"c{place}-{turn}")[0] for turn in range(3)]

    def add(_: int) -> list[trial_pb2.Trial]:
        gate.wait()
        return [study.add({"rate": next(rates) / 1000, "layers": 1}) for _ in range(3)]

    with ThreadPoolExecutor(12) as pool:
        suggested = [pool.submit(suggest, place) for place in range(6)]
        added = [pool.submit(add, place) for place in range(6)]
        handed = [trial for each in suggested for trial in each.result(120.0)]
        made = [trial for each in added for trial in each.result(120.0)]

    assert len(set(numbers(made))) == 18
    assert len(set(numbers(handed))) == 18
    stored = [row[1] for row in study.rows()[1]]
    assert stored == list(range(1, len(stored) + 1))


def test_f8_a_server_runs_on_postgresql(postgres_url: str) -> None:
    """From creating a study to its best trial."""
    clock = StillClock()
    backend = open_backend(postgres_url, clock=clock)
    with grpc_server(backend) as address, grpc.insecure_channel(address) as channel:
        service = Service(_Plain(channel), backend, clock)  # type: ignore[arg-type]
        study = service.create()
        study.complete(study.ask()[0], 0.5)
        best = service.send(wire.ListBestTrialsRequest(parent=study.name)).trials
    backend.close()

    assert [trial.values[0].value for trial in best] == [0.5]


class _Plain:
    """Carries calls over a channel with gRPC's own settings, which take at most 4 MiB."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._channel = channel

    def call(self, method: str, request: Any, *, timeout: float | None) -> Any:
        """One call."""
        path, answer = METHODS[method].path, METHODS[method].response.FromString
        send: Callable[..., Any] = self._channel.unary_unary(
            path, lambda message: message.SerializeToString(), answer
        )
        return send(request, timeout=timeout)


def test_f9_a_measurement_that_is_sent_three_times_is_stored_once(service: Service) -> None:
    """Under its request id it is a repeat; under another it comes too late."""
    study = service.create()
    trial = study.leased()
    request = wire.ReportMeasurementRequest(
        name=trial.name,
        fencing_token=1,
        measurement=trial_pb2.Measurement(step=1, values=[metric_value(0.5)]),
        request_id=new_id(),
    )
    answers = [service.send(request) for _ in range(3)]
    with pytest.raises(StepOrderError):
        study.report(trial, 1, 0.5)

    assert answers[0] == answers[1] == answers[2]
    assert study.trial(trial.name).measurement_count == 1
    assert len(study.rows()[4]) == 1


def test_f10_a_study_of_any_size_is_read_by_pages(tmp_path: Path) -> None:
    """Pages are as long as asked for, and five megabytes are read by a client that takes four."""
    clock = StillClock()
    backend = open_backend(f"sqlite:///{tmp_path / 'large.db'}", clock=clock)
    with grpc_server(backend) as address, grpc.insecure_channel(address) as channel:
        service = Service(_Plain(channel), backend, clock)  # type: ignore[arg-type]
        study = service.create()
        trial = trial_pb2.Trial(
            parameters=study.add().parameters,
            state=trial_pb2.Trial.STATE_FAILED,
            reason="x" * 4096,
        )
        for _ in range(2):
            many = [trial] * 600
            service.send(wire.ImportTrialsRequest(parent=study.name, trials=many))
        few = service.send(wire.ListTrialsRequest(parent=study.name, page_size=5))
        request = wire.ListTrialsRequest(parent=study.name, page_size=1000)
        pages = [service.send(request)]
        while pages[-1].next_page_token:
            request.page_token = pages[-1].next_page_token
            pages.append(service.send(request))
    backend.close()

    assert numbers(few.trials) == [1, 2, 3, 4, 5]
    assert few.next_page_token
    assert sum(page.ByteSize() for page in pages) > 4.5 * 2**20
    assert numbers(t for page in pages for t in page.trials) == list(range(1, 1202))


def test_f11_the_number_of_a_deleted_trial_is_not_used_again(service: Service) -> None:
    """The highest one is deleted; the next trial has the one after it."""
    study = service.create()
    trials = study.ask(2)
    service.send(wire.DeleteTrialRequest(name=trials[1].name))

    assert numbers(study.ask(client_id="bob")) == [3]


def test_f12_nonsense_is_refused(service: Service) -> None:
    """A NaN, an unknown metric and an unknown parameter; no trial is best by them."""
    study = service.create()
    trial = study.leased()
    rows = study.rows()
    wrong = trial_pb2.MetricValue(metric="loss", value=0.5)

    for values in ([metric_value(math.nan)], [wrong], [metric_value(0.5), wrong]):
        with pytest.raises(InvalidArgumentError):
            service.send(wire.CompleteTrialRequest(name=trial.name, fencing_token=1, values=values))
    with pytest.raises(OutsideSpaceError):
        study.add({"rate": 0.1, "layers": 1, "depth": 5})
    assert study.rows() == rows
    assert not service.send(wire.ListBestTrialsRequest(parent=study.name)).trials


def test_f13_a_study_is_not_opened_under_another_space(service: Service) -> None:
    """Neither created over it nor silently loaded."""
    study = service.create()
    request = wire.CreateStudyRequest(
        parent=service.parent, study_id="s", study=study_message(COIN_SPACE), allow_existing=True
    )

    with pytest.raises(StudyDiffersError):
        service.send(request)
    request.allow_existing, request.request_id = False, ""
    with pytest.raises(AlreadyExistsError):
        service.send(request)
    assert {spec.name for spec in study.get().space.parameters} == {"rate", "layers"}


def test_f14_requested_trials_are_served_in_their_order(service: Service) -> None:
    """Through the public client: .1, .2, .3 are handed out as .1, .2, .3."""
    service.create()
    with service.client() as client:
        study = client.study("s")
        for rate in (0.1, 0.2, 0.3):
            study.enqueue({"rate": rate, "layers": 1})
        served = []
        for trial in study.trials(3):
            with trial:
                served.append(trial.parameters["rate"])
                trial.complete({METRIC: 0.5})

    assert served == [0.1, 0.2, 0.3]
    assert (
        values_from_wire(
            service.send(
                wire.GetTrialRequest(name=f"{service.parent}/studies/s/trials/1")
            ).parameters
        )["rate"]
        == 0.1
    )
