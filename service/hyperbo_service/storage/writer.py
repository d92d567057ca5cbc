"""Writes to the database within one transaction, by SQL that SQLite and PostgreSQL share."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Executable,
    Select,
    bindparam,
    delete,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import IntegrityError

from hyperbo_service.domain import (
    MOST_MEASUREMENTS,
    Detail,
    Lease,
    Measurement,
    StoredPrior,
    Study,
    Trial,
    TrialState,
)
from hyperbo_service.errors import AlreadyExistsError, NotFoundError
from hyperbo_service.storage import rows
from hyperbo_service.storage.base import Token
from hyperbo_service.storage.models import (
    MEASUREMENTS,
    PARAMETERS,
    PRIORS,
    STUDIES,
    TOKENS,
    TRIALS,
    VALUES,
)
from hyperbo_service.storage.reader import SqlReader

_RUNNING, _WAITING = TrialState.RUNNING.value, TrialState.WAITING.value
_FIXED_IN_STUDY = frozenset(
    {
        "project", "study", "space", "space_digest", "metric", "goal", "prior", "seed",
        "first_token", "created",
    }
)  # fmt: skip
_FIXED_IN_TRIAL = frozenset({"study_id", "number", "origin", "created"})

_SAVE_TRIAL = (
    update(TRIALS)
    .where(TRIALS.c.study_id == bindparam("of_study"), TRIALS.c.number == bindparam("of_number"))
    .values({c.name: bindparam(c.name) for c in TRIALS.c if c.name not in _FIXED_IN_TRIAL})
)
_ADD_TRIAL, _ADD_PARAMETER = insert(TRIALS), insert(PARAMETERS)
_ADD_VALUE, _ADD_MEASUREMENT = insert(VALUES), insert(MEASUREMENTS)
_DROP_CURVE = delete(MEASUREMENTS).where(
    MEASUREMENTS.c.study_id == bindparam("study_id"),
    MEASUREMENTS.c.number == bindparam("number"),
    MEASUREMENTS.c.step >= bindparam("step"),
)
_SIZES = (1, 4, 16, 64, 256)


def _curves_of(size: int) -> Select[Any]:
    """The rows of up to `size` trials of a study; made once, since binding a list is dear."""
    return (
        select(
            TRIALS.c.number,
            TRIALS.c.token,
            TRIALS.c.state,
            TRIALS.c.last_step,
            TRIALS.c.measurement_count,
        )
        .where(
            TRIALS.c.study_id == bindparam("study_id"),
            TRIALS.c.number.in_([bindparam(f"number_{place}") for place in range(size)]),
        )
        .order_by(TRIALS.c.number)
        .with_for_update()
    )


_CURVES = {size: _curves_of(size) for size in _SIZES}
_EXTEND = (
    update(TRIALS)
    .where(TRIALS.c.study_id == bindparam("of_study"), TRIALS.c.number == bindparam("of_number"))
    .values(
        last_step=bindparam("step"),
        measurement_count=TRIALS.c.measurement_count + 1,
        lease_expires=bindparam("expires"),
        updated=bindparam("now"),
        revision=TRIALS.c.revision + 1,
    )
)
_RENEW = (
    update(TRIALS)
    .where(TRIALS.c.study_id == bindparam("of_study"), TRIALS.c.number == bindparam("of_number"))
    .values(lease_expires=bindparam("expires"))
)


class SqlWriter(SqlReader):
    """Writes over one connection; see `hyperbo_service.storage.base.Writer` for each method.

    Attributes:
        has_written: Whether anything was written since it was last set to False.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.has_written = False

    def add_study(self, study: Study) -> Study:
        """Store a new study."""
        taken = AlreadyExistsError(
            f"There is a study {study.name} already. Choose another name, or open it.",
            field="study_id",
            resource=str(study.name),
        )
        exists = select(STUDIES.c.id).where(
            STUDIES.c.project == study.name.project, STUDIES.c.study == study.name.study
        )
        if self._execute(exists).scalar() is not None:
            raise taken
        statement = insert(STUDIES).values(rows.study_columns(study)).returning(STUDIES.c.id)
        key: int = self._write(statement).scalar_one()
        return replace(study, key=key)

    def save_study(self, study: Study) -> None:
        """Store what may change of a study."""
        columns = rows.study_columns(study)
        changing = {name: columns[name] for name in columns if name not in _FIXED_IN_STUDY}
        self._write(update(STUDIES).where(STUDIES.c.id == study.key).values(changing))

    def delete_study(self, study: Study) -> None:
        """Delete a study with all its trials."""
        self._write(delete(STUDIES).where(STUDIES.c.id == study.key))

    def claim_trials(
        self, study: Study, limit: int, *, client_id: str, held: Sequence[int], now: datetime
    ) -> list[Trial]:
        """Lock trials that may be handed out, in order."""
        columns = TRIALS.c
        is_running, is_own = columns.state == _RUNNING, columns.client_id == client_id
        lost = self._claimable(study).where(is_running, is_own, columns.number.not_in(held))
        waiting = self._claimable(study).where(columns.state == _WAITING)
        expired = self._claimable(study).where(is_running, ~is_own, columns.lease_expires <= now)
        ordered = (
            lost.order_by(columns.number),
            waiting.order_by(columns.number),
            expired.order_by(columns.lease_expires, columns.number),
        )
        found: list[Any] = []
        for statement in ordered:
            if len(found) < limit:
                found.extend(self._execute(statement.limit(limit - len(found))))
        return self._complete(study, found, Detail.BASIC)

    def add_trials(self, study: Study, trials: Sequence[Trial]) -> None:
        """Store new trials with all that belongs to them."""
        self._write_many(_ADD_TRIAL, [rows.trial_columns(study, trial) for trial in trials])
        self._write_many(
            _ADD_PARAMETER,
            [row for trial in trials for row in rows.parameter_columns(study, trial)],
        )
        self._write_many(
            _ADD_VALUE, [row for trial in trials for row in rows.value_columns(study, trial)]
        )
        self._write_many(
            _ADD_MEASUREMENT,
            [
                row
                for trial in trials
                for measurement in trial.measurements
                for row in rows.measurement_columns(study.key, trial.name.number, measurement)
            ],
        )

    def save_trials(self, study: Study, trials: Sequence[Trial]) -> None:
        """Store what changed of trials."""
        changes = []
        for trial in trials:
            columns = rows.trial_columns(study, trial)
            changing = {name: columns[name] for name in columns if name not in _FIXED_IN_TRIAL}
            changes.append(changing | {"of_study": study.key, "of_number": trial.name.number})
        self._write_many(_SAVE_TRIAL, changes)

    def save_values(self, study: Study, trial: Trial) -> None:
        """Store a trial's final values."""
        self._write_many(_ADD_VALUE, rows.value_columns(study, trial))

    def renew_leases(
        self,
        study: Study,
        leases: Collection[tuple[int, int]],
        *,
        now: datetime,
        length: timedelta | None,
    ) -> dict[tuple[int, int], datetime]:
        """Renew leases; return the new ends of those still held."""
        statement = (
            select(TRIALS.c.number, TRIALS.c.token, TRIALS.c.lease_seconds)
            .where(
                TRIALS.c.study_id == study.key,
                TRIALS.c.state == _RUNNING,
                tuple_(TRIALS.c.number, TRIALS.c.token).in_(sorted(leases)),
            )
            .order_by(TRIALS.c.number)
            .with_for_update()
        )
        ends = {
            (row.number, row.token): now + (length or timedelta(seconds=row.lease_seconds))
            for row in self._execute(statement)
        }
        self._write_many(
            _RENEW,
            [
                {"of_study": study.key, "of_number": number, "expires": end}
                for (number, _), end in ends.items()
            ],
        )
        return ends

    def extend_curves(
        self, extensions: Sequence[tuple[Lease, Measurement]], now: datetime
    ) -> list[int | None]:
        """Add one point to the curve of each of some leased trials, and renew the leases."""
        curves = self._lock_curves([lease for lease, _ in extensions])
        counts: list[int | None] = []
        changes, points = [], []
        for lease, measurement in extensions:
            place = (lease.study, lease.number)
            curve = curves.pop(place, None)
            if curve is None or not _continues(curve, lease, measurement):
                counts.append(None)
                continue
            counts.append(curve.measurement_count + 1)
            changes.append(
                {
                    "of_study": lease.study,
                    "of_number": lease.number,
                    "step": measurement.step,
                    "expires": now + lease.length,
                    "now": now,
                }
            )
            points.extend(rows.measurement_columns(*place, measurement))
        self._write_many(_EXTEND, changes)
        self._write_many(_ADD_MEASUREMENT, points)
        return counts

    def _lock_curves(self, leases: Sequence[Lease]) -> dict[tuple[int, int], Any]:
        """The leased trials' rows, locked in one order for all."""
        numbers: dict[int, set[int]] = {}
        for lease in leases:
            numbers.setdefault(lease.study, set()).add(lease.number)
        found: dict[tuple[int, int], Any] = {}
        for study in sorted(numbers):
            wanted = sorted(numbers[study])
            for start in range(0, len(wanted), _SIZES[-1]):
                part = wanted[start : start + _SIZES[-1]]
                size = next(size for size in _SIZES if size >= len(part))
                part += part[-1:] * (size - len(part))
                values = {f"number_{place}": number for place, number in enumerate(part)}
                curves = self._execute(_CURVES[size], {"study_id": study, **values})
                found.update(((study, row.number), row) for row in curves)
        return found

    def add_measurement(
        self, study: Study, trial: Trial, measurement: Measurement, *, replace: bool
    ) -> None:
        """Add a point to a learning curve."""
        number = trial.name.number
        if replace:
            place = {"study_id": study.key, "number": number, "step": measurement.step}
            self._write(_DROP_CURVE, place)
        self._write_many(_ADD_MEASUREMENT, rows.measurement_columns(study.key, number, measurement))

    def delete_trial(self, study: Study, trial: Trial) -> None:
        """Delete a trial."""
        self._write(
            delete(TRIALS).where(
                TRIALS.c.study_id == study.key, TRIALS.c.number == trial.name.number
            )
        )

    def add_prior(self, prior: StoredPrior, weights: bytes) -> None:
        """Store a prior under its name and version."""
        self._write(insert(PRIORS).values(rows.prior_columns(prior) | {"weights": weights}))

    def retire_prior(self, prior: StoredPrior) -> None:
        """Mark a prior as retired."""
        self._write(
            update(PRIORS)
            .where(
                PRIORS.c.project == prior.project,
                PRIORS.c.prior == prior.prior,
                PRIORS.c.version == prior.version,
            )
            .values(is_retired=True)
        )

    def add_token(self, token: Token) -> None:
        """Store a token."""
        statement = insert(TOKENS).values(rows.token_columns(token))
        self._write_new(statement, f"token {token.name!r}")

    def revoke_token(self, name: str, now: datetime) -> None:
        """Make a token invalid from now on."""
        statement = (
            update(TOKENS)
            .where(TOKENS.c.name == name, TOKENS.c.revoked.is_(None))
            .values(revoked=now)
        )
        if not self._write(statement).rowcount:
            raise NotFoundError(f"There is no valid token {name!r}; list the tokens.")

    def _claimable(self, study: Study) -> Select[Any]:
        mine = select(TRIALS).where(TRIALS.c.study_id == study.key)
        return mine.with_for_update(skip_locked=True)

    def _write(self, statement: Executable, parameters: Any = None) -> Any:
        self.has_written = True
        return self._execute(statement, parameters)

    def _write_many(self, statement: Executable, parameters: list[rows.Columns]) -> None:
        if parameters:
            self._write(statement, parameters)

    def _write_new(self, statement: Executable, what: str) -> None:
        try:
            self._write(statement)
        except IntegrityError as error:
            raise AlreadyExistsError(f"There is a {what} already. Choose another name.") from error


def _continues(curve: Any, lease: Lease, measurement: Measurement) -> bool:
    """Whether a point comes next on a curve, under the lease that the trial has now."""
    if curve.token != lease.token or curve.state != _RUNNING:
        return False
    if curve.measurement_count >= MOST_MEASUREMENTS:
        return False
    if curve.last_step is None:
        return bool(curve.measurement_count == 0)
    return bool(curve.last_step < measurement.step)
