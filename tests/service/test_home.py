"""Where a user's data are."""

from pathlib import Path

import pytest

from hyperbo_service.config import ServerConfig
from hyperbo_service.home import data_folder, database_of, registry_of


def test_data_lie_in_the_users_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Database and priors are in `HYPERBO_HOME`, which is made, unless another place is named."""
    home = tmp_path / "new" / "home"
    monkeypatch.setenv("HYPERBO_HOME", str(home))

    assert registry_of(ServerConfig()) == home / "priors"
    assert registry_of(ServerConfig(registry=Path("x"))) == Path("x")
    assert database_of(ServerConfig(database="sqlite:///x")) == "sqlite:///x"
    assert not home.exists()
    assert database_of(ServerConfig()) == f"sqlite:///{home}/service.db"
    assert home.is_dir()


def test_without_a_home_the_platform_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `HYPERBO_HOME` there is still a whole path."""
    monkeypatch.delenv("HYPERBO_HOME", raising=False)

    assert data_folder().is_absolute()
