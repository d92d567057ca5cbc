"""The contract of a store: what use cases may ask of the database, in words.

Every store is one database. Reads see committed data. All changes go through `Store.transact`,
which writes the call's journal entry in the same transaction: a repeated call gets the first
answer. Whatever raises inside leaves nothing behind.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from hyperbo_service.domain import (
    Call,
    Detail,
    JournalEntry,
    Lease,
    Measurement,
    Parameters,
    StoredPrior,
    Study,
    Trial,
    TrialCounts,
    TrialState,
)
from hyperbo_service.resources import StudyName, TrialName

Scalar = str | float | int | datetime


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison that listed rows must satisfy; `operator` is one of = != < <= > >= and :."""

    field: str
    operator: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class Outcome:
    """A trial as suggestions see it, without its configuration.

    Attributes:
        number: The trial's number within its study.
        state: Its state.
        value: Its final value in the native unit; None unless it is completed.
        stderr: The value's standard error, if given.
    """

    number: int
    state: TrialState
    value: float | None
    stderr: float | None


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A completed or running trial as the stopping rules see it at a step; values maximised.

    Attributes:
        number: The trial's number.
        best: Best value so far.
        average: Average value so far.
    """

    number: int
    best: float
    average: float


@dataclass(frozen=True, slots=True)
class Token:
    """What a bearer token allows.

    Attributes:
        name: Says in the audit log who it was.
        scope: `read`, `report` or `admin`; each includes the ones before.
        calls_per_second: Limit; None for the server's default.
        largest_message: Limit in bytes; None for the server's default.
    """

    name: str
    digest: str
    project: str
    scope: str
    calls_per_second: float | None
    largest_message: int | None
    created: datetime
    expires: datetime | None
    revoked: datetime | None


class Reader(Protocol):
    """What may be read."""

    def study(self, name: StudyName, *, lock: bool = False) -> Study:
        """A study; with `lock`, no other transaction changes it until this one ends.

        Raises:
            NotFoundError: If there is none.
        """

    def studies(
        self,
        project: str,
        conditions: Sequence[Condition],
        after: tuple[datetime, int] | None,
        limit: int,
    ) -> list[Study]:
        """Studies of a project by creation time and key, after those of an earlier page."""

    def deletions(self, name: StudyName) -> int:
        """How many studies of a name were deleted."""

    def trial_counts(self, study: Study) -> TrialCounts:
        """Numbers of a study's trials by state."""

    def trial(
        self, name: TrialName, *, detail: Detail = Detail.BASIC, lock: bool = False
    ) -> tuple[Study, Trial]:
        """A trial and its study; `lock` as for studies, of the trial alone.

        Raises:
            NotFoundError: If there is none.
        """

    def trials(
        self,
        study: Study,
        conditions: Sequence[Condition],
        *,
        after: int,
        limit: int,
        detail: Detail = Detail.BASIC,
    ) -> list[Trial]:
        """Trials by number, after a number."""

    def trials_by_number(
        self, study: Study, numbers: Sequence[int], *, detail: Detail = Detail.BASIC
    ) -> list[Trial]:
        """Those trials of some numbers that there are, by number."""

    def best_trials(
        self, study: Study, limit: int, *, detail: Detail = Detail.BASIC
    ) -> list[Trial]:
        """Completed trials, best first; of equal ones the earlier first."""

    def changed_trials(self, study: Study, since: datetime, *, limit: int) -> list[Trial]:
        """Trials whose last change is not before a moment, by that and number, with curves."""

    def numbers(self, study: Study) -> list[int]:
        """Numbers of all trials of a study."""

    def deleted_numbers(self, study: Study, since: datetime) -> list[int]:
        """Numbers of trials of a study that were deleted at or after a moment."""

    def claimable(
        self, study: Study, *, client_id: str, held: Sequence[int], now: datetime, limit: int
    ) -> int:
        """How many trials `Writer.claim_trials` would find; at most `limit`."""

    def next_expiry(self, study: Study) -> datetime | None:
        """When the next lease of a running trial ends; None if none runs."""

    def outcomes(self, study: Study) -> list[Outcome]:
        """All trials as suggestions see them, by number."""

    def configurations(self, study: Study, numbers: Sequence[int]) -> dict[int, Parameters]:
        """Configurations of those trials that there are, by number."""

    def curve_points(self, study: Study, step: int, *, completed_only: bool) -> list[CurvePoint]:
        """Every trial with a measurement at or before a step, as it stood there.

        Trials of which no measurement reaches the step are left out, but completed ones stand as
        they ended.
        """

    def prior(self, project: str, prior: str, version: int | None) -> StoredPrior:
        """A prior; version None is the newest.

        Raises:
            NotFoundError: If there is none.
        """

    def prior_files(self, project: str, prior: str, version: int) -> tuple[bytes, bytes]:
        """A prior's manifest and weights.

        Raises:
            NotFoundError: If there is none.
        """

    def priors(
        self,
        project: str,
        conditions: Sequence[Condition],
        after: tuple[str, int] | None,
        limit: int,
    ) -> list[StoredPrior]:
        """Priors of a project by name and version, after those of an earlier page."""

    def recall(self, call: Call) -> bytes | None:
        """The first answer to a call, if it was made before.

        Raises:
            RequestReusedError: If the request id belongs to another call.
        """

    def journal(self, project: str, *, before: int | None, limit: int) -> list[JournalEntry]:
        """The audit log, newest first, before a sequence number."""

    def token(self, digest: str) -> Token | None:
        """The token of a digest."""

    def tokens(self) -> list[Token]:
        """All tokens by name."""


