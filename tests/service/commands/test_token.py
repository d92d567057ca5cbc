"""`hyperbo token`: made once, listed without their text, revoked for good, and all of it logged."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hyperbo_service.auth import Scope, TokenGate
from hyperbo_service.cli import app
from hyperbo_service.domain import utc_now
from hyperbo_service.errors import UnauthenticatedError
from hyperbo_service.storage.engines import parse_url
from hyperbo_service.storage.sql import SqlStore

Invoke = Callable[..., Result]


@pytest.fixture
def token(runner: CliRunner) -> Invoke:
    """Run `hyperbo token` in the empty home."""
    return lambda *arguments: runner.invoke(app, ["token", *arguments])


def test_the_printed_token_is_let_in(token: Invoke, tmp_path: Path) -> None:
    """Standard output is the token alone, and a gate on that database knows it."""
    result = token("create", "trainer", "--project", "vision", "--scope", "report")
    text = result.stdout.strip()
    store = SqlStore(parse_url(f"sqlite:///{tmp_path}/service.db"))
    caller = TokenGate(store, utc_now).admit("SuggestTrials", text, "vision", 0)
    store.close()

    assert result.exit_code == 0
    assert text.startswith("hbo_")
    assert (caller.principal, caller.scope) == ("trainer", Scope.REPORT)
    assert "for ever" in result.stderr


def test_the_text_is_nowhere_in_the_database(token: Invoke, tmp_path: Path) -> None:
    """The database's file does not hold the token."""
    text = token("create", "trainer").stdout.strip()

    with closing(sqlite3.connect(tmp_path / "service.db")) as connection:
        dump = "\n".join(connection.iterdump())
    assert text[4:] not in dump


def test_a_token_has_limits_and_an_end(token: Invoke) -> None:
    """Limits and the time it ends are stored as they were given."""
    result = token(
        "create", "t", "--expires", "30d", "--calls-per-second", "5", "--largest-message", "1000",
        "--json",
    )  # fmt: skip
    document = json.loads(result.stdout)

    assert document["token"].startswith("hbo_")
    assert document["calls_per_second"] == 5.0
    assert document["largest_message"] == 1000
    assert document["state"] == "valid"
    (listed,) = json.loads(token("list", "--json").stdout)
    assert "token" not in listed
    assert listed == {name: each for name, each in document.items() if name != "token"}


def test_revoked_for_good(token: Invoke, tmp_path: Path) -> None:
    """A revoked token is refused, stays in the list, and cannot be revoked again."""
    text = token("create", "trainer").stdout.strip()

    assert token("revoke", "trainer").exit_code == 0

    store = SqlStore(parse_url(f"sqlite:///{tmp_path}/service.db"))
    with pytest.raises(UnauthenticatedError, match="revoked"):
        TokenGate(store, utc_now).admit("GetStudy", text, "default", 0)
    store.close()
    assert "revoked" in token("list").stdout
    assert token("revoke", "trainer").exit_code == 2


def test_the_audit_log_knows_who_made_and_revoked(token: Invoke, tmp_path: Path) -> None:
    """Creating and revoking a token are changes, and stand in the log of its project."""
    token("create", "trainer", "--project", "vision")
    token("revoke", "trainer")

    store = SqlStore(parse_url(f"sqlite:///{tmp_path}/service.db"))
    with store.read() as reader:
        entries = reader.journal("vision", before=None, limit=10)
    store.close()
    assert [entry.call.method for entry in entries] == ["RevokeToken", "CreateToken"]
    assert all(entry.call.principal.startswith("local:") for entry in entries)
    assert entries[0].call.resource == "projects/vision/tokens/trainer"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "a b"), "token's name"),
        (("create", "t", "--scope", "write"), "read, report or admin"),
        (("create", "t", "--expires", "soon"), "no span of time"),
        (("create", "t", "--expires", "0s"), "time to come"),
        (("create", "t", "--project", "../x"), "token's project"),
        (("create", "t", "--calls-per-second", "0"), "positive"),
        (("list",), "There is no database"),
        (("revoke", "t"), "There is no database"),
    ],
)
def test_wrong_arguments_are_refused(
    token: Invoke, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    """What is wrong is told in one line, and no database is made for it."""
    result = token(*arguments)

    assert result.exit_code == 2
    assert said in result.stderr
    assert not (tmp_path / "service.db").exists()


def test_a_name_is_taken_once(token: Invoke) -> None:
    """A second token of a name is refused, lest the audit log become unclear."""
    token("create", "trainer")
    result = token("create", "trainer")

    assert result.exit_code == 2
    assert "already" in result.stderr
    assert result.stdout == ""


def test_a_misspelt_name_is_guessed(token: Invoke) -> None:
    """Revoking a name that there is not tells the one that is close."""
    token("create", "trainer")

    assert "Did you mean 'trainer'?" in token("revoke", "trainr").stderr


def test_the_servers_configuration_names_the_database(token: Invoke, tmp_path: Path) -> None:
    """`--config` finds the database that a server with the same file would use."""
    other = tmp_path / "other.db"
    config = tmp_path / "server.toml"
    config.write_text(f'database = "sqlite:///{other}"')

    token("create", "trainer", "--config", str(config))

    assert other.exists()
    assert not (tmp_path / "service.db").exists()


def test_on_postgres_too(token: Invoke, postgres_url: str) -> None:
    """Tokens live in whichever database the server uses."""
    assert token("create", "trainer", "--database", postgres_url).exit_code == 0
    assert "trainer" in token("list", "--database", postgres_url).stdout
