"""Methods that answer with a stream: the export of a study, and the watch over one."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hyperbo_service.domain import Detail, Study, Trial, TrialCounts
from hyperbo_service.errors import UnavailableError
from hyperbo_service.resources import StudyName
from hyperbo_service.rpc import answers, questions
from hyperbo_service.rpc.calls import Asker
from hyperbo_service.rpc.parts import in_parts, readable
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from hyperbo_service.transactions import Transactions

_PART = 500
_POLL_SECONDS = 0.5

_OVERLAP = timedelta(seconds=10)
"""Changes of so long ago are looked at again: transactions do not end in the order they began."""


class StreamMethods:
    """Methods that answer with a stream.

    Args:
        transactions: Where use cases run.
        closing: Set when the server goes down, which ends every watch.
        most_watchers: How many may watch at once; each takes a thread of the server.
    """

    def __init__(
        self, transactions: Transactions, closing: threading.Event, most_watchers: int
    ) -> None:
        self._transactions = transactions
        self._closing = closing
        self._room = threading.BoundedSemaphore(most_watchers)

    def ExportStudy(  # noqa: N802
        self,
        request: wire.ExportStudyRequest,
        asker: Asker,  # noqa: ARG002
    ) -> Iterator[bytes]:
        """The study and all its trials."""
        name = StudyName.parse(request.name)
        study, counts = self._transactions.read(lambda reader: _counted(reader, name))
        yield wire.ExportStudyResponse(
            study=answers.study_to_wire(study, counts)
        ).SerializeToString()
        after = 0
        while part := self._part(study, after):
            after = part[-1].name.number
            for trials in in_parts(map(answers.trial_to_wire, part)):
                yield wire.ExportStudyResponse(trials=trials).SerializeToString()

    def WatchStudy(self, request: wire.WatchStudyRequest, asker: Asker) -> Iterator[bytes]:  # noqa: N802
        """The study as it is, then everything that changes."""
        name = StudyName.parse(request.name)
        since = _earlier(questions.since(request.since)) if request.HasField("since") else None
        room = self._room
        if not room.acquire(blocking=False):
            raise UnavailableError(
                "The server watches as many studies as it may. Try again later, or poll.",
                retry_after=10.0,
            )
        try:
            yield from self._watch(name, since, asker.is_listening)
        finally:
            room.release()

    def _watch(
        self, name: StudyName, since: datetime | None, is_listening: Callable[[], bool]
    ) -> Iterator[bytes]:
        study, counts = self._transactions.read(lambda reader: _counted(reader, name))
        watch = _Watch(study.key)
        # 1. What there is already, or, for one who comes back, what changed meanwhile.
        start = self._transactions.now()
        after = 0
        yield _changes(study=answers.study_to_wire(study, watch.note_study(study, counts)))
        while part := self._part(study, after):
            after = part[-1].name.number
            fresh = [
                trial for trial in watch.fresh(part) if since is None or trial.updated >= since
            ]
            yield from _trial_changes(fresh)
        if since is not None:
            yield from self._deleted(study, since)
        yield _changes(watermark=answers.moment(start))
        # 2. What changes from now on.
        while is_listening() and not self._closing.wait(_POLL_SECONDS):
            now = self._transactions.now()
            yield from self._round(name, watch, start - _OVERLAP, now)
            start = now

    def _round(
        self, name: StudyName, watch: "_Watch", since: datetime, now: datetime
    ) -> Iterator[bytes]:
        """One look at the database; it sends the watermark only if it sent anything."""

        def look(reader: Any) -> tuple[Study, TrialCounts, list[Trial], list[int]]:
            study, counts = _counted(reader, name)
            changed = reader.changed_trials(study, since, limit=10**6)
            return study, counts, changed, reader.numbers(study)

        study, counts, changed, numbers = self._transactions.read(look)
        watch.check_same(study)
        is_news = False
        if watch.is_new_study(study, counts):
            is_news = True
            yield _changes(study=answers.study_to_wire(study, watch.note_study(study, counts)))
        for change in _trial_changes(watch.fresh(changed)):
            is_news = True
            yield change
        gone = watch.gone(numbers)
        if gone:
            is_news = True
            yield _changes(deleted_trials=[str(name.trial(number)) for number in gone])
        if is_news:
            yield _changes(watermark=answers.moment(now))

    def _deleted(self, study: Study, since: datetime) -> Iterator[bytes]:
        gone = self._transactions.read(lambda reader: reader.deleted_numbers(study, since))
        if gone:
            yield _changes(deleted_trials=[str(study.name.trial(number)) for number in gone])

    def _part(self, study: Study, after: int) -> list[Trial]:
        """The next trials by number, as many as one message holds."""

        def find(reader: Any) -> list[Trial]:
            if reader.study(study.name).key != study.key:
                raise _made_anew(study.name)
            bare = reader.trials(study, [], after=after, limit=_PART, detail=Detail.BARE)
            numbers = [trial.name.number for trial in readable(bare)]
            found: list[Trial] = reader.trials_by_number(study, numbers, detail=Detail.FULL)
            return found

        return self._transactions.read(find)


@dataclass
class _Watch:
    """What one watcher has been told."""

    key: int
    revisions: dict[int, int] = field(default_factory=dict)
    told: tuple[Study, TrialCounts] | None = None

    def note_study(self, study: Study, counts: TrialCounts) -> TrialCounts:
        """Remember a study that is about to be told."""
        self.told = (study, counts)
        return counts

    def is_new_study(self, study: Study, counts: TrialCounts) -> bool:
        """Whether the study differs from what was told."""
        return self.told != (study, counts)

    def check_same(self, study: Study) -> None:
        """Refuse to go on with another study of the same name."""
        if study.key != self.key:
            raise _made_anew(study.name)

    def fresh(self, trials: list[Trial]) -> list[Trial]:
        """Those of some trials that were not told at their revision; they count as told now."""
        found = [
            trial for trial in trials if self.revisions.get(trial.name.number, 0) < trial.revision
        ]
        self.revisions.update((trial.name.number, trial.revision) for trial in found)
        return found

    def gone(self, numbers: list[int]) -> list[int]:
        """Numbers of trials that were told and are no more."""
        if len(numbers) >= len(self.revisions):
            return []
        gone = sorted(self.revisions.keys() - set(numbers))
        for number in gone:
            del self.revisions[number]
        return gone


def _counted(reader: Any, name: StudyName) -> tuple[Study, TrialCounts]:
    """A study, and the numbers of its trials."""
    study: Study = reader.study(name)
    return study, reader.trial_counts(study)


def _earlier(since: datetime) -> datetime:
    """From when on changes may be missing to one who has all that was sent before a moment."""
    return since if since.year == 1 else since - _OVERLAP


def _made_anew(name: StudyName) -> UnavailableError:
    return UnavailableError(f"{name} was deleted meanwhile, and made anew. Begin again.")


def _trial_changes(trials: list[Trial]) -> Iterator[bytes]:
    for part in in_parts(map(answers.trial_to_wire, trials)):
        yield _changes(trials=part)


def _changes(**parts: object) -> bytes:
    return wire.WatchStudyResponse(**parts).SerializeToString()  # type: ignore[arg-type]
