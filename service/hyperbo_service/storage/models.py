"""The database's tables. A change here needs a migration in `migrations/versions`."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from hyperbo_service.domain import Goal, Origin, StopReason, StudyState, TrialState


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, kept in UTC; SQLite itself knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database."""
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def bind_processor(self, dialect: Dialect) -> Any:
        """What is done to every value on its way to the database."""
        # Reports bind several moments each; for SQLite they are text, made here in one step.
        return _sqlite_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """From the database."""
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _sqlite_text(value: datetime | None) -> str | None:
    """A moment in UTC as SQLAlchemy writes it for SQLite: `2026-01-31 12:00:00.000000`."""
    if value is None:
        return None
    moment = value if value.tzinfo is UTC else value.astimezone(UTC)
    return moment.isoformat(" ", "microseconds")[:26]


Labels = JSON().with_variant(postgresql.JSONB(), "postgresql")
# SQLite counts up only columns of type INTEGER.
Key = BigInteger().with_variant(Integer, "sqlite")


IS_DELETION = text("method IN ('DeleteStudy', 'DeleteTrial')")
"""Which entries of the journal an index of its own finds; a query must say it in these words."""


class Base(DeclarativeBase):
    """Names constraints, so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def _one_of(column: str, kinds: type[Any]) -> CheckConstraint:
    listed = ", ".join(f"'{kind.value}'" for kind in kinds)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


class StudyRow(Base):
    """A study."""

    __tablename__ = "studies"
    __table_args__ = (
        UniqueConstraint("project", "study"),
        Index(None, "project", "created", "id"),
        Index(None, "project", "space_digest"),
        _one_of("state", StudyState),
        _one_of("goal", Goal),
        _one_of("stop_reason", StopReason),
        # A deleted study's key must not come back: caches know studies by it.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    project: Mapped[str] = mapped_column(String(63))
    study: Mapped[str] = mapped_column(String(63))
    display_name: Mapped[str] = mapped_column(String(200))
    space: Mapped[str] = mapped_column(Text)
    space_digest: Mapped[str] = mapped_column(String(64))
    metric: Mapped[str] = mapped_column(String(128))
    goal: Mapped[str] = mapped_column(String(16))
    prior: Mapped[str] = mapped_column(String(80))
    resolved_prior: Mapped[str] = mapped_column(String(80))
    prior_note: Mapped[str] = mapped_column(Text)
    prior_settled: Mapped[bool]
    max_trials: Mapped[int | None] = mapped_column(BigInteger)
    max_seconds: Mapped[float | None] = mapped_column(Double)
    target: Mapped[float | None] = mapped_column(Double)
    stopping_rule: Mapped[str | None] = mapped_column(String(32))
    stopping_min_step: Mapped[int | None] = mapped_column(BigInteger)
    stopping_min_trials: Mapped[int | None] = mapped_column(BigInteger)
    stopping_factor: Mapped[int | None] = mapped_column(BigInteger)
    seed: Mapped[int] = mapped_column(BigInteger)
    labels: Mapped[dict[str, str]] = mapped_column(Labels)
    state: Mapped[str] = mapped_column(String(16))
    stop_reason: Mapped[str | None] = mapped_column(String(32))
    next_trial: Mapped[int] = mapped_column(BigInteger)
    first_token: Mapped[int] = mapped_column(BigInteger)
    created: Mapped[datetime] = mapped_column(UtcDateTime)
    updated: Mapped[datetime] = mapped_column(UtcDateTime)
    ended: Mapped[datetime | None] = mapped_column(UtcDateTime)


class TrialRow(Base):
    """A trial. `objective` is its final value, maximised; the index over it finds the best."""

    __tablename__ = "trials"
    __table_args__ = (
        Index(None, "study_id", "state", "objective"),
        Index(None, "study_id", "updated"),
        _one_of("state", TrialState),
        _one_of("origin", Origin),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("(state = 'completed') = (objective IS NOT NULL)", name="objective"),
        CheckConstraint("(state = 'running') = (lease_expires IS NOT NULL)", name="lease"),
        {"sqlite_with_rowid": False},
    )

    study_id: Mapped[int] = mapped_column(
        Key, ForeignKey("studies.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(String(16))
    origin: Mapped[str] = mapped_column(String(16))
    client_id: Mapped[str] = mapped_column(String(128))
    token: Mapped[int] = mapped_column(BigInteger)
    lease_seconds: Mapped[float | None] = mapped_column(Double)
    lease_expires: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(Text)
    objective: Mapped[float | None] = mapped_column(Double)
    cost: Mapped[float | None] = mapped_column(Double)
    last_step: Mapped[int | None] = mapped_column(BigInteger)
    measurement_count: Mapped[int] = mapped_column(BigInteger)
    revision: Mapped[int] = mapped_column(BigInteger)
    created: Mapped[datetime] = mapped_column(UtcDateTime)
    updated: Mapped[datetime] = mapped_column(UtcDateTime)
    started: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended: Mapped[datetime | None] = mapped_column(UtcDateTime)


def _of_trial() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["study_id", "number"], ["trials.study_id", "trials.number"], ondelete="CASCADE"
    )


class ParameterRow(Base):
    """One native value of a trial's configuration; the column that is not null tells its type."""

    __tablename__ = "trial_parameters"
    __table_args__ = (
        _of_trial(),
        CheckConstraint(
            "(CASE WHEN real_value IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN integer_value IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN text_value IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN truth_value IS NULL THEN 0 ELSE 1 END) = 1",
            name="one_value",
        ),
        {"sqlite_with_rowid": False},
    )

    study_id: Mapped[int] = mapped_column(Key, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    real_value: Mapped[float | None] = mapped_column(Double)
    integer_value: Mapped[int | None] = mapped_column(BigInteger)
    text_value: Mapped[str | None] = mapped_column(Text)
    truth_value: Mapped[bool | None]


class ValueRow(Base):
    """A final value of a trial, in the metric's native unit."""

    __tablename__ = "trial_values"
    __table_args__ = (_of_trial(), {"sqlite_with_rowid": False})

    study_id: Mapped[int] = mapped_column(Key, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    metric: Mapped[str] = mapped_column(String(128), primary_key=True)
    value: Mapped[float] = mapped_column(Double)
    stderr: Mapped[float | None] = mapped_column(Double)


class MeasurementRow(Base):
    """One metric at one step of a trial's learning curve, in its native unit."""

    __tablename__ = "measurements"
    __table_args__ = (_of_trial(), {"sqlite_with_rowid": False})

    study_id: Mapped[int] = mapped_column(Key, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    step: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    metric: Mapped[str] = mapped_column(String(128), primary_key=True)
    value: Mapped[float] = mapped_column(Double)
    stderr: Mapped[float | None] = mapped_column(Double)
    elapsed: Mapped[float | None] = mapped_column(Double)
    cost: Mapped[float | None] = mapped_column(Double)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class PriorRow(Base):
    """A pre-trained prior: a trained network's weights are one blob by nature."""

    __tablename__ = "priors"
    __table_args__ = (
        UniqueConstraint("project", "prior", "version"),
        Index(None, "project", "space_digest"),
        _one_of("goal", Goal),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    project: Mapped[str] = mapped_column(String(63))
    prior: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(BigInteger)
    manifest: Mapped[str] = mapped_column(Text)
    weights: Mapped[bytes] = mapped_column(LargeBinary)
    size: Mapped[int] = mapped_column(BigInteger)
    space_digest: Mapped[str] = mapped_column(String(64))
    goal: Mapped[str | None] = mapped_column(String(16))
    digest: Mapped[str] = mapped_column(String(64))
    is_retired: Mapped[bool]
    created: Mapped[datetime] = mapped_column(UtcDateTime)


class TokenRow(Base):
    """A bearer token, of which only the SHA-256 is kept."""

    __tablename__ = "tokens"
    __table_args__ = (UniqueConstraint("digest"), UniqueConstraint("name"))

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(String(63))
    digest: Mapped[str] = mapped_column(String(64))
    project: Mapped[str] = mapped_column(String(63))
    scope: Mapped[str] = mapped_column(String(16))
    calls_per_second: Mapped[float | None] = mapped_column(Double)
    largest_message: Mapped[int | None] = mapped_column(BigInteger)
    created: Mapped[datetime] = mapped_column(UtcDateTime)
    expires: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked: Mapped[datetime | None] = mapped_column(UtcDateTime)


class JournalRow(Base):
    """A change that was made: its answer for a repeated call, and the audit log."""

    __tablename__ = "journal"
    __table_args__ = (
        UniqueConstraint("project", "request_id"),
        # An index over all would cost every report; the few deletions alone are looked for.
        Index(
            "ix_journal_deletions",
            "project",
            "resource",
            sqlite_where=IS_DELETION,
            postgresql_where=IS_DELETION,
        ),
    )

    sequence: Mapped[int] = mapped_column(Key, primary_key=True)
    project: Mapped[str] = mapped_column(String(63))
    request_id: Mapped[str] = mapped_column(String(64))
    principal: Mapped[str] = mapped_column(String(128))
    method: Mapped[str] = mapped_column(String(64))
    resource: Mapped[str] = mapped_column(String(255))
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    answer: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


STUDIES = Base.metadata.tables["studies"]
TRIALS = Base.metadata.tables["trials"]
PARAMETERS = Base.metadata.tables["trial_parameters"]
VALUES = Base.metadata.tables["trial_values"]
MEASUREMENTS = Base.metadata.tables["measurements"]
PRIORS = Base.metadata.tables["priors"]
TOKENS = Base.metadata.tables["tokens"]
JOURNAL = Base.metadata.tables["journal"]
