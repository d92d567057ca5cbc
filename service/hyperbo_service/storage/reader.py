"""Reads of the database, by SQL that SQLite and PostgreSQL share."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Row,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal,
    select,
    tuple_,
)

from hyperbo_service.domain import (
    Detail,
    Parameters,
    StoredPrior,
    Study,
    Trial,
    TrialCounts,
    TrialState,
)
from hyperbo_service.errors import NotFoundError
from hyperbo_service.resources import StudyName, TrialName
from hyperbo_service.storage import rows
from hyperbo_service.storage.base import Condition, CurvePoint, Outcome, Token
from hyperbo_service.storage.conditions import prior_holds, study_holds, trial_holds
from hyperbo_service.storage.journal_reader import JournalReader
from hyperbo_service.storage.models import (
    MEASUREMENTS,
    PARAMETERS,
    PRIORS,
    STUDIES,
    TOKENS,
    TRIALS,
    VALUES,
)
from hyperbo_service.storage.refusals import missing_prior, missing_study

_CHUNK = 500
"""Values in one IN list; every database takes so many."""

_STUDY = select(STUDIES).where(
    STUDIES.c.project == bindparam("project"), STUDIES.c.study == bindparam("study")
)
_STUDY_LOCKED = _STUDY.with_for_update()
_TRIAL = (
    select(STUDIES, *(column.label(f"trial_{column.name}") for column in TRIALS.c))
    .join_from(STUDIES, TRIALS, TRIALS.c.study_id == STUDIES.c.id)
    .where(
        STUDIES.c.project == bindparam("project"),
        STUDIES.c.study == bindparam("study"),
        TRIALS.c.number == bindparam("number"),
    )
)
_TRIAL_LOCKED = _TRIAL.with_for_update(of=TRIALS)
_COUNTS = (
    select(TRIALS.c.state, func.count())
    .where(TRIALS.c.study_id == bindparam("study_id"))
    .group_by(TRIALS.c.state)
)
_PRIOR_COLUMNS = [column for column in PRIORS.c if column.name != "weights"]
_LISTED_PRIOR = [
    literal("").label("manifest") if column.name == "manifest" else column
    for column in _PRIOR_COLUMNS
]


class _TrialPart:
    """The columns of a trial within a row that also holds its study's."""

    __slots__ = ("_row",)

    def __init__(self, row: Row[Any]) -> None:
        self._row = row

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, f"trial_{name}")


