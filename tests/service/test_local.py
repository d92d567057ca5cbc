"""The transport without a server: the same answers and errors as over the wire."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hyperbo_service.app import open_backend
from hyperbo_service.client import Client
from hyperbo_service.client.transport import Transport
from hyperbo_service.errors import InternalError, NotFoundError, UnavailableError
from hyperbo_service.local import LocalTransport
from hyperbo_service.rpc.v1 import prior_service_pb2 as priors
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from hyperbo_service.storage.sql import SqlStore


@pytest.fixture
def transport() -> Iterator[LocalTransport]:
    """A transport to a database in memory."""
    opened = LocalTransport(open_backend("sqlite://"))
    yield opened
    opened.close()


def _calls(transport: Transport) -> list[object]:
    name = "projects/p/studies/s"
    header = priors.UploadPriorRequest(
        header={"parent": "projects/p", "prior_id": "toy", "request_id": "request-1"}
    )
    return [
        lambda: transport.call("GetStudy", wire.GetStudyRequest(name=name), timeout=None),
        lambda: list(
            transport.stream("ExportStudy", wire.ExportStudyRequest(name=name), timeout=None)
        ),
        lambda: transport.upload("UploadPrior", [header], timeout=None),
    ]


def test_a_fault_is_an_internal_error_with_its_cause(
    transport: LocalTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the call is carried; a program that uses the client catches one kind of errors."""

    def broken(_: SqlStore) -> object:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(SqlStore, "read", broken)
    for call in _calls(transport):
        with pytest.raises(InternalError, match="ZeroDivisionError: a fault") as raised:
            call()  # type: ignore[operator]
        assert isinstance(raised.value.__cause__, ZeroDivisionError)


def test_a_refusal_is_what_the_service_raised(transport: LocalTransport) -> None:
    """Not a fault."""
    with pytest.raises(NotFoundError):
        transport.call("GetStudy", wire.GetStudyRequest(name="projects/p/studies/s"), timeout=None)


def test_a_closed_transport_answers_no_more(transport: LocalTransport) -> None:
    """Neither reads nor writes reach the database; closing twice is harmless."""
    transport.close()
    transport.close()

    for call in _calls(transport):
        with pytest.raises(UnavailableError):
            call()  # type: ignore[operator]


def test_a_local_client_finds_its_studies_again(tmp_path: Path) -> None:
    """In the file it names, which is made with its folders."""
    file = tmp_path / "new" / "folder" / "studies.db"
    space = {"parameters": [{"type": "float", "name": "x", "low": 0.0, "high": 1.0}]}
    with Client.local(file) as client:
        study = client.study("s", space=space, metric="m", goal="maximize", prior="none")
        study.tell({"x": 0.5}, 1.0)
    with Client.local(file) as client:
        best = client.study("s").best()

    assert best is not None
    assert best.parameters == {"x": 0.5}
