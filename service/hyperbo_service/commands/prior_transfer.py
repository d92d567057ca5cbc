"""`hyperbo prior push`, `pull`, `served` and `retire`: priors between a folder and the service."""

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.text import Text

from hyperbo_service.commands.documents import document, moment
from hyperbo_service.commands.numerics import keep_compiled_programs
from hyperbo_service.commands.options import AsJson, RegistryFolder
from hyperbo_service.commands.service_options import Service, add_command
from hyperbo_service.console import print_json, results, say, table
from hyperbo_service.errors import CommandError

Reference = Annotated[
    str, typer.Argument(metavar="PRIOR", help="NAME (the newest version) or NAME@VERSION.")
]
OtherName = Annotated[
    str | None,
    typer.Option("--as", metavar="NAME", help="Under another name.", show_default=False),
]


def register(group: typer.Typer) -> None:
    """Add the commands to the group of priors."""
    add_command(
        group,
        "push",
        push,
        "Push a stored prior to the service, where new studies may start from it. The same prior "
        "pushed again is the same version.",
        ("hyperbo prior push lcbench", "the newest version"),
        ("hyperbo prior push lcbench@2 --as vision", "under another name"),
    )
    add_command(
        group,
        "pull",
        pull,
        "Pull a prior from the service into the registry on this machine; every byte is checked.",
        ("hyperbo prior pull vision@3", "a version"),
        ("hyperbo prior pull vision --as team-vision", "the newest, under another name"),
    )
    add_command(
        group,
        "served",
        served,
        "List the priors that the service has.",
        ("hyperbo prior served", "all of them"),
        ("hyperbo prior served --json", "for a script"),
    )
    add_command(
        group,
        "retire",
        retire,
        "Retire a prior of the service: no new study starts from it; those that do go on.",
        ("hyperbo prior retire vision@2", "one version"),
    )


def push(
    service: Service,
    prior: Reference,
    *,
    other_name: OtherName = None,
    registry: RegistryFolder = None,
    as_json: AsJson = False,
) -> None:
    """Upload a prior of the registry."""
    with service.asked("pushing the prior") as client:
        store = _registry(registry)
        reference = store.resolve(prior)
        files = store.read_files(reference)
        name = other_name or reference.name
        record = client.upload_prior(name, files.manifest, files.weights)
    if as_json:
        print_json({**_document(record), "pushed": str(reference)})
        return
    say(f"{reference} is [bold]{record.reference}[/] on the service.")


def pull(
    service: Service,
    prior: Reference,
    *,
    other_name: OtherName = None,
    registry: RegistryFolder = None,
    as_json: AsJson = False,
) -> None:
    """Download a prior into the registry."""
    with service.asked("pulling the prior") as client:
        found = client.download_prior(prior)
        from hyperbo.prior_files import PriorFiles

        files = PriorFiles(found.manifest, found.weights)
        store = _registry(registry)
        name = other_name or files.manifest_only().reference.name
        reference = store.add(name, files)
    folder = store.root / reference.name / str(reference.version)
    if as_json:
        print_json({"pulled": prior, "prior": str(reference), "folder": str(folder)})
        return
    say(f"{prior} is [bold]{reference}[/] in {escape(str(folder))}.")


def served(service: Service, *, as_json: AsJson = False) -> None:
    """Print a row for each prior of the service."""
    with service.asked("listing priors") as client:
        records = list(client.priors())
    if as_json:
        print_json([_document(record) for record in records])
        return
    if not records:
        say("The service has no priors. Next: [cyan]hyperbo prior push NAME[/]")
        return
    shown = table("prior", "state", "space", ">bytes", "stored")
    for record in records:
        cells = (
            record.reference,
            record.state,
            record.space_digest[:12] or "any",
            f"{record.size_bytes:,}",
            moment(record.created),
        )
        shown.add_row(*map(Text, cells))
    results().print(shown)


def retire(
    service: Service,
    prior: Annotated[str, typer.Argument(metavar="PRIOR", help="NAME@VERSION.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Let no new study use a prior."""
    if "@" not in prior:
        raise CommandError(f"{prior!r} names no version; retire one by NAME@VERSION.")
    with service.asked("retiring the prior") as client:
        record = client.retire_prior(prior)
    if as_json:
        print_json(_document(record))
        return
    say(f"{record.reference} is {record.state}.")


def _registry(folder: Any) -> Any:
    keep_compiled_programs()
    from hyperbo.registry import Registry, default_root

    return Registry(default_root() if folder is None else folder)


def _document(record: Any) -> dict[str, Any]:
    """A served prior, without its manifest, which `hyperbo prior show` has."""
    fields: dict[str, Any] = document(record)
    return {"prior": record.reference, **{k: v for k, v in fields.items() if k != "manifest"}}
