"""A real PostgreSQL for tests: started once for a session, a fresh database for each test."""

from collections.abc import Iterator

import pytest

from hyperbo_service.benchmark.postgres import FORGETFUL, PostgresServer, new_postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for all tests of this process."""
    server = new_postgres(FORGETFUL)
    server.start()
    yield server
    server.remove()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of a database that is new and empty, and gone after the test."""
    url = postgres_server.create()
    yield url
    postgres_server.drop(url)
