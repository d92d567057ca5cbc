"""`hyperbo db`: the service's database: upgrade, check, backup, restore, and who changed what."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.text import Text

from hyperbo_service.commands.database_options import (
    ConfigFile,
    DatabaseUrl,
    database_url,
    open_store,
)
from hyperbo_service.commands.numerics import keep_compiled_programs
from hyperbo_service.commands.options import AsJson, examples
from hyperbo_service.console import bars, print_json, results, say, table, working

_PAGE = 1000


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    group = typer.Typer(
        name="db",
        help="The service's database: upgrade, check, back up, restore, and read the audit log.",
        no_args_is_help=True,
        rich_markup_mode="rich",
        epilog=examples(
            ("hyperbo db check", "finds and names any inconsistency"),
            ("hyperbo db backup monday.db", "every row in one file, while servers go on"),
            ("hyperbo db restore monday.db --database postgresql://db/new", "into an empty one"),
            ("hyperbo db log --project vision", "who changed what, newest first"),
        ),
    )
    group.command(
        "upgrade",
        help="Bring the tables to this release's schema; all or nothing.\n\n"
        "Stop every server and make a backup before.",
        epilog=examples(("hyperbo db upgrade", "the server's own database")),
    )(upgrade)
    group.command(
        "check",
        help="Find and name any inconsistency, and say what to do; nothing is changed.\n\n"
        "Exit code 0 if nothing is found, 1 otherwise. Servers may go on meanwhile.",
        epilog=examples(("hyperbo db check --json", "for a script: row, problem and remedy")),
    )(check)
    group.command(
        "backup",
        help="Write every row, as it is at one moment, into a new SQLite file.\n\n"
        "Servers may go on meanwhile. The file holds no tokens, only their SHA-256.",
        epilog=examples(("hyperbo db backup $(date +%F).db", "today's")),
    )(backup)
    group.command(
        "restore",
        help="Fill an empty database with a backup; all of it or nothing.",
        epilog=examples(
            ("hyperbo db restore monday.db --database sqlite:///new.db", "a new file"),
            ("hyperbo db restore monday.db --database postgresql://db/new", "move to PostgreSQL"),
        ),
    )(restore)
    group.command(
        "log",
        help="Show who changed what in a project, newest first.",
        epilog=examples(("hyperbo db log --limit 1000 --json", "for a script")),
    )(log)
    app.add_typer(group)


def upgrade(*, database: DatabaseUrl = None, config: ConfigFile = None) -> None:
    """Move the schema up."""
    from hyperbo_service.storage import engines, schema

    engine = engines.connect(database_url(database, config, may_be_new=False), is_writer=True)
    try:
        before = schema.current(engine)
        if before == schema.newest():
            say(f"[green]✓[/] The database has schema {before}, which is this release's.")
            return
        with working("upgrading"):
            schema.upgrade(engine)
    finally:
        engine.dispose()
    say(f"[green]✓[/] The schema went from {before or 'nothing'} to {schema.newest()}.")


def check(
    *, database: DatabaseUrl = None, config: ConfigFile = None, as_json: AsJson = False
) -> None:
    """Print what is wrong; exit code 1 if anything is."""
    from hyperbo_service.storage.check import check as findings

    url = database_url(database, config, may_be_new=False)
    with working("checking"):
        found = list(findings(url, _prior_problem))
    if as_json:
        print_json([{"row": f.row, "problem": f.problem, "remedy": f.remedy} for f in found])
    for each in () if as_json else found:
        say(f"[red]✗[/] [bold]{escape(each.row)}[/]: {escape(each.problem)}")
        say(f"  [dim]{escape(each.remedy)}[/]")
    if found:
        raise typer.Exit(1)
    if not as_json:
        say("[green]✓[/] Nothing is wrong.")


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")],
    *,
    database: DatabaseUrl = None,
    config: ConfigFile = None,
) -> None:
    """Write a backup."""
    from hyperbo_service.storage.backup import back_up

    url = database_url(database, config, may_be_new=False)
    with bars() as shown:
        counts = back_up(url, file, shown.report)
    _tell_counts(f"{file} holds", counts)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `hyperbo db backup` wrote.")],
    *,
    database: DatabaseUrl = None,
    config: ConfigFile = None,
) -> None:
    """Fill an empty database."""
    from hyperbo_service.storage import backup as backups

    url = database_url(database, config, may_be_new=True)
    with bars() as shown:
        counts = backups.restore(file, url, shown.report)
    _tell_counts("Restored", counts)


def log(
    *,
    project: Annotated[str, typer.Option(metavar="NAME", help="Whose changes.")] = "default",
    limit: Annotated[int, typer.Option(min=1, help="How many entries, at most.")] = 50,
    database: DatabaseUrl = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Print the audit log."""
    entries: list[Any] = []
    with open_store(database, config) as store, store.read() as reader:
        while len(entries) < limit:
            before = entries[-1].sequence if entries else None
            page = reader.journal(project, before=before, limit=min(limit - len(entries), _PAGE))
            if not page:
                break
            entries += page
    if as_json:
        print_json([_entry_document(entry) for entry in entries])
        return
    if not entries:
        say(f"Nothing was changed in project {escape(project)} yet.")
        return
    shown = table("time (UTC)", "who", "what", "resource", "request")
    for entry in entries:
        call = entry.call
        cells = (call.principal, call.method, call.resource, call.request_id)
        shown.add_row(f"{entry.at:%Y-%m-%d %H:%M:%S}", *map(Text, cells))
    results().print(shown)


def _entry_document(entry: Any) -> dict[str, Any]:
    return {
        "sequence": entry.sequence,
        "time": entry.at.isoformat(),
        "principal": entry.call.principal,
        "method": entry.call.method,
        "resource": entry.call.resource,
        "request_id": entry.call.request_id,
    }


def _prior_problem(reader: Any, name: Any) -> str:
    """What is wrong with a stored prior; loads the core only if there is one."""
    keep_compiled_programs()
    from hyperbo_service import priors

    problem = priors.verify(reader, name)
    if problem:
        return problem
    stored = reader.prior(name.project, name.prior, name.version)
    checked = priors.check(name.prior, *reader.prior_files(name.project, name.prior, name.version))
    if (stored.space_digest, stored.goal) != (checked.space_digest, checked.goal):
        return "its space or goal is not what its files say"
    return ""


def _tell_counts(what: str, counts: Any) -> None:
    rows = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items())
    say(f"[green]✓[/] {escape(what)}: {rows}")
