"""Clients: who they are, and where they get their transport from."""

import importlib.metadata
from collections.abc import Iterator

import pytest

from hyperbo.errors import MissingExtraError
from hyperbo_service.client import AsyncClient, Client, MockTransport, ThreadedTransport
from hyperbo_service.client.record import Record
from hyperbo_service.errors import InvalidArgumentError, PriorUnusableError, UnsupportedError
from hyperbo_service.rpc.v1 import prior_service_pb2 as priors
from tests.service.client.support import SPACE

OPENED: list[str | None] = []


def open_mock(path: str | None) -> MockTransport:
    """A transport that stands for one to a local file."""
    OPENED.append(path)
    return MockTransport()


@pytest.fixture
def entry(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """What the entry point `local` says, or nothing."""
    spoken: dict[str, str] = {}

    def entry_points(*, group: str, name: str) -> list[importlib.metadata.EntryPoint]:
        assert (group, name) == ("hyperbo.transports", "local")
        return [importlib.metadata.EntryPoint(name, each, group) for each in spoken.values()]

    monkeypatch.setattr("hyperbo_service.client.local.entry_points", entry_points)
    yield spoken
    OPENED.clear()


def test_ids_are_unique(mock: MockTransport) -> None:
    """No two clients ask under one id unless they are told to."""
    ids = {Client(transport=mock).client_id for _ in range(100)}

    assert len(ids) == 100
    assert all(0 < len(each) <= 128 and each.isprintable() for each in ids)


@pytest.mark.parametrize("client_id", ["", "x" * 129, "a\nb"])
def test_malformed_id(mock: MockTransport, client_id: str) -> None:
    """An id that no server takes is refused at once."""
    with pytest.raises(InvalidArgumentError, match="printable"):
        Client(transport=mock, client_id=client_id)


def test_projects_are_apart(mock: MockTransport) -> None:
    """A client sees its project's studies only."""
    study = Client(transport=mock, project="vision").study(
        "s", space=SPACE, metric="m", goal="maximize"
    )

    assert study.name == "projects/vision/studies/s"
    assert list(Client(transport=mock).studies()) == []


def test_local(entry: dict[str, str]) -> None:
    """A local client opens what the entry point names, and runs the same code."""
    entry["local"] = f"{__name__}:open_mock"
    with Client.local("studies.db") as client:
        client.study("s", space=SPACE, metric="m", goal="maximize")
        assert OPENED == ["studies.db"]
        assert isinstance(client.transport, MockTransport)


def test_local_for_asyncio(entry: dict[str, str]) -> None:
    """The same holds for asyncio, where the transport runs in threads."""
    entry["local"] = f"{__name__}:open_mock"

    assert isinstance(AsyncClient.local().transport, ThreadedTransport)
    assert OPENED == [None]


def test_local_without_the_server(entry: dict[str, str]) -> None:
    """Where the server's part is missing, the error says which extra to install."""
    for value in ("hyperbo_nowhere:open_local", None):
        entry.clear()
        if value is not None:
            entry["local"] = value
        with pytest.raises(MissingExtraError, match=r"pip install 'hyperbo\[server\]'"):
            Client.local()


def test_priors_are_not_mocked(client: Client) -> None:
    """The mock has no registry, and says so."""
    with pytest.raises(UnsupportedError):
        client.upload_prior("toy", b"{}", b"")
    with pytest.raises(UnsupportedError):
        list(client.priors())


def test_unsound_prior(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A prior that is found damaged is an error that says how."""
    answer = priors.VerifyPriorResponse(problem="its hash is wrong")
    monkeypatch.setattr(client.transport, "call", lambda *_, **__: answer)
    with pytest.raises(PriorUnusableError, match="its hash is wrong"):
        client.verify_prior("toy@1")


def test_records_do_not_change(client: Client) -> None:
    """What the server answered cannot be changed."""
    client.study("s", space=SPACE, metric="m", goal="maximize")
    (record,) = client.studies()
    with pytest.raises(AttributeError, match="does not change"):
        record.state = "completed"  # type: ignore[misc]
    with pytest.raises(AttributeError, match="does not change"):
        del record.state
    assert record == next(client.studies())


def test_record_without_a_field() -> None:
    """A record has all its fields, and no others."""

    class Point(Record):
        x: float

    with pytest.raises(TypeError, match="y"):
        Point(x=1.0, y=2.0)  # type: ignore[call-arg]
