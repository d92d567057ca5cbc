"""Use cases of the prior registry: storing, checking and retiring pre-trained priors."""

from dataclasses import dataclass, replace
from datetime import datetime

from hyperbo.errors import PriorError
from hyperbo.prior_files import PriorFiles
from hyperbo.prior_manifest import PriorReference
from hyperbo_datasets.errors import TableError
from hyperbo_datasets.metric import metric_from_dict
from hyperbo_service.domain import Goal, StoredPrior
from hyperbo_service.errors import InvalidArgumentError, NotFoundError
from hyperbo_service.resources import PriorName
from hyperbo_service.storage import Condition, Reader, Writer


@dataclass(frozen=True)
class CheckedPrior:
    """A prior whose hashes are right and whose model can be computed with."""

    name: str
    files: PriorFiles
    space_digest: str
    goal: Goal | None
    digest: str


def check(name: str, manifest: bytes, weights: bytes) -> CheckedPrior:
    """Check a prior's files; this takes a while and needs no transaction.

    Args:
        name: The name it shall have, without version; what its manifest says does not matter.
        manifest: Content of the manifest.
        weights: Content of the weights.

    Raises:
        InvalidArgumentError: If the name is not well formed, or the files are damaged.
    """
    PriorName.within("checked", name, "header.prior_id")
    if "@" in name:
        raise InvalidArgumentError(
            f"The prior's name is {name!r}; leave the version out, the registry counts it up.",
            field="header.prior_id",
        )
    files = PriorFiles(manifest, weights)
    try:
        stored = files.open()
        described = stored.manifest.metric
        goal = None
        if described is not None:
            goal = _GOALS[metric_from_dict(dict(described)).goal.name]
    except (PriorError, TableError) as error:
        raise InvalidArgumentError(str(error), field="manifest_chunk") from error
    space = stored.manifest.space
    digest = "" if space is None else space.digest()
    return CheckedPrior(name, files, digest, goal, files.identity())


def add(writer: Writer, project: str, checked: CheckedPrior, now: datetime) -> StoredPrior:
    """Store a prior under the next version of its name; the same content is stored once."""
    known = writer.priors(project, [Condition("prior_id", "=", checked.name)], None, 10**6)
    for prior in known:
        if prior.digest == checked.digest:
            return writer.prior(project, prior.prior, prior.version)
    version = 1 + max((prior.version for prior in known), default=0)
    files = checked.files.renamed(PriorReference(checked.name, version))
    stored = StoredPrior(
        project=project,
        prior=checked.name,
        version=version,
        manifest=files.manifest.decode(),
        space_digest=checked.space_digest,
        goal=checked.goal,
        digest=checked.digest,
        size=len(files.manifest) + len(files.weights),
        is_retired=False,
        created=now,
    )
    writer.add_prior(stored, files.weights)
    return stored


def retire(writer: Writer, name: PriorName) -> StoredPrior:
    """Let no new study use a prior.

    Raises:
        NotFoundError: If there is none.
    """
    prior = writer.prior(name.project, name.prior, name.version)
    writer.retire_prior(prior)
    return replace(prior, is_retired=True)


def verify(reader: Reader, name: PriorName) -> str:
    """What is wrong with a stored prior; empty if nothing is.

    Raises:
        NotFoundError: If there is none.
    """
    prior = reader.prior(name.project, name.prior, name.version)
    manifest, weights = reader.prior_files(name.project, prior.prior, prior.version)
    files = PriorFiles(manifest, weights)
    try:
        stored = files.open()
        if files.identity() != prior.digest:
            return f"Prior {prior.reference} is not the one that was uploaded."
        if str(stored.reference) != prior.reference:
            return f"Prior {prior.reference} holds the files of {stored.reference}."
    except PriorError as error:
        return str(error)
    return ""


def find(reader: Reader, name: PriorName) -> StoredPrior | None:
    """A prior, if there is one."""
    try:
        return reader.prior(name.project, name.prior, name.version)
    except NotFoundError:
        return None


_GOALS = {"maximise": Goal.MAXIMIZE, "minimise": Goal.MINIMIZE}