class Writer(Reader, Protocol):
    """What may be changed, within a transaction."""

    def add_study(self, study: Study) -> Study:
        """Store a new study, and return it with its key.

        Raises:
            AlreadyExistsError: If the name is taken.
        """

    def save_study(self, study: Study) -> None:
        """Store what may change of a study: all but name, space, metric, prior asked for, seed."""

    def delete_study(self, study: Study) -> None:
        """Delete a study with all its trials."""

    def claim_trials(
        self, study: Study, limit: int, *, client_id: str, held: Sequence[int], now: datetime
    ) -> list[Trial]:
        """Lock trials that may be handed out, in order.

        First the client's own running ones that it does not say it holds, then waiting ones by
        number, then others' whose lease has expired, longest ago first. What it says it holds it is
        not given, also after the lease has expired: it is there, and works on it. A trial that
        another transaction has locked is passed over.
        """

    def add_trials(self, study: Study, trials: Sequence[Trial]) -> None:
        """Store new trials with parameters, values and measurements."""

    def save_trials(self, study: Study, trials: Sequence[Trial]) -> None:
        """Store what changed of trials: all but number, parameters, values and measurements."""

    def save_values(self, study: Study, trial: Trial) -> None:
        """Store a trial's final values."""

    def renew_leases(
        self,
        study: Study,
        leases: Collection[tuple[int, int]],
        *,
        now: datetime,
        length: timedelta | None,
    ) -> dict[tuple[int, int], datetime]:
        """Renew leases given as number and token; return the new ends of those still held."""

    def extend_curves(
        self, extensions: Sequence[tuple[Lease, Measurement]], now: datetime
    ) -> list[int | None]:
        """Add one point to the curve of each of some leased trials, and renew the leases.

        Returns:
            For each, the number of measurements then; None, with nothing changed, if the trial is
            not running under that lease, its last step is not smaller, earlier runners have left
            a curve, or it comes twice.
        """

    def add_measurement(
        self, study: Study, trial: Trial, measurement: Measurement, *, replace: bool
    ) -> None:
        """Add a point to a learning curve; `replace` drops what stands at its step and after."""

    def delete_trial(self, study: Study, trial: Trial) -> None:
        """Delete a trial; its number is not used again."""

    def add_prior(self, prior: StoredPrior, weights: bytes) -> None:
        """Store a prior under its name and version.

        If another transaction takes the version meanwhile, this one runs again.
        """

    def retire_prior(self, prior: StoredPrior) -> None:
        """Mark a prior as retired."""

    def add_token(self, token: Token) -> None:
        """Store a token.

        Raises:
            AlreadyExistsError: If the name is taken.
        """

    def revoke_token(self, name: str, now: datetime) -> None:
        """Make a token invalid from now on.

        Raises:
            NotFoundError: If there is none.
        """


class Store(Protocol):
    """A database."""

    def read(self) -> AbstractContextManager[Reader]:
        """One consistent view of committed data.

        Raises:
            UnavailableError: If the database cannot be reached.
        """

    def transact(self, call: Call, work: Callable[[Writer], bytes]) -> bytes:
        """Make a change and remember its answer; or give the answer it had before.

        `work` may run more than once, each time on what is then committed, and must do nothing but
        through the writer it is given. The answer is returned after it is durable.

        Raises:
            RequestReusedError: If the request id belongs to another call.
            UnavailableError: If the database cannot be reached; the change may have been made.
            Exception: Whatever `work` raises; then nothing was changed.
        """

    def extend(
        self,
        call: Call,
        extension: tuple[Lease, Measurement],
        encode: Callable[[int, datetime], bytes],
        otherwise: Callable[[Writer], bytes],
    ) -> bytes:
        """Add a point to a learning curve, together with all others that wait.

        Args:
            call: As for `transact`.
            extension: The lease, and the point.
            encode: Turns the number of measurements, and the time, into the answer.
            otherwise: What is done if the point cannot be added in one step; as `transact`'s work.

        Raises:
            Exception: As `transact`.
        """

    def change(self, work: Callable[[Writer], None]) -> None:
        """Make a change that may be repeated without harm, and is not remembered."""

    def close(self) -> None:
        """End all work and all connections."""
