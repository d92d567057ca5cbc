"""`hyperbo token`: bearer tokens, which clients of a guarded server must show."""

import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.text import Text

from hyperbo_service.commands.database_options import (
    ConfigFile,
    DatabaseUrl,
    local_user,
    open_store,
)
from hyperbo_service.commands.durations import seconds
from hyperbo_service.commands.options import AsJson, examples
from hyperbo_service.console import note, print_json, results, say, table

TokenName = Annotated[str, typer.Argument(metavar="NAME", help="Says in the audit log who it was.")]


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    group = typer.Typer(
        name="token",
        help="Bearer tokens: create, list and revoke them. They work on the database itself, so "
        "run them where the server runs.",
        no_args_is_help=True,
        rich_markup_mode="rich",
        epilog=examples(
            ("hyperbo token create trainer --scope report --expires 30d", "for training jobs"),
            ("hyperbo token list", "which there are, and when they were made"),
            ("hyperbo token revoke trainer", "refused everywhere within five seconds"),
        ),
    )
    group.command(
        "create",
        help="Create a token and print it, once: only its SHA-256 is kept.\n\n"
        "A token reaches one project. Its scope is read (see), report (also create studies, take "
        "trials and report on them) or admin (also change, delete, import, and store priors).",
        epilog=examples(
            ("hyperbo token create trainer --project vision", "a token that reports, for ever"),
            ("export HYPERBO_TOKEN=$(hyperbo token create me --scope admin)", "for this shell"),
        ),
    )(create_token)
    group.command("list", help="List all tokens, valid or not; never the tokens themselves.")(
        list_tokens
    )
    group.command(
        "revoke",
        help="Make a token invalid; every server refuses it within five seconds.",
        epilog=examples(("hyperbo token revoke trainer", "by its name")),
    )(revoke_token)
    app.add_typer(group)


def create_token(
    name: TokenName,
    *,
    project: Annotated[
        str, typer.Option(metavar="NAME", help="The only project that it reaches.")
    ] = "default",
    scope: Annotated[
        str, typer.Option(metavar="read|report|admin", help="What it may do.")
    ] = "report",
    expires: Annotated[
        str | None,
        typer.Option(
            metavar="SPAN",
            help="How long it is valid: 12h, 30d. Default: for ever.",
            show_default=False,
        ),
    ] = None,
    calls_per_second: Annotated[
        float | None,
        typer.Option(metavar="NUMBER", help="Its own limit of calls.", show_default=False),
    ] = None,
    largest_message: Annotated[
        int | None,
        typer.Option(metavar="BYTES", help="Its own limit of a message.", show_default=False),
    ] = None,
    database: DatabaseUrl = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Store a new token's digest, and print the token."""
    from hyperbo_service.auth import Scope, new_token
    from hyperbo_service.domain import utc_now

    now = utc_now()
    ends = None if expires is None else now + timedelta(seconds=seconds(expires))
    text, token = new_token(
        name,
        project,
        Scope.parse(scope),
        now=now,
        expires=ends,
        calls_per_second=calls_per_second,
        largest_message=largest_message,
    )
    with open_store(database, config, may_be_new=True) as store:
        _change(store, "CreateToken", token, lambda writer: writer.add_token(token))
    if as_json:
        print_json({"token": text, **_document(token, now)})
        return
    say(text)
    until = "for ever" if ends is None else f"until {ends:%Y-%m-%d %H:%M} UTC"
    note(f"{name} has scope {scope} in project {project}, {until}; the token is not shown again")


def list_tokens(
    *, database: DatabaseUrl = None, config: ConfigFile = None, as_json: AsJson = False
) -> None:
    """Print a row for each token."""
    from hyperbo_service.domain import utc_now

    now = utc_now()
    with open_store(database, config) as store, store.read() as reader:
        tokens = reader.tokens()
    if as_json:
        print_json([_document(token, now) for token in tokens])
        return
    if not tokens:
        say("No tokens yet. Next: [cyan]hyperbo token create NAME[/]")
        return
    shown = table("name", "project", "scope", "created", "expires", "state")
    for token in tokens:
        expires = "never" if token.expires is None else f"{token.expires:%Y-%m-%d %H:%M}"
        state = _state(token, now)
        shown.add_row(
            Text(token.name),
            Text(token.project),
            token.scope,
            f"{token.created:%Y-%m-%d %H:%M}",
            expires,
            Text(state, "green" if state == "valid" else "red"),
        )
    results().print(shown)


def revoke_token(
    name: TokenName, *, database: DatabaseUrl = None, config: ConfigFile = None
) -> None:
    """Mark a token as revoked."""
    from hyperbo_service.domain import utc_now
    from hyperbo_service.names import pick

    with open_store(database, config) as store:
        with store.read() as reader:
            tokens = {token.name: token for token in reader.tokens()}
        token = tokens[pick(name, tokens, "token")]
        _change(store, "RevokeToken", token, lambda writer: writer.revoke_token(name, utc_now()))
    say(f"[green]✓[/] {name} is revoked")


def _change(store: Any, method: str, token: Any, work: Any) -> None:
    """Make a change that stands in the audit log of the token's project."""
    from hyperbo_service.domain import Call

    call = Call(
        project=token.project,
        request_id=secrets.token_hex(16),
        principal=local_user(),
        method=method,
        resource=f"projects/{token.project}/tokens/{token.name}",
        fingerprint=bytes.fromhex(token.digest),
    )

    def remembered(writer: Any) -> bytes:
        work(writer)
        return b""

    store.transact(call, remembered)


def _state(token: Any, now: datetime) -> str:
    if token.revoked is not None:
        return "revoked"
    return "expired" if token.expires is not None and token.expires <= now else "valid"


def _document(token: Any, now: datetime) -> dict[str, Any]:
    return {
        "name": token.name,
        "project": token.project,
        "scope": token.scope,
        "state": _state(token, now),
        "calls_per_second": token.calls_per_second,
        "largest_message": token.largest_message,
        "created": token.created.isoformat(),
        "expires": None if token.expires is None else token.expires.isoformat(),
        "revoked": None if token.revoked is None else token.revoked.isoformat(),
    }
