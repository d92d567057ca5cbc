"""A mock service, a client of it, and a clock that only moves when told."""

from collections.abc import Iterator

import pytest

from hyperbo_service.client import Client, MockTransport, Study
from tests.service.client.support import POINTS, SPACE, Time


@pytest.fixture
def time() -> Time:
    """A clock at zero."""
    return Time()


@pytest.fixture
def mock() -> MockTransport:
    """A service that hands out eight points."""
    return MockTransport(POINTS)


@pytest.fixture
def client(mock: MockTransport, time: Time) -> Iterator[Client]:
    """A client of the mock service."""
    with Client(transport=mock, clock=time.clock) as client:
        yield client


@pytest.fixture
def study(client: Client) -> Study:
    """A study that maximises an accuracy."""
    return client.study("digits", space=SPACE, metric="accuracy", goal="maximize")
