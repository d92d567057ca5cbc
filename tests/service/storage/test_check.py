"""The check of a database: silent on a sound one, and naming each thing that can be wrong."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import URL

from hyperbo_service import priors
from hyperbo_service.errors import UnavailableError
from hyperbo_service.storage import engines
from hyperbo_service.storage.check import Finding, check
from hyperbo_service.storage.sql import SqlStore
from tests.service.populated import populate

OPEN, DONE = "projects/red/studies/open", "projects/blue/studies/done"
COMPLETED, RUNNING, WAITING = f"{OPEN}/trials/3", f"{OPEN}/trials/2", f"{OPEN}/trials/1"
_RUN = "Run in the database: "

# What is done to the database, the row that is found then, and words of what is said of it.
DAMAGES = [
    ("UPDATE trials SET objective = NULL WHERE {3}", COMPLETED, "without an objective"),
    ("UPDATE trials SET objective = 5 WHERE {3}", COMPLETED, "objective is 5.0; its value says"),
    ("UPDATE trials SET objective = 5 WHERE {1}", WAITING, "waiting, but has the objective"),
    ("UPDATE trials SET objective = 9e999 WHERE {3}", COMPLETED, "not finite"),
    ("UPDATE trials SET state = 'lost' WHERE {3}", COMPLETED, "'lost', which is none"),
    ("UPDATE trials SET origin = 'moon' WHERE {3}", COMPLETED, "'moon', which is none"),
    ("UPDATE trials SET lease_expires = NULL WHERE {2}", RUNNING, "lease never ends"),
    ("UPDATE trials SET lease_expires = updated WHERE {3}", COMPLETED, "has a lease until"),
    ("UPDATE trials SET client_id = '' WHERE {2}", RUNNING, "never handed out"),
    ("UPDATE trials SET lease_seconds = 0 WHERE {2}", RUNNING, "lease of 0.0 seconds"),
    ("UPDATE trials SET ended = NULL WHERE {3}", COMPLETED, "no time at which it ended"),
    ("UPDATE trials SET ended = updated WHERE {2}", RUNNING, "running, but ended"),
    ("UPDATE trials SET revision = 0 WHERE {2}", RUNNING, "below zero"),
    ("UPDATE trials SET measurement_count = 7 WHERE {3}", COMPLETED, "counts 7 .* and has 2"),
    ("UPDATE trials SET last_step = 6 WHERE {3}", COMPLETED, "last step is 6, .* 5"),
    ("DELETE FROM measurements WHERE {3} AND step = 5", COMPLETED, "counts 2 .* and has 1"),
    ("UPDATE measurements SET metric = 'other' WHERE {3} AND step = 1", COMPLETED, "'other'"),
    ("UPDATE measurements SET value = 9e999 WHERE {3} AND step = 1", COMPLETED, "value inf"),
    ("DELETE FROM trial_values WHERE {3}", COMPLETED, "without a value of 'accuracy'"),
    ("UPDATE trial_values SET metric = 'other' WHERE {3}", COMPLETED, "value of 'other'"),
    ("UPDATE trial_values SET stderr = -1 WHERE {3}", COMPLETED, "standard error -1"),
    ("UPDATE trial_values SET number = 2 WHERE {3}", RUNNING, "running, but has a final value"),
    ("UPDATE trial_values SET number = 99 WHERE {3}", f"{OPEN}/trials/99", "does not exist"),
    ("DELETE FROM trial_parameters WHERE {3} AND name = 'rate'", COMPLETED, "'rate'"),
    (
        "UPDATE trial_parameters SET real_value = 99 WHERE {3} AND name = 'rate'",
        COMPLETED,
        "does not admit it: .*rate",
    ),
    (
        "UPDATE trial_parameters SET real_value = NULL WHERE {3} AND name = 'rate'",
        COMPLETED,
        "'rate' has not exactly one value",
    ),
    ("UPDATE trial_parameters SET name = 'x' WHERE {3} AND name = 'rate'", COMPLETED, "'x'"),
    ("DELETE FROM trials WHERE {3}", COMPLETED, "rows of measurements belong to it"),
    ("UPDATE studies SET next_trial = 2 WHERE id = 1", f"{OPEN}/trials/6", "next one, 2"),
    ("DELETE FROM studies WHERE id = 1", "study with id 1/trials/1", "study that does not exist"),
    ("UPDATE studies SET space = '{{' WHERE id = 1", OPEN, "search space cannot be read"),
    ("UPDATE studies SET space_digest = 'x' WHERE id = 1", OPEN, "digest"),
    ("UPDATE studies SET stop_reason = NULL WHERE id = 2", DONE, "without a reason"),
    ("UPDATE studies SET ended = NULL WHERE id = 2", DONE, "no time at which it ended"),
    ("UPDATE studies SET ended = updated WHERE id = 1", OPEN, "active, but ended"),
    ("UPDATE studies SET stopping_min_step = NULL WHERE id = 1", OPEN, "cannot be applied"),
    ("UPDATE studies SET stopping_rule = 'guess' WHERE id = 1", OPEN, "'guess' cannot be"),
    ("UPDATE studies SET resolved_prior = 'mine@2' WHERE id = 1", OPEN, "'mine@2' does not exist"),
    ("DELETE FROM priors", OPEN, "'mine@1' does not exist"),
    ("UPDATE priors SET weights = x'00'", "projects/red/priors/mine@1", "cannot be used"),
    ("UPDATE priors SET digest = 'x'", "projects/red/priors/mine@1", "not the one"),
    ("UPDATE priors SET size = 3", "projects/red/priors/mine@1", "bytes, not 3"),
    ("UPDATE tokens SET scope = 'all'", "token ann", "'all'"),
    ("UPDATE tokens SET digest = 'hbo_text'", "token ann", "no SHA-256"),
    (
        "UPDATE journal SET fingerprint = x'00' WHERE sequence = 1",
        "journal of project red, entry 1",
        "1 bytes in place of 32",
    ),
    ("UPDATE studies SET created = 'noon' WHERE id = 1", "studies", "cannot be read"),
    ("UPDATE sqlite_sequence SET seq = 1 WHERE name = 'studies'", "table studies", "next key is 2"),
    ("DROP INDEX ix_trials_study_id_updated", "schema", "add index ix_trials_study_id_updated"),
    ("ALTER TABLE trials DROP COLUMN cost", "schema", "add column .*cost"),
    ("ALTER TABLE studies DROP COLUMN seed", "schema", "add column .*seed"),
    ("DROP TABLE tokens", "schema", "add table tokens"),
    ("UPDATE alembic_version SET version_num = '9'", "schema", "version 9"),
]


@pytest.fixture
def url(tmp_path: Path) -> URL:
    """A sound SQLite database with a row of every kind."""
    made = engines.parse_url(f"sqlite:///{tmp_path}/service.db")
    store = SqlStore(made)
    populate(store)
    store.close()
    return made


@pytest.fixture
def postgres(postgres_url: str) -> URL:
    """The same on PostgreSQL."""
    made = engines.parse_url(postgres_url)
    store = SqlStore(made)
    populate(store)
    store.close()
    return made


def _check(url: URL) -> list[Finding]:
    return list(check(url, priors.verify))


def _spoil(url: URL, *statements: str) -> None:
    """Change rows behind the back of every constraint."""
    with closing(sqlite3.connect(str(url.database), isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            connection.execute(statement)


def _trials(statement: str) -> str:
    """`{3}` stands for trial 3 of the open study."""
    return statement.format(*(f"study_id = 1 AND number = {number}" for number in range(7)))


def test_a_sound_database_is_silent(url: URL) -> None:
    """With a row of every kind, nothing is found that is right."""
    assert _check(url) == []


def test_a_sound_postgres_is_silent(postgres: URL) -> None:
    """On PostgreSQL neither."""
    assert _check(postgres) == []


@pytest.mark.parametrize(("damage", "row", "said"), DAMAGES)
def test_each_damage_is_named(url: URL, damage: str, row: str, said: str) -> None:
    """What was done is found at its row; a remedy that is a statement puts it right."""
    _spoil(url, _trials(damage))

    found = _check(url)

    named = [each for each in found if each.row == row]
    assert named, found
    assert any(re.search(said, each.problem) for each in named), found
    assert all(each.remedy for each in found)
    remedies = [each.remedy for each in found if each.remedy.startswith(_RUN)]
    if remedies and len(remedies) == len(named):
        _spoil(url, *(remedy.removeprefix(_RUN) for remedy in remedies))
        assert _check(url) == []


def test_duplicates_are_found(postgres: URL, postgres_url: str) -> None:
    """Request ids and tokens that occur twice are found where nothing prevents it any more."""
    journal = "project, request_id, principal, method, resource, fingerprint, answer, at"
    others = "digest, project, scope, created"
    with psycopg.connect(postgres_url) as connection:
        for statement in (
            "ALTER TABLE journal DROP CONSTRAINT uq_journal_project_request_id",
            "ALTER TABLE tokens DROP CONSTRAINT uq_tokens_digest",
            f"INSERT INTO journal ({journal}) SELECT {journal} FROM journal",  # noqa: S608
            f"INSERT INTO tokens (name, {others}) SELECT 'bob', {others} FROM tokens",  # noqa: S608
        ):
            connection.execute(statement.encode())

    found = {each.row for each in _check(postgres)}

    assert "schema" in found
    assert "journal of project red, request request-0" in found
    assert any(row.startswith("token digest ") for row in found)


def test_a_damaged_file_is_found(url: URL) -> None:
    """A page of nonsense in the middle of the file is found, and the rest is looked at."""
    file = Path(str(url.database))
    content = bytearray(file.read_bytes())
    for page in range(10, 20):
        content[4096 * page : 4096 * page + 512] = b"\xff" * 512
    file.write_bytes(content)

    assert any("file" in each.row for each in _check(url))


def test_a_file_that_is_no_database_is_found(tmp_path: Path) -> None:
    """A file of something else is named as such."""
    (tmp_path / "text").write_text("hello " * 1000)

    (found,) = _check(engines.parse_url(f"sqlite:///{tmp_path}/text"))

    assert "not a database" in found.problem


def test_postgres_sequences_behind_are_found(postgres: URL, postgres_url: str) -> None:
    """A sequence behind its keys would give one out twice; the remedy moves it on."""
    with psycopg.connect(postgres_url) as connection:
        connection.execute("SELECT setval('studies_id_seq', 1)")

    (found,) = _check(postgres)

    assert found.row == "table studies"
    with psycopg.connect(postgres_url) as connection:
        connection.execute(found.remedy.removeprefix(_RUN).encode())
    assert _check(postgres) == []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("UPDATE trials SET objective = 'NaN' WHERE {3}", "not finite"),
        ("UPDATE trial_values SET value = 'Infinity' WHERE {3}", "value is inf"),
        ("UPDATE measurements SET value = 'NaN' WHERE {3} AND step = 1", "value nan"),
        ("UPDATE trials SET measurement_count = 7 WHERE {3}", "counts 7"),
    ],
)
def test_postgres_rows_are_looked_at_too(
    postgres: URL, postgres_url: str, damage: str, said: str
) -> None:
    """The same rules hold there, also for NaN, which only PostgreSQL can keep."""
    with psycopg.connect(postgres_url) as connection:
        connection.execute(_trials(damage).encode())

    found = _check(postgres)

    assert any(each.row == COMPLETED and said in each.problem for each in found), found


def test_an_empty_database_is_told(tmp_path: Path) -> None:
    """A database without tables is not sound, and a foreign one is not ours."""
    empty = engines.parse_url(f"sqlite:///{tmp_path}/empty.db")
    (found,) = _check(empty)
    assert "no tables" in found.problem

    with closing(sqlite3.connect(tmp_path / "empty.db")) as connection:
        connection.execute("CREATE TABLE mine (x)")
    (found,) = _check(empty)
    assert "not HyperBO's" in found.problem


def test_a_database_that_is_down_is_an_error() -> None:
    """Nothing can be said of a database that cannot be reached."""
    with pytest.raises(UnavailableError):
        _check(engines.parse_url("postgresql://postgres@127.0.0.1:1/none"))


def test_nothing_is_changed(url: URL) -> None:
    """A check leaves the file as it was."""
    before = Path(str(url.database)).read_bytes()

    _check(url)

    assert Path(str(url.database)).read_bytes() == before


def test_it_says_what_it_looks_at(url: URL) -> None:
    """Progress names every part."""
    told: list[str] = []

    list(check(url, priors.verify, told.append))

    assert "trials" in told
