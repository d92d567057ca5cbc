"""The schema: migrations up and down, agreement with the models, databases of the past."""

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic import op
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, Inspector, create_engine, event, inspect

from hyperbo_service.app import open_backend
from hyperbo_service.errors import PreconditionError
from hyperbo_service.local import LocalTransport
from hyperbo_service.storage import engines, schema
from hyperbo_service.storage.models import Base
from hyperbo_service.storage.reader import SqlReader
from hyperbo_service.storage.sql import SqlStore
from tests.service.clocks import StillClock
from tests.service.contract.services import Service, Studied, numbers
from tests.service.populated import OPEN, populate
from tests.service.storage.kept import make_kept

KEPT = Path(__file__).parent / "kept"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "postgres":
        address: str = request.getfixturevalue("postgres_url")
        return address
    return f"sqlite:///{tmp_path / 'schema.db'}"


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """A connection to it, as writers have."""
    connected = engines.connect(engines.parse_url(url), is_writer=True)
    yield connected
    connected.dispose()


def _tables(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return set(inspect(connection).get_table_names())


def _described(engine: Engine) -> dict[str, Any]:
    """All that a database says of its tables."""

    def of_table(inspector: Inspector, table: str) -> dict[str, Any]:
        columns = [
            (each["name"], str(each["type"]), each["nullable"], each["default"] is None)
            for each in inspector.get_columns(table)
        ]
        checks = [
            (each["name"], each["sqltext"]) for each in inspector.get_check_constraints(table)
        ]
        unique = [
            (each["name"], each["column_names"]) for each in inspector.get_unique_constraints(table)
        ]
        keys = [
            (each["name"], each["constrained_columns"], each["referred_table"], each["options"])
            for each in inspector.get_foreign_keys(table)
        ]
        indexes = [
            (each["name"], each["column_names"], each["unique"])
            for each in inspector.get_indexes(table)
        ]
        primary = inspector.get_pk_constraint(table)
        return {
            "columns": sorted(columns),
            "checks": sorted(checks),
            "unique": sorted(unique, key=str),
            "keys": sorted(keys, key=str),
            "indexes": sorted(indexes, key=str),
            "primary": (primary["name"], primary["constrained_columns"]),
        }

    with engine.connect() as connection:
        inspector = inspect(connection)
        tables = set(inspector.get_table_names()) - {"alembic_version"}
        return {table: of_table(inspector, table) for table in sorted(tables)}


def _set_version(engine: Engine, version: str) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{version}'")  # noqa: S608 - the test's own


def test_an_empty_database_gets_the_newest_schema(engine: Engine) -> None:
    """All tables of the models, at the newest version."""
    assert schema.current(engine) is None

    schema.prepare(engine)

    assert schema.current(engine) == schema.newest()
    assert _tables(engine) == {*Base.metadata.tables, "alembic_version"}


def test_migrations_and_models_agree(engine: Engine) -> None:
    """Alembic finds nothing to change, in types and defaults either."""
    schema.upgrade(engine)

    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []


def test_migrations_make_what_the_models_would(
    engine: Engine, url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Constraints too, of which Alembic compares none: names, checks, keys and indexes."""
    schema.upgrade(engine)
    other = f"sqlite:///{tmp_path / 'models.db'}"
    server = None
    if url.startswith("postgres"):
        server = request.getfixturevalue("postgres_server")
        other = server.create()
    straight = create_engine(engines.parse_url(other))
    Base.metadata.create_all(straight)
    expected = _described(straight)
    straight.dispose()
    if server is not None:
        server.drop(other)

    assert _described(engine) == expected
    assert expected["trials"]["checks"]


def test_down_and_up_again_is_the_same(engine: Engine) -> None:
    """Down to nothing leaves no table, type or sequence of ours behind."""
    schema.upgrade(engine)
    before = _described(engine)

    schema.downgrade(engine, "base")
    assert _tables(engine) == {"alembic_version"}
    assert schema.current(engine) is None
    schema.upgrade(engine)

    assert _described(engine) == before
    assert schema.current(engine) == schema.newest()


def test_down_and_up_works_on_a_filled_database(engine: Engine, url: str) -> None:
    """Going down to nothing drops the rows; the new tables are empty and take new ones."""
    store = SqlStore(engines.parse_url(url))
    populate(store)
    store.close()

    schema.downgrade(engine, "base")
    schema.upgrade(engine)

    store = SqlStore(engines.parse_url(url))
    with store.read() as reader:
        assert reader.studies("red", [], None, 10) == []
    populate(store)
    store.close()


def test_upgrading_what_is_new_changes_nothing(engine: Engine, url: str) -> None:
    """It may be run as often as one likes."""
    store = SqlStore(engines.parse_url(url))
    populate(store)
    schema.upgrade(engine)
    schema.upgrade(engine, schema.newest())
    with store.read() as reader:
        assert len(reader.studies("red", [], None, 10)) == 1
    store.close()


def test_an_older_schema_is_refused_with_the_remedy(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server does not migrate by itself: it says which commands do."""
    schema.upgrade(engine)
    monkeypatch.setattr(schema, "newest", lambda: "9999")

    with pytest.raises(PreconditionError, match=r"db backup.*hyperbo db upgrade"):
        schema.prepare(engine)


def test_a_newer_schema_is_refused_with_the_remedy(engine: Engine, url: str) -> None:
    """Neither opened nor upgraded by a release that does not know it; nothing is touched."""
    schema.upgrade(engine)
    before = _described(engine)
    _set_version(engine, "9999")

    with pytest.raises(PreconditionError, match=r"9999.*Upgrade hyperbo"):
        open_backend(url)
    with pytest.raises(PreconditionError, match="newer release"):
        schema.upgrade(engine)
    assert schema.current(engine) == "9999"
    assert _described(engine) == before


def test_an_alien_schema_is_refused_and_left_alone(engine: Engine, url: str) -> None:
    """Tables that are not ours: the remedy is another database."""
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE studies_of_bees (id INTEGER)")

    with pytest.raises(PreconditionError, match=r"studies_of_bees.*Name an empty database"):
        open_backend(url)
    with pytest.raises(PreconditionError):
        schema.upgrade(engine)
    assert _tables(engine) == {"studies_of_bees"}


def test_a_migration_that_breaks_leaves_nothing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All or nothing: the next attempt starts from where the first did."""
    sound, made = op.create_table, []

    def breaks(name: str, *columns: Any, **options: Any) -> Any:
        made.append(name)
        if len(made) == 4:
            raise ZeroDivisionError
        return sound(name, *columns, **options)

    monkeypatch.setattr(op, "create_table", breaks)
    with pytest.raises(ZeroDivisionError):
        schema.upgrade(engine)
    monkeypatch.undo()

    assert len(made) == 4
    assert _tables(engine) <= {"alembic_version"}
    schema.prepare(engine)
    assert schema.current(engine) == schema.newest()


def test_many_may_open_an_empty_database_at_once(url: str) -> None:
    """One of them makes the tables, and all of them work."""

    def open_and_close(_: int) -> int:
        store = SqlStore(engines.parse_url(url))
        with store.read() as reader:
            count = len(reader.studies("red", [], None, 10))
        store.close()
        return count

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(open_and_close, range(6))) == [0] * 6


def test_deletions_are_found_by_an_index_of_their_own(engine: Engine) -> None:
    """Creating a study asks whether its name was used before, however long the journal is."""
    schema.upgrade(engine)
    asked: list[tuple[str, Any]] = []
    with engine.connect() as connection:
        event.listen(
            connection, "before_cursor_execute", lambda *given: asked.append((given[2], given[3]))
        )
        SqlReader(connection).deletions(OPEN)
        statement, parameters = asked[-1]
        explain = "EXPLAIN QUERY PLAN"
        if connection.dialect.name == "postgresql":
            explain = "EXPLAIN"
            connection.exec_driver_sql("SET enable_seqscan = off")  # it holds too little to bother
        plan = str(connection.exec_driver_sql(f"{explain} {statement}", parameters).all())

    assert "ix_journal_deletions" in plan


VERSIONS = sorted(path.stem for path in KEPT.glob("*.db"))


def test_a_database_of_every_released_schema_is_kept() -> None:
    """So that each later release is tested on what each earlier one wrote."""
    assert sorted(schema._known()) == VERSIONS


def _upgraded(version: str, file: Path) -> None:
    """A copy of a kept database, brought up to the newest schema."""
    shutil.copy(KEPT / f"{version}.db", file)
    engine = engines.connect(engines.parse_url(f"sqlite:///{file}"), is_writer=True)
    assert schema.current(engine) == version
    schema.upgrade(engine)
    engine.dispose()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_kept_database_is_upgraded_and_read_as_it_was(version: str, tmp_path: Path) -> None:
    """Studies, trials, curves, best trials, priors, tokens and the audit log, to the last digit."""
    file = tmp_path / "kept.db"
    _upgraded(version, file)

    backend = open_backend(f"sqlite:///{file}", clock=StillClock())
    found = make_kept.read(backend)
    backend.close()

    assert found == json.loads((KEPT / f"{version}.json").read_text())


@pytest.mark.parametrize("version", VERSIONS)
def test_a_kept_database_is_worked_on(version: str, tmp_path: Path) -> None:
    """Old calls get their old answers, and trials that ran go on under their tokens."""
    file = tmp_path / "kept.db"
    _upgraded(version, file)
    clock = StillClock()
    clock.pass_by(3600.0)
    backend = open_backend(f"sqlite:///{file}", clock=clock)
    service = Service(LocalTransport(backend), backend, clock, make_kept.PROJECT)
    study = Studied(service, f"{service.parent}/studies/full")
    count = len(study.rows()[1])

    again = service.send(make_kept.repeated())
    running = study.trial(f"{study.name}/trials/5")
    study.report(running, 3, 0.3)
    study.complete(running)
    made = study.ask(client_id="third")

    assert numbers([again]) == [1]
    assert numbers(made) == [6]
    assert len(study.rows()[1]) == count
    backend.close()