class SqlReader(JournalReader):
    """Reads over one connection; see `hyperbo_service.storage.base.Reader` for each method."""

    def study(self, name: StudyName, *, lock: bool = False) -> Study:
        """A study."""
        statement = _STUDY_LOCKED if lock else _STUDY
        found = self._execute(statement, {"project": name.project, "study": name.study}).first()
        if found is None:
            raise missing_study(name)
        return rows.study_of(found)

    def studies(
        self,
        project: str,
        conditions: Sequence[Condition],
        after: tuple[datetime, int] | None,
        limit: int,
    ) -> list[Study]:
        """Studies of a project, by creation time and key."""
        statement = select(STUDIES).where(
            STUDIES.c.project == project, *map(study_holds, conditions)
        )
        if after is not None:
            place = tuple_(STUDIES.c.created, STUDIES.c.id)
            moment = bindparam("after_created", after[0], type_=STUDIES.c.created.type)
            statement = statement.where(place > tuple_(moment, literal(after[1])))
        ordered = statement.order_by(STUDIES.c.created, STUDIES.c.id).limit(limit)
        return [rows.study_of(row) for row in self._execute(ordered)]

    def trial_counts(self, study: Study) -> TrialCounts:
        """Numbers of a study's trials by state."""
        found = self._execute(_COUNTS, {"study_id": study.key})
        return TrialCounts({TrialState(state): count for state, count in found})

    def trial(
        self, name: TrialName, *, detail: Detail = Detail.BASIC, lock: bool = False
    ) -> tuple[Study, Trial]:
        """A trial and its study."""
        statement = _TRIAL_LOCKED if lock else _TRIAL
        found = self._execute(
            statement, {"project": name.project, "study": name.study, "number": name.number}
        ).first()
        if found is None:
            self.study(name.parent)
            raise NotFoundError(
                f"There is no trial {name}. It may have been deleted; list the study's trials.",
                field="name",
                resource=str(name),
            )
        study = rows.study_of(found)
        part: Any = _TrialPart(found)
        return study, self._complete(study, [part], detail)[0]

    def trials(
        self,
        study: Study,
        conditions: Sequence[Condition],
        *,
        after: int,
        limit: int,
        detail: Detail = Detail.BASIC,
    ) -> list[Trial]:
        """Trials by number."""
        statement = (
            _of(study)
            .where(TRIALS.c.number > after, *map(trial_holds, conditions))
            .order_by(TRIALS.c.number)
            .limit(limit)
        )
        return self._complete(study, self._execute(statement).all(), detail)

    def trials_by_number(
        self, study: Study, numbers: Sequence[int], *, detail: Detail = Detail.BASIC
    ) -> list[Trial]:
        """Those trials of some numbers that there are."""
        return self._complete(study, self._below(TRIALS, list(TRIALS.c), study, numbers), detail)

    def best_trials(
        self, study: Study, limit: int, *, detail: Detail = Detail.BASIC
    ) -> list[Trial]:
        """Completed trials, best first."""
        statement = (
            _of(study)
            .where(TRIALS.c.state == TrialState.COMPLETED.value)
            .order_by(TRIALS.c.objective.desc(), TRIALS.c.number)
            .limit(limit)
        )
        return self._complete(study, self._execute(statement).all(), detail)

    def changed_trials(self, study: Study, since: datetime, *, limit: int) -> list[Trial]:
        """Trials that changed at or after a moment."""
        statement = (
            _of(study)
            .where(TRIALS.c.updated >= since)
            .order_by(TRIALS.c.updated, TRIALS.c.number)
            .limit(limit)
        )
        return self._complete(study, self._execute(statement).all(), Detail.FULL)

    def numbers(self, study: Study) -> list[int]:
        """Numbers of all trials."""
        statement = (
            select(TRIALS.c.number).where(TRIALS.c.study_id == study.key).order_by(TRIALS.c.number)
        )
        return list(self._execute(statement).scalars())

    def claimable(
        self, study: Study, *, client_id: str, held: Sequence[int], now: datetime, limit: int
    ) -> int:
        """How many trials may be handed out to a client."""
        is_own = TRIALS.c.client_id == client_id
        lost = is_own & TRIALS.c.number.not_in(held)
        expired = ~is_own & (TRIALS.c.lease_expires <= now)
        free = (TRIALS.c.state == TrialState.WAITING.value) | (
            (TRIALS.c.state == TrialState.RUNNING.value) & (lost | expired)
        )
        statement = select(TRIALS.c.number).where(TRIALS.c.study_id == study.key, free)
        return len(self._execute(statement.limit(limit)).all())

    def next_expiry(self, study: Study) -> datetime | None:
        """When the next lease of a running trial ends."""
        statement = select(func.min(TRIALS.c.lease_expires)).where(
            TRIALS.c.study_id == study.key, TRIALS.c.state == TrialState.RUNNING.value
        )
        ends: datetime | None = self._execute(statement).scalar()
        return ends

    def outcomes(self, study: Study) -> list[Outcome]:
        """All trials as suggestions see them."""
        joined = and_(
            VALUES.c.study_id == TRIALS.c.study_id,
            VALUES.c.number == TRIALS.c.number,
            VALUES.c.metric == study.metric.name,
        )
        statement = (
            select(TRIALS.c.number, TRIALS.c.state, VALUES.c.value, VALUES.c.stderr)
            .outerjoin(VALUES, joined)
            .where(TRIALS.c.study_id == study.key)
            .order_by(TRIALS.c.number)
        )
        return [
            Outcome(number, TrialState(state), value, stderr)
            for number, state, value, stderr in self._execute(statement)
        ]

    def configurations(self, study: Study, numbers: Sequence[int]) -> dict[int, Parameters]:
        """Configurations of trials, by number."""
        columns = [column for column in PARAMETERS.c if column.name != "study_id"]
        return dict(rows.parameters_of(self._below(PARAMETERS, columns, study, numbers)))

    def curve_points(self, study: Study, step: int, *, completed_only: bool) -> list[CurvePoint]:
        """Every trial with a measurement at or before a step, as it stood there."""
        m, t = MEASUREMENTS.c, TRIALS.c
        value, sign = m.value, study.metric.goal.sign
        within = case((m.step <= step, value))
        best = func.max(within) if sign > 0 else -func.min(within)
        reached = func.max(m.step)
        is_completed = func.max(case((t.state == TrialState.COMPLETED.value, 1), else_=0))
        statement = (
            select(t.number, best, sign * func.avg(within))
            .join_from(TRIALS, MEASUREMENTS, and_(m.study_id == t.study_id, m.number == t.number))
            .where(t.study_id == study.key, m.metric == study.metric.name)
            .group_by(t.number)
            .having(func.min(m.step) <= step)
        )
        if completed_only:
            statement = statement.where(t.state == TrialState.COMPLETED.value)
        else:
            statement = statement.having((reached >= step) | (is_completed == 1))
        return [CurvePoint(*found) for found in self._execute(statement)]

    def prior(self, project: str, prior: str, version: int | None) -> StoredPrior:
        """A prior; version None is the newest."""
        statement = select(*_PRIOR_COLUMNS).where(
            PRIORS.c.project == project, PRIORS.c.prior == prior
        )
        if version is not None:
            statement = statement.where(PRIORS.c.version == version)
        newest = statement.order_by(PRIORS.c.version.desc()).limit(1)
        found = self._execute(newest).first()
        if found is None:
            raise missing_prior(project, prior, version)
        return rows.prior_of(found)

    def prior_files(self, project: str, prior: str, version: int) -> tuple[bytes, bytes]:
        """A prior's manifest and weights."""
        statement = select(PRIORS.c.manifest, PRIORS.c.weights).where(
            PRIORS.c.project == project, PRIORS.c.prior == prior, PRIORS.c.version == version
        )
        found = self._execute(statement).first()
        if found is None:
            raise missing_prior(project, prior, version)
        return found.manifest.encode(), bytes(found.weights)

    def priors(
        self,
        project: str,
        conditions: Sequence[Condition],
        after: tuple[str, int] | None,
        limit: int,
    ) -> list[StoredPrior]:
        """Priors of a project, by name and version, without their manifests."""
        statement = select(*_LISTED_PRIOR).where(
            PRIORS.c.project == project, *map(prior_holds, conditions)
        )
        if after is not None:
            place = tuple_(PRIORS.c.prior, PRIORS.c.version)
            statement = statement.where(place > tuple_(literal(after[0]), literal(after[1])))
        ordered = statement.order_by(PRIORS.c.prior, PRIORS.c.version).limit(limit)
        return [rows.prior_of(row) for row in self._execute(ordered)]

    def token(self, digest: str) -> Token | None:
        """The token of a digest."""
        found = self._execute(select(TOKENS).where(TOKENS.c.digest == digest)).first()
        return None if found is None else rows.token_of(found)

    def tokens(self) -> list[Token]:
        """All tokens by name."""
        statement = select(TOKENS).order_by(TOKENS.c.name)
        return [rows.token_of(row) for row in self._execute(statement)]

    def _complete(self, study: Study, found: Sequence[Any], detail: Detail) -> list[Trial]:
        """Trials of their rows, with what else is wanted of them."""
        numbers = [row.number for row in found]
        parameters: Mapping[int, Parameters] = {}
        values, curves = {}, {}
        if detail is not Detail.BARE:
            parameters = self.configurations(study, numbers)
            finished = [row.number for row in found if row.state == TrialState.COMPLETED.value]
            columns = [column for column in VALUES.c if column.name != "study_id"]
            values = rows.values_of(self._below(VALUES, columns, study, finished))
        if detail is Detail.FULL:
            measured = [row.number for row in found if row.measurement_count]
            curves = rows.measurements_of(
                self._below(MEASUREMENTS, list(MEASUREMENTS.c), study, measured)
            )
        return [
            rows.trial_of(
                study.name,
                row,
                parameters.get(row.number, {}),
                values.get(row.number, ()),
                curves.get(row.number, ()),
            )
            for row in found
        ]

    def _below(
        self, table: Any, columns: Sequence[Any], study: Study, numbers: Sequence[int]
    ) -> list[Row[Any]]:
        """Rows of a table that belong to trials, in the order of its primary key."""
        found: list[Row[Any]] = []
        for start in range(0, len(numbers), _CHUNK):
            statement = (
                select(*columns)
                .where(
                    table.c.study_id == study.key,
                    table.c.number.in_(numbers[start : start + _CHUNK]),
                )
                .order_by(*table.primary_key.columns)
            )
            found.extend(self._execute(statement))
        return found


def _of(study: Study) -> Select[Any]:
    return select(TRIALS).where(TRIALS.c.study_id == study.key)
