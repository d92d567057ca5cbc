"""Checks of studies, priors, tokens and the journal, and of rows that belong to nothing."""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, func, or_, select

from hyperbo.errors import SpaceError
from hyperbo.space import SearchSpace
from hyperbo_service.domain import StudyState
from hyperbo_service.errors import InvalidArgumentError
from hyperbo_service.resources import PriorName
from hyperbo_service.storage.findings import RESTORE, Finding, Names, correct
from hyperbo_service.storage.models import (
    JOURNAL,
    MEASUREMENTS,
    PARAMETERS,
    PRIORS,
    STUDIES,
    TOKENS,
    TRIALS,
    VALUES,
)
from hyperbo_service.storage.reader import SqlReader

VerifyPrior = Callable[[SqlReader, PriorName], str]
"""Says what is wrong with a stored prior; empty if nothing is."""

_S = STUDIES.c
_IS_DONE = _S.state == StudyState.COMPLETED.value
_OWN_CHOICE = ("auto", "none")
_SCOPES = ("read", "report", "admin")


def check_studies(connection: Connection, names: Names) -> Iterator[Finding]:
    """What is wrong with studies by themselves."""
    for row in connection.execute(select(STUDIES).order_by(_S.id)):
        name = names.study(row.id)
        yield from _check_space(name, row)
        yield from _check_end(name, row)
        yield from _check_rule(name, row)


def _check_space(name: str, row: Row[Any]) -> Iterator[Finding]:
    try:
        space = SearchSpace.from_json(row.space)
    except SpaceError as error:
        yield Finding(name, f"its search space cannot be read: {error}", RESTORE)
        return
    digest = space.digest()
    if digest != row.space_digest:
        yield Finding(
            name,
            f"its search space has the digest {digest}, not {row.space_digest}",
            correct("studies", f"space_digest = '{digest}'", f"id = {row.id}"),
        )


def _check_end(name: str, row: Row[Any]) -> Iterator[Finding]:
    is_done = row.state == StudyState.COMPLETED.value
    where = f"id = {row.id}"
    if is_done and row.stop_reason is None:
        change = "stop_reason = 'requested'"
        yield Finding(name, "it is completed without a reason", correct("studies", change, where))
    if is_done and row.ended is None:
        change = "ended = updated"
        yield Finding(
            name,
            "it is completed, but has no time at which it ended",
            correct("studies", change, where),
        )
    if not is_done and (row.stop_reason is not None or row.ended is not None):
        change = "stop_reason = NULL, ended = NULL"
        yield Finding(
            name,
            f"it is {row.state}, but ended at {row.ended} because of {row.stop_reason}",
            correct("studies", change, where),
        )


def _check_rule(name: str, row: Row[Any]) -> Iterator[Finding]:
    wanted = {
        None: (),
        "median": ("stopping_min_trials", "stopping_min_step"),
        "successive_halving": ("stopping_min_step", "stopping_factor"),
    }.get(row.stopping_rule)
    if wanted is None or any(getattr(row, column) is None for column in wanted):
        yield Finding(
            name,
            f"its stopping rule {row.stopping_rule!r} cannot be applied",
            correct("studies", "stopping_rule = NULL", f"id = {row.id}"),
        )


def check_used_priors(connection: Connection, names: Names) -> Iterator[Finding]:
    """Priors that studies name and that do not exist."""
    columns = (PRIORS.c.project, PRIORS.c.prior, PRIORS.c.version)
    stored = {tuple(row) for row in connection.execute(select(*columns))}
    newest = {(project, prior) for project, prior, _ in stored}
    statement = select(_S.id, _S.project, _S.prior, _S.resolved_prior).where(
        or_(_S.resolved_prior != "", _S.prior.not_in(_OWN_CHOICE))
    )
    for row in connection.execute(statement):
        named = {row.prior, row.resolved_prior} - {"", *_OWN_CHOICE}
        for reference in sorted(named):
            try:
                prior = PriorName.within(row.project, reference)
                key = (prior.project, prior.prior)
                exists = key in newest if prior.version is None else (*key, prior.version) in stored
            except InvalidArgumentError:
                exists = False
            if not exists:
                yield Finding(
                    names.study(row.id),
                    f"its prior {reference!r} does not exist in project {row.project!r}",
                    "Upload that prior again, or let the study go without. "
                    + correct("studies", "prior = 'none', resolved_prior = ''", f"id = {row.id}"),
                )


