"""A store on each kind of database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hyperbo_service.storage.engines import parse_url
from hyperbo_service.storage.sql import SqlStore
from tests.service.clocks import StillClock


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    """An empty store with one writer."""
    urls = {"memory": "sqlite://", "sqlite": f"sqlite:///{tmp_path / 'store.db'}"}
    url = urls.get(request.param) or request.getfixturevalue("postgres_url")
    opened = SqlStore(parse_url(url), clock=StillClock(), writers=1)
    yield opened
    opened.close()
