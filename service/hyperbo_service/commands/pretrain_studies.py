"""`hyperbo pretrain --from-service`: which studies are learned from, and where the prior goes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from hyperbo_service.commands.service_options import Service
from hyperbo_service.commands.space_file import read_space_file
from hyperbo_service.console import bars
from hyperbo_service.errors import CommandError

PANEL = "Studies"

FromService = Annotated[
    bool,
    typer.Option(
        "--from-service",
        help="Learn from completed studies of the service in place of a table.",
        rich_help_panel=PANEL,
    ),
]
SpaceFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Studies of this search space. Its metric, if there is one, says the goal and how a "
        "model sees the values (warp).",
        show_default=False,
        rich_help_panel=PANEL,
    ),
]
LikeStudy = Annotated[
    str | None,
    typer.Option(
        metavar="STUDY",
        help="Studies of the same search space and goal as this one, which may still run.",
        show_default=False,
        rich_help_panel=PANEL,
    ),
]
StudyFilter = Annotated[
    str,
    typer.Option(
        "--filter",
        metavar="TEXT",
        help="Only studies that fulfil this, as for `hyperbo study list`.",
        rich_help_panel=PANEL,
    ),
]
MetricName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Only studies of a metric of this name.",
        show_default=False,
        rich_help_panel=PANEL,
    ),
]
MinTrials = Annotated[
    int,
    typer.Option(
        min=2,
        help="Only studies with so many finished trials, failed ones not counted.",
        rich_help_panel=PANEL,
    ),
]
Upload = Annotated[
    bool,
    typer.Option(
        "--upload/--no-upload", help="Put the prior on the service too.", rich_help_panel=PANEL
    ),
]


@dataclass(frozen=True)
class Asked:
    """Which studies the command line asks for; see the options of the same names."""

    space: Path | None = None
    like: str | None = None
    where: str = ""
    metric: str | None = None
    min_trials: int = 10


def read_studies(client: Any, service: Service, asked: Asked) -> tuple[Any, dict[str, Any]]:
    """The studies' table, and where it comes from.

    Args:
        client: A client of the service.
        service: Where it is, for the lineage.
        asked: Which studies.

    Raises:
        CommandError: If too few fit.
    """
    from hyperbo_service.offline import flywheel

    wanted = _wanted(client, asked)
    with bars() as shown:
        found = flywheel.select(
            client, wanted, lambda done, total: shown.report("reading studies", done, total)
        )
    return found, found.lineage(service.address, service.project, wanted)


def upload_prior(client: Any, store: Any, reference: Any) -> str:
    """Put a stored prior on the service; gives its reference there.

    Raises:
        HyperBOError: If the service refuses; the message says that the prior is stored here.
    """
    files = store.read_files(reference)
    try:
        record = client.upload_prior(reference.name, files.manifest, files.weights)
    except Exception as error:
        error.add_note(f"{reference} is stored here; push it later.")
        raise
    return str(record.reference)


def _wanted(client: Any, asked: Asked) -> Any:
    from hyperbo_datasets.metric import goal_from_name, warp_from_dict
    from hyperbo_service.offline import flywheel

    if asked.space is not None and asked.like is not None:
        raise CommandError("Give --space or --like, not both: each says which search space.")
    kind, warp = None, warp_from_dict({"kind": "identity"})
    if asked.like is not None:
        kind = flywheel.kind_of(client.study(asked.like).info())
    elif asked.space is not None:
        found = read_space_file(asked.space)
        goal = found.metric.get("goal")
        if goal is None:
            raise CommandError(
                f'{asked.space} has no "metric" with a goal; add one, or give --like STUDY.'
            )
        digest = flywheel.space_of(found.space).digest()
        kind = (digest, _SPELLINGS[goal_from_name(goal).name])
        warp = warp_from_dict(found.metric.get("warp", {"kind": "identity"}))
    return flywheel.Wanted(kind, asked.metric, asked.where, asked.min_trials, warp)


_SPELLINGS = {"maximise": "maximize", "minimise": "minimize"}
