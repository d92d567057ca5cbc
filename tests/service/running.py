"""A server that runs for all tests of a folder."""

from collections.abc import Iterator

import pytest

from hyperbo_service.config import ServerConfig
from hyperbo_service.serving import serving


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a server that asks for no tokens."""
    folder = tmp_path_factory.mktemp("server")
    config = ServerConfig(
        port=0, database=f"sqlite:///{folder}/service.db", registry=folder / "priors"
    )
    with serving(config) as running:
        yield running.server.address
