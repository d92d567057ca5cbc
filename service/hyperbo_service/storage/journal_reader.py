"""Reads of the journal: first answers, the audit log, and what was deleted."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Executable, bindparam, func, select

from hyperbo_service.domain import Call, JournalEntry, Study
from hyperbo_service.resources import StudyName
from hyperbo_service.storage import rows
from hyperbo_service.storage.models import IS_DELETION, JOURNAL
from hyperbo_service.storage.refusals import first_answer

_JOURNAL = select(JOURNAL.c.fingerprint, JOURNAL.c.answer).where(
    JOURNAL.c.project == bindparam("project"), JOURNAL.c.request_id == bindparam("request_id")
)


class JournalReader:
    """Reads of the journal; see `hyperbo_service.storage.base.Reader` for each method."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def recall(self, call: Call) -> bytes | None:
        """The first answer to a call."""
        found = self._execute(
            _JOURNAL, {"project": call.project, "request_id": call.request_id}
        ).first()
        return None if found is None else first_answer(call, found.fingerprint, found.answer)

    def journal(self, project: str, *, before: int | None, limit: int) -> list[JournalEntry]:
        """The audit log, newest first."""
        columns = [column for column in JOURNAL.c if column.name != "answer"]
        statement = select(*columns).where(JOURNAL.c.project == project)
        if before is not None:
            statement = statement.where(JOURNAL.c.sequence < before)
        newest = statement.order_by(JOURNAL.c.sequence.desc()).limit(limit)
        return [rows.entry_of(row) for row in self._execute(newest)]

    def deletions(self, name: StudyName) -> int:
        """How many studies of a name were deleted, as the journal has it."""
        columns = JOURNAL.c
        statement = select(func.count()).where(
            columns.project == name.project,
            columns.resource == str(name),
            columns.method == "DeleteStudy",
            IS_DELETION,
        )
        return int(self._execute(statement).scalar_one())

    def deleted_numbers(self, study: Study, since: datetime) -> list[int]:
        """Numbers of trials that were deleted, as the journal has them."""
        prefix = f"{study.name}/trials/"
        columns = JOURNAL.c
        statement = select(columns.resource).where(
            columns.project == study.name.project,
            columns.resource.startswith(prefix, autoescape=True),
            columns.method == "DeleteTrial",
            IS_DELETION,
            columns.at >= max(since, study.created),
        )
        numbers = {int(name.removeprefix(prefix)) for name in self._execute(statement).scalars()}
        return sorted(numbers)

    def _execute(self, statement: Executable, parameters: Any = None) -> Any:
        return self._connection.execute(statement, parameters)
