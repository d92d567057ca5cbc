"""`hyperbo data corpora`: what training runs learn from, whether it is there, how to get it."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.text import Text

from hyperbo_service.commands.options import AsJson, examples
from hyperbo_service.console import bars, print_json, results, say, table, working


def register(group: typer.Typer) -> None:
    """Add the command to the group of data."""
    group.command(
        "corpora",
        help=(
            "List what training runs learn from: images, text, sequences and rows, with their "
            "licences, and how to get those that are not there."
        ),
        epilog=examples(
            ("hyperbo data corpora", "what is there"),
            ("hyperbo data corpora --download cifar10", "fetch a published one, checked"),
            ("hyperbo data corpora --json", "for a script"),
        ),
    )(corpora)


def corpora(
    *,
    download: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Fetch this corpus into your folder, and check its hash and its content.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print a row for each corpus, or fetch one."""
    if download is not None:
        _fetch(download, as_json=as_json)
        return
    with working("looking for corpora"):
        from hyperbo_datasets.collect.corpora import corpora_folder, entries

        found = entries()
        folder = corpora_folder()
    if as_json:
        print_json(
            [
                {
                    "name": entry.name,
                    "kind": entry.kind,
                    "summary": entry.summary,
                    "licence": entry.licence,
                    "is_present": entry.is_present,
                    "path": None if entry.path is None else str(entry.path),
                    "remedy": entry.remedy,
                    "can_be_downloaded": entry.can_be_downloaded,
                }
                for entry in found
            ]
        )
        return
    shown = table("corpus", "kind", "present", "licence", "how to get it")
    for entry in found:
        presence = Text("yes", "green") if entry.is_present else Text("no", "yellow")
        fetched_by = "--download" if entry.can_be_downloaded else ""
        ways = " or ".join(filter(None, (entry.installed_by, fetched_by)))
        shown.add_row(Text(entry.name), entry.kind, presence, Text(entry.licence), Text(ways))
    results().print(shown)
    say("Fetch one by [cyan]hyperbo data corpora --download NAME[/].")
    say(f"One of your own is a folder in [cyan]{escape(str(folder))}[/]:")
    say("text, FASTA, CSV, or images in the layout of MNIST or CIFAR.")


def _fetch(name: str, *, as_json: bool) -> None:
    """Download a corpus, then read it as a training run would."""
    from hyperbo_datasets.collect.corpora import digest, download, load

    with bars() as shown:
        folder = download(
            name,
            lambda file: (
                lambda received, size: shown.report(
                    file, received, size, f"{received / 1e6:,.0f} of {size / 1e6:,.0f} MB"
                )
            ),
        )
    with working(f"reading {name}"):
        corpus = load(name)
        content = digest(corpus)
    if as_json:
        print_json(
            {"name": name, "folder": str(folder), "size": corpus.size, "content_sha256": content}
        )
        return
    place = escape(str(folder))
    say(f"[bold]{name}[/]: {corpus.size:,} examples in [cyan]{place}[/], content {content[:12]}")
