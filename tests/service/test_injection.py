"""SQL, paths and odd characters through every text of every request: they are only texts."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.protobuf.message import Message

from hyperbo_service.rpc.methods import METHODS
from hyperbo_service.rpc.spaces import values_to_wire
from hyperbo_service.rpc.v1 import study_pb2, trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from tests.service.contract.services import (
    grpc_server,
)
from tests.service.databases import PostgresServer
from tests.service.fuzz_targets import REFUSALS, SECONDS, SOUND, Both, two_databases
from tests.service.fuzzing import ATTACKS


@pytest.fixture(scope="module")
def both(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer
) -> Iterator[Both]:
    """The two databases."""
    with two_databases(tmp_path_factory.mktemp("fuzz"), postgres_server) as made:
        yield made


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
        answer = send(request.SerializeToString(), timeout=SECONDS)
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
