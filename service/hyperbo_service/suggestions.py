"""Suggestions: leasing trials to clients, old ones first, then new points.

The points are computed before the transaction that hands them out. It locks the study, looks again
at what is left of the budget and at what others have done meanwhile, and gives up unchanged if the
points no longer hold; then they are computed anew.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hyperbo_service import studies
from hyperbo_service.domain import (
    Call,
    Clock,
    Origin,
    StopReason,
    Study,
    StudyState,
    Trial,
    TrialState,
    check_trial_move,
)
from hyperbo_service.errors import PreconditionError
from hyperbo_service.resources import StudyName
from hyperbo_service.snapshots import Snapshots
from hyperbo_service.storage import Reader, Store, Writer
from hyperbo_service.tuner import Points, Tuner, same_points

DEFAULT_LEASE = timedelta(seconds=60)
_ATTEMPTS = 8
_LONGEST_WAIT, _SHORTEST_WAIT = timedelta(seconds=5), timedelta(seconds=0.2)


@dataclass(frozen=True)
class Ask:
    """What a client asks for.

    Attributes:
        study: The study.
        count: How many trials, at most.
        client_id: Who asks.
        held: Numbers of the trials that the client knows it holds.
        lease: How long each is leased.
    """

    study: StudyName
    count: int
    client_id: str
    held: Sequence[int] = ()
    lease: timedelta = DEFAULT_LEASE


@dataclass(frozen=True)
class Suggested:
    """What a client gets.

    Attributes:
        trials: Trials leased to it, at most as many as asked for.
        study: The study as it stands then.
        retry_after: Set where there are none, but may be later.
        expired: How many of the trials had an expired lease before.
    """

    trials: tuple[Trial, ...]
    study: Study
    retry_after: timedelta | None = None
    expired: int = 0


class _OvertakenError(PreconditionError):
    """Others were faster; the points must be computed again."""


class Suggester:
    """Hands out trials.

    Args:
        store: Where the trials are.
        tuner: Computes points to try next.
        clock: Says what time it is.
        on_expired: Told how many expired leases were handed out again.
    """

    def __init__(
        self,
        store: Store,
        tuner: Tuner,
        clock: Clock,
        on_expired: Callable[[int], None] = lambda count: None,  # noqa: ARG005
    ) -> None:
        self._store = store
        self._tuner = tuner
        self._clock = clock
        self._on_expired = on_expired

    def suggest(self, call: Call, ask: Ask, encode: Callable[[Suggested], bytes]) -> bytes:
        """Lease trials to a client.

        Args:
            call: The call, which may be a repeat.
            ask: What is asked for.
            encode: Turns the answer into what is remembered and returned.

        Raises:
            NotFoundError: If there is no such study, or the prior it names is gone.
            PriorUnusableError: If that prior is damaged.
        """
        for attempt in range(_ATTEMPTS):
            with self._store.read() as reader:
                known = reader.recall(call)
                if known is not None:
                    return known
                study = reader.study(ask.study)
                wanted = self._points_wanted(reader, study, ask)
            points = self._tuner.ask(study, wanted) if wanted else None
            try:
                return self._hand_out(call, ask, points, encode, is_last=attempt + 1 == _ATTEMPTS)
            except _OvertakenError:
                continue
            finally:
                if points is not None:
                    self._tuner.release(study, points)
        raise AssertionError  # the last attempt takes what it gets

    def _points_wanted(self, reader: Reader, study: Study, ask: Ask) -> int:
        """How many new points will be needed, as things stand."""
        now = self._clock()
        if study.state is not StudyState.ACTIVE or studies.is_overdue(study, now):
            return 0
        free = reader.claimable(
            study, client_id=ask.client_id, held=ask.held, now=now, limit=ask.count
        )
        return min(ask.count - free, _budget_left(reader, study))

    def _hand_out(
        self,
        call: Call,
        ask: Ask,
        points: Points | None,
        encode: Callable[[Suggested], bytes],
        *,
        is_last: bool,
    ) -> bytes:
        expired = 0

        def work(writer: Writer) -> bytes:
            nonlocal expired
            handing = _HandingOut(writer, self._tuner.snapshots, ask, points, self._clock())
            suggested = handing.run(is_last=is_last)
            expired = suggested.expired
            return encode(suggested)

        answer = self._store.transact(call, work)
        if expired:
            self._on_expired(expired)
        return answer


@dataclass
class _HandingOut:
    """The transaction that leases trials."""

    writer: Writer
    snapshots: Snapshots
    ask: Ask
    points: Points | None
    now: datetime

    def run(self, *, is_last: bool) -> Suggested:
        """Lease what there is.

        Raises:
            _OvertakenError: If more might be found by computing points again; nothing was written.
        """
        study = self.writer.study(self.ask.study, lock=True)
        if study.state is StudyState.PAUSED:
            return Suggested((), study, retry_after=_LONGEST_WAIT)
        if study.state is StudyState.COMPLETED:
            return Suggested((), study)
        if studies.is_overdue(study, self.now):
            closed = studies.close(self.writer, study, StopReason.MAX_DURATION, self.now)
            return Suggested((), closed)
        claimed = self.writer.claim_trials(
            study,
            self.ask.count,
            client_id=self.ask.client_id,
            held=self.ask.held,
            now=self.now,
        )
        room = min(self.ask.count - len(claimed), _budget_left(self.writer, study))
        fresh = self._fresh(study, room)
        if len(fresh) < room and not is_last and not self._has_all():
            raise _OvertakenError("Other clients were faster.")
        if not claimed and not fresh:
            return self._nothing(study, room)
        return self._lease(study, claimed, fresh)

    def _fresh(self, study: Study, room: int) -> list[int]:
        """Which of the points are still new, as their places; at most `room`."""
        if self.points is None or room <= 0:
            return []
        numbers = range(self.points.before, study.next_trial)
        others = self.snapshots.encode(self.writer, study, numbers)
        is_taken = same_points(self.points.units, others)
        return [place for place, taken in enumerate(is_taken) if not taken][:room]

    def _has_all(self) -> bool:
        """Whether the tuner has said that the space has no more points than these."""
        return self.points is not None and self.points.has_all

    def _nothing(self, study: Study, room: int) -> Suggested:
        """There is nothing to hand out: for now, or for ever."""
        counts = self.writer.trial_counts(study)
        is_open = counts.of(TrialState.WAITING, TrialState.RUNNING) > 0
        if is_open:
            return Suggested((), study, retry_after=self._wait(study))
        if room > 0 and self._has_all():
            closed = studies.close(self.writer, study, StopReason.SPACE_EXHAUSTED, self.now)
            return Suggested((), closed)
        if studies.is_used_up(study, self.writer):
            closed = studies.close(self.writer, study, StopReason.MAX_TRIALS, self.now)
            return Suggested((), closed)
        return Suggested((), study, retry_after=_SHORTEST_WAIT)

    def _wait(self, study: Study) -> timedelta:
        """How long until a running trial's lease may have expired."""
        ends = self.writer.next_expiry(study)
        left = _LONGEST_WAIT if ends is None else ends - self.now
        return min(max(left, _SHORTEST_WAIT), _LONGEST_WAIT)

    def _lease(self, study: Study, claimed: Sequence[Trial], fresh: Sequence[int]) -> Suggested:
        leased = [self._leased(trial) for trial in claimed]
        expired = sum(trial.state is TrialState.RUNNING for trial in claimed)
        self.writer.save_trials(study, leased)
        new = [
            self._leased(self._new_trial(study, study.next_trial + place, index))
            for place, index in enumerate(fresh)
        ]
        if new:
            self.writer.add_trials(study, new)
            study = replace(study, next_trial=study.next_trial + len(new), updated=self.now)
            study = self._with_choice(study)
            self.writer.save_study(study)
        return Suggested((*leased, *new), study, expired=expired)

    def _with_choice(self, study: Study) -> Study:
        assert self.points is not None  # noqa: S101 - its points are new trials now
        choice = self.points.choice
        if study.prior_settled and (choice.reference or not study.resolved_prior):
            return study  # settled; only a prior that no longer fits is given up
        return replace(
            study,
            resolved_prior=choice.reference,
            prior_note=choice.note,
            prior_settled=choice.is_settled,
        )

    def _leased(self, trial: Trial) -> Trial:
        check_trial_move(trial, TrialState.RUNNING)
        return replace(
            trial,
            state=TrialState.RUNNING,
            client_id=self.ask.client_id,
            token=trial.token + 1,
            lease=self.ask.lease,
            lease_expires=self.now + self.ask.lease,
            started=self.now,
            updated=self.now,
            last_step=None,
            revision=trial.revision + 1,
        )

    def _new_trial(self, study: Study, number: int, index: int) -> Trial:
        assert self.points is not None  # noqa: S101 - the index is one of its points'
        return Trial(
            name=study.name.trial(number),
            state=TrialState.WAITING,
            parameters=self.points.configurations[index],
            origin=Origin.SUGGESTED,
            created=self.now,
            updated=self.now,
            token=study.first_token,
        )


def _budget_left(reader: Reader, study: Study) -> int:
    """How many more trials may be given out."""
    limit = study.budget.max_trials
    if limit is None:
        return 10**9
    if study.next_trial + _MANY <= limit:
        return limit - study.next_trial + 1  # no need to count what was abandoned or deleted
    return max(limit - reader.trial_counts(study).given_out, 0)


_MANY = 1000


def random_seed() -> int:
    """A seed for a study that was given none."""
    return secrets.randbelow(2**53)
