"""The four back ends that every fact of the contract is tested on."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.service.clocks import StillClock
from tests.service.contract.services import Service, opened
from tests.service.databases import PostgresServer

KINDS = ("memory", "sqlite", "postgres", "grpc")

Open = Callable[[], AbstractContextManager[Service]]


@pytest.fixture(scope="session", params=KINDS)
def backend(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """One back end for all tests of this process."""
    kind: str = request.param
    database = "sqlite://"
    if kind == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        database = server.create()
    elif kind != "memory":
        database = f"sqlite:///{tmp_path_factory.mktemp(kind) / 'contract.db'}"
    with opened(kind, database, StillClock()) as service:
        yield service


@pytest.fixture
def service(backend: Service) -> Service:
    """A back end, in a project of the test's own."""
    return backend.alone()


@pytest.fixture(params=[kind for kind in KINDS if kind != "memory"])
def reopened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens one database anew each time, as a server that starts again; time goes on."""
    kind: str = request.param
    clock = StillClock()
    database = f"sqlite:///{tmp_path / 'restart.db'}"
    if kind == "postgres":
        database = request.getfixturevalue("postgres_url")
    return lambda: opened(kind, database, clock)
