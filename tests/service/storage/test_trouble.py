"""A database in trouble: a full disk, a server that is gone and comes back, a file that is none."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from hyperbo_service.app import open_backend
from hyperbo_service.benchmark.postgres import PostgresServer, new_postgres
from hyperbo_service.errors import InvalidArgumentError, PreconditionError, UnavailableError
from hyperbo_service.rpc.v1 import trial_pb2
from tests.service.clocks import StillClock
from tests.service.contract.services import Service, curve, numbers, opened


@pytest.fixture(scope="module")
def fragile() -> Iterator[PostgresServer]:
    """A PostgreSQL of this module's own, which may be stopped and forgets nothing."""
    server = new_postgres()
    server.start()
    yield server
    server.remove()


class Disk:
    """Limits how much a database may grow."""

    def __init__(self, service: Service) -> None:
        self.is_full = False
        event.listen(service.backend.store._write_engine, "begin", self._limit)

    def _limit(self, connection: Any) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        most = pages if self.is_full else 2**30
        connection.exec_driver_sql(f"PRAGMA max_page_count = {most}")


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_full_disk_loses_nothing(kind: str, tmp_path: Path) -> None:
    """Calls are refused as UNAVAILABLE with the remedy; once there is room, all goes on."""
    database = "sqlite://" if kind == "memory" else f"sqlite:///{tmp_path / 'full.db'}"
    with opened(kind, database, StillClock()) as service:
        disk = Disk(service)
        study = service.create()
        trial = study.leased()
        rows = study.rows()
        disk.is_full = True
        with pytest.raises(UnavailableError, match="Make room") as refused:
            study.add(state=trial_pb2.Trial.STATE_INFEASIBLE, reason="x" * 20_000)
        with pytest.raises(UnavailableError, match="Make room"):
            study.add(state=trial_pb2.Trial.STATE_INFEASIBLE, measurements=curve(*[0.5] * 500))

        assert refused.value.retry_after is not None
        assert study.get().trial_counts.running == 1
        assert study.rows() == rows
        disk.is_full = False

        study.complete(trial, 0.5)
        assert numbers([study.add()]) == [2]


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_database_that_went_away_is_found_again(fragile: PostgresServer, mode: str) -> None:
    """Meanwhile reads and writes are UNAVAILABLE; afterwards what was acknowledged is there."""
    with opened("postgres", fragile.create(), StillClock()) as service:
        study = service.create()
        trial = study.leased()
        study.report(trial, 1, 0.5)
        fragile.stop(mode)
        try:
            for call in (study.get, study.add, lambda: study.report(trial, 2, 0.6)):
                with pytest.raises(UnavailableError) as refused:
                    call()
                assert refused.value.retry_after is not None
        finally:
            fragile.start()

        study.report(trial, 2, 0.6)
        study.complete(trial)
        assert numbers([study.add()]) == [2]
        assert study.trial(trial.name).measurement_count == 2


def test_connections_that_were_cut_are_replaced(fragile: PostgresServer) -> None:
    """All of them at once, while the server goes on: each call fails once at most."""
    with opened("postgres", fragile.create(), StillClock()) as service:
        study = service.create()
        trial = study.leased()
        fragile.stop("fast")
        fragile.start()

        assert _persist(study.get).name == study.name
        assert numbers([_persist(study.add)]) == [2]
        _persist(lambda: study.complete(trial, 0.5))


def _persist(call: Any) -> Any:
    """What a call comes to that may be UNAVAILABLE a few times, as many as there are writers."""
    for _ in range(5):
        try:
            return call()
        except UnavailableError:
            continue
    return call()


def test_a_database_that_is_not_there_is_refused(fragile: PostgresServer) -> None:
    """When the store is opened, with what was wanted."""
    with pytest.raises(UnavailableError, match="does not exist"):
        open_backend(fragile.url("no_such_database"))


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """SQLite makes files, not folders."""
    with pytest.raises(UnavailableError, match="unable to open"):
        open_backend(f"sqlite:///{tmp_path / 'none' / 'x.db'}")


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    """Whatever it is, it is somebody else's."""
    file = tmp_path / "notes.db"
    file.write_text("not a database at all, but long enough for a header " * 100)
    before = file.read_bytes()

    with pytest.raises(PreconditionError, match="no SQLite database"):
        open_backend(f"sqlite:///{file}")
    assert file.read_bytes() == before


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    """The remedy is to name another one."""
    file = tmp_path / "other.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE photos (id INTEGER)")
    connection.close()

    with pytest.raises(PreconditionError, match=r"photos.*Name an empty database"):
        open_backend(f"sqlite:///{file}")
    with sqlite3.connect(file) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    connection.close()
    assert tables == [("photos",)]


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    """A database that lost its second half does not open as an empty one."""
    file = tmp_path / "damaged.db"
    with opened("sqlite", f"sqlite:///{file}", StillClock()) as service:
        service.create()
    whole = file.read_bytes()
    copy = tmp_path / "copy.db"
    shutil.copy(file, copy)
    copy.write_bytes(whole[:100] + b"\0" * (len(whole) - 100))

    with pytest.raises((PreconditionError, UnavailableError)):
        open_backend(f"sqlite:///{copy}")


@pytest.mark.parametrize(
    "address", ["", "nonsense", "mysql://root@localhost/x", "postgresql://[::1", "http://x/y"]
)
def test_an_address_that_is_not_understood_is_refused(address: str) -> None:
    """With the forms that are."""
    with pytest.raises(InvalidArgumentError, match="sqlite:///path") as refused:
        open_backend(address)
    assert refused.value.field == "database"
