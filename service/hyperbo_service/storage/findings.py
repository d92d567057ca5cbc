"""What a check of the database finds, and the names by which it speaks of rows."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from hyperbo_service.resources import StudyName
from hyperbo_service.storage.models import STUDIES

RESTORE = "Restore the last backup that `hyperbo db check` finds nothing in."


@dataclass(frozen=True, slots=True)
class Finding:
    """An inconsistency.

    Attributes:
        row: Name of the row, e.g. `projects/p/studies/s/trials/3`.
        problem: What is wrong with it.
        remedy: What to do.
    """

    row: str
    problem: str
    remedy: str


class Names:
    """Resource names of rows that know their study by its key.

    Args:
        connection: The database.
    """

    def __init__(self, connection: Connection) -> None:
        found = connection.execute(select(STUDIES.c.id, STUDIES.c.project, STUDIES.c.study))
        self.by_key: Mapping[int, StudyName] = {
            key: StudyName(project, study) for key, project, study in found
        }

    def study(self, key: int) -> str:
        """The name of a study; its key if there is none of it."""
        name = self.by_key.get(key)
        return f"study with id {key}" if name is None else str(name)

    def trial(self, key: int, number: int) -> str:
        """The name of a trial."""
        return f"{self.study(key)}/trials/{number}"


def correct(table: str, change: str, where: str) -> str:
    """A statement that puts a row right, for people to read and run."""
    return f"Run in the database: UPDATE {table} SET {change} WHERE {where};"  # noqa: S608 - not run


def correct_trial(change: str, key: int, number: int) -> str:
    """A statement that puts a trial right, for people to read and run."""
    return correct("trials", change, f"study_id = {key} AND number = {number}")
