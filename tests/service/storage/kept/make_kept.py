"""Make a database as the release with the newest schema writes it, and what it reads of it.

Run once for each released schema, by that release, from the root:
`python -m tests.service.storage.kept.make_kept`. It writes `0001.db` and `0001.json`, say, which
are kept for good; a test opens the file with every later release and compares what it reads.
"""

import json
import sqlite3
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict

from hyperbo_service.app import Backend, open_backend
from hyperbo_service.auth import Scope, new_token
from hyperbo_service.local import LocalTransport
from hyperbo_service.rpc.v1 import prior_service_pb2 as priors
from hyperbo_service.rpc.v1 import study_pb2, trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from hyperbo_service.storage import schema
from tests.service.clocks import START, StillClock
from tests.service.contract.prior_files import prior_files
from tests.service.contract.services import (
    COIN_SPACE,
    SPACE,
    Service,
    Studied,
    curve,
    metric_value,
)

FOLDER = Path(__file__).parent
PROJECT = "kept"
REPEATED = wire.CreateTrialRequest(
    parent=f"projects/{PROJECT}/studies/full", request_id="kept-request-1"
)
"""A call that was answered by that release, and is to be answered the same by every later one."""

EVERY_KIND: Mapping[str, Any] = {
    "parameters": [
        *SPACE["parameters"],
        {"type": "discrete", "name": "batch", "values": [16, 64], "scale": "log"},
        {
            "type": "categorical",
            "name": "optimizer",
            "categories": ["sgd", "adam"],
            "children": [
                {
                    "category": "sgd",
                    "parameters": [{"type": "float", "name": "momentum", "low": 0.0, "high": 1.0}],
                }
            ],
        },
        {"type": "categorical", "name": "nesterov", "categories": [True, False]},
        {"type": "fixed", "name": "data", "value": '日本 "quoted" \'%_'},
    ]
}
SGD = {"rate": 0.1 + 0.2, "layers": 3, "batch": 16, "optimizer": "sgd", "momentum": 1 / 3}
ADAM = {"rate": 1e-4, "layers": 8, "batch": 64, "optimizer": "adam", "nesterov": False}


def repeated() -> wire.CreateTrialRequest:
    """The call of `REPEATED`, with its trial."""
    request = wire.CreateTrialRequest()
    request.CopyFrom(REPEATED)
    request.trial.state = trial_pb2.Trial.STATE_COMPLETED
    request.trial.values.append(metric_value(0.75, 0.01))
    request.trial.measurements.extend(curve(0.5, 0.75))
    for name, value in (SGD | {"nesterov": True}).items():
        _set(request.trial.parameters[name], value)
    return request


def _set(message: Any, value: Any) -> None:
    kinds = {bool: "truth", int: "integer", float: "number", str: "text"}
    setattr(message, kinds[type(value)], value)


def read(backend: Backend) -> dict[str, Any]:
    """All that the service says of the database's content."""
    service = Service(LocalTransport(backend), backend, StillClock(), PROJECT)
    found: dict[str, Any] = {}
    for study in service.send(wire.ListStudiesRequest(parent=service.parent)).studies:
        parts = service.stream(wire.ExportStudyRequest(name=study.name))
        found[study.name] = [MessageToDict(part) for part in parts]
        best = service.send(wire.ListBestTrialsRequest(parent=study.name, page_size=10))
        found[f"{study.name} best"] = MessageToDict(best)
    listed = service.send(priors.ListPriorsRequest(parent=service.parent))
    found["priors"] = MessageToDict(listed)
    for prior in listed.priors:
        verified = service.send(priors.VerifyPriorRequest(name=prior.name))
        found[prior.name] = MessageToDict(verified)
    with backend.store.read() as reader:
        found["tokens"] = [str(token) for token in reader.tokens()]
        journal = reader.journal(PROJECT, before=None, limit=100)
        found["journal"] = [
            f"{each.call.method} {each.call.resource} {each.at}" for each in journal
        ]
    return found


def fill(service: Service) -> None:
    """A row of every kind."""
    full = service.create(
        "full",
        EVERY_KIND,
        display_name="Everything",
        labels={"team": "vision", "quote": 'it\'s "so"'},
        budget=study_pb2.Budget(max_trials=100, target=0.99, max_duration=timedelta(days=30)),
        early_stopping=study_pb2.EarlyStopping(median=study_pb2.MedianRule(min_trials=2)),
        seed=7,
    )
    service.send(repeated())
    kinds = (wire.FailTrialRequest, wire.MarkTrialInfeasibleRequest, wire.AbandonTrialRequest)
    for kind in kinds:
        full.add(ADAM)
        (trial,) = full.ask(client_id="worker ☃")
        service.clock.pass_by(1.5)
        full.report(trial, 0, -1e100, elapsed_seconds=0.25, cost=2.0)
        full.end(kind, trial, f"it {kind.__name__}\nso")
    _run_again(full)
    full.add(ADAM)
    service.create(
        "minimised",
        COIN_SPACE,
        goal=study_pb2.MetricSpec.GOAL_MINIMIZE,
        early_stopping=study_pb2.EarlyStopping(
            successive_halving=study_pb2.SuccessiveHalving(min_step=2, reduction_factor=4)
        ),
        seed=0,
        state=study_pb2.Study.STATE_PAUSED,
    )
    files = prior_files()
    with service.client() as client:
        client.upload_prior("toy", files.manifest, files.weights)
        client.upload_prior("gone", files.manifest, files.weights)
        client.retire_prior("gone@1")
    service.create("primed", prior="toy@1", seed=1, state=study_pb2.Study.STATE_COMPLETED)
    _, token = new_token("ann", PROJECT, Scope.REPORT, now=START, calls_per_second=5.0)
    service.backend.store.change(lambda writer: writer.add_token(token))


def _run_again(study: Studied) -> None:
    """A trial that a first runner lost, and a second one runs."""
    study.add(ADAM)
    (first,) = study.ask(client_id="first", lease=10)
    study.report(first, 1, 0.1)
    study.service.clock.pass_by(11.0)
    (second,) = study.ask(client_id="second", lease=86_400)
    study.report(second, 2, 0.2)


def main() -> None:
    """Write both files."""
    file = FOLDER / f"{schema.newest()}.db"
    file.unlink(missing_ok=True)
    clock = StillClock()
    backend = open_backend(f"sqlite:///{file}", clock=clock)
    fill(Service(LocalTransport(backend), backend, clock, PROJECT))
    found = json.dumps(read(backend), indent=1, sort_keys=True)
    file.with_suffix(".json").write_text(found + "\n")
    backend.close()
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.execute("VACUUM")
    connection.close()


if __name__ == "__main__":
    main()