def check_priors(connection: Connection, verify: VerifyPrior) -> Iterator[Finding]:
    """Stored priors that are not as they were uploaded."""
    reader = SqlReader(connection)
    columns = (PRIORS.c.project, PRIORS.c.prior, PRIORS.c.version, PRIORS.c.size)
    for project, prior, version, size in connection.execute(select(*columns)).all():
        name = PriorName(project, prior, version)
        remedy = "Retire it, and upload the prior again; it becomes a new version."
        problem = verify(reader, name)
        if problem:
            yield Finding(str(name), f"it cannot be used: {problem}", remedy)
            continue
        actual = sum(map(len, reader.prior_files(project, prior, version)))
        if actual != size:
            change, where = f"size = {actual}", f"prior = '{prior}' AND version = {version}"
            yield Finding(
                str(name),
                f"its size is {actual} bytes, not {size}",
                correct("priors", change, f"project = '{project}' AND {where}"),
            )


def check_orphans(connection: Connection, names: Names) -> Iterator[Finding]:
    """Rows that belong to no trial, and trials that belong to no study."""
    lonely = (
        select(TRIALS.c.study_id, TRIALS.c.number)
        .outerjoin_from(TRIALS, STUDIES, _S.id == TRIALS.c.study_id)
        .where(_S.id.is_(None))
    )
    for key, number in connection.execute(lonely):
        yield Finding(
            names.trial(key, number), "it belongs to a study that does not exist", _delete(TRIALS)
        )
    for table in (PARAMETERS, VALUES, MEASUREMENTS):
        owner = and_(TRIALS.c.study_id == table.c.study_id, TRIALS.c.number == table.c.number)
        orphans = (
            select(table.c.study_id, table.c.number, func.count())
            .outerjoin_from(table, TRIALS, owner)
            .where(TRIALS.c.number.is_(None))
            .group_by(table.c.study_id, table.c.number)
        )
        for key, number, count in connection.execute(orphans):
            yield Finding(
                names.trial(key, number),
                f"{count} rows of {table.name} belong to it, but it does not exist",
                _delete(table),
            )


def _delete(table: Table) -> str:
    return f"Delete its rows of {table.name}, or restore a backup that has what they belong to."


def check_journal(connection: Connection) -> Iterator[Finding]:
    """Request ids that stand for several calls, and entries that cannot answer a repeat."""
    for (project, request), count in _repeated(connection, JOURNAL.c.project, JOURNAL.c.request_id):
        yield Finding(
            f"journal of project {project}, request {request}",
            f"it has {count} entries, so a repeated call may get either answer",
            "Keep the entry with the smallest sequence, delete the others, and rebuild the "
            "indexes: REINDEX.",
        )
    columns = (JOURNAL.c.project, JOURNAL.c.sequence, func.length(JOURNAL.c.fingerprint))
    wrong = select(*columns).where(func.length(JOURNAL.c.fingerprint) != 32)
    for project, sequence, length in connection.execute(wrong):
        yield Finding(
            f"journal of project {project}, entry {sequence}",
            f"its fingerprint has {length} bytes in place of 32, so no repeat is recognised",
            RESTORE,
        )


def check_tokens(connection: Connection) -> Iterator[Finding]:
    """Tokens that are ambiguous, or can never be used."""
    for column in (TOKENS.c.name, TOKENS.c.digest):
        for (value,), count in _repeated(connection, column):
            yield Finding(
                f"token {column.name} {value}", f"{count} tokens have it", "Revoke all of them."
            )
    for row in connection.execute(select(TOKENS)):
        if row.scope not in _SCOPES:
            yield Finding(
                f"token {row.name}",
                f"its scope is {row.scope!r}; wanted one of {', '.join(_SCOPES)}",
                "Revoke it, and create another.",
            )
        if len(row.digest) != 64 or set(row.digest) - set("0123456789abcdef"):
            yield Finding(
                f"token {row.name}",
                "what is stored of it is no SHA-256, so it can never be used",
                "Revoke it, and create another.",
            )


def _repeated(connection: Connection, *columns: ColumnElement[Any]) -> Iterator[tuple[Any, int]]:
    """Values that more than one row has, and how many have it."""
    count = func.count()
    statement = select(*columns, count).group_by(*columns).having(count > 1)
    for row in connection.execute(statement):
        yield tuple(row[:-1]), row[-1]
