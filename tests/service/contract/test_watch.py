"""Watching a study: what there is, then everything that changes, and nothing twice or never."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hyperbo_service.errors import InvalidArgumentError, NotFoundError, UnavailableError
from hyperbo_service.rpc import parts, stream_methods
from hyperbo_service.rpc.calls import Asker
from hyperbo_service.rpc.v1 import study_pb2, trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from tests.service.contract.services import Service, Studied, curve, numbers

Heard = tuple[list[str], list[tuple[int, str, int]], list[int]]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the database a hundred times a second."""
    monkeypatch.setattr(stream_methods, "_POLL_SECONDS", 0.01)


def _watch(study: Studied, since: Any = None) -> Iterator[Any]:
    return study.service.stream(wire.WatchStudyRequest(name=study.name, since=since))


def _until_watermark(stream: Iterator[Any]) -> tuple[Heard, Any]:
    """What is heard before the next watermark: study states, trials, deletions."""
    states: list[str] = []
    trials: list[tuple[int, str, int]] = []
    deleted: list[int] = []
    for part in stream:
        if part.HasField("study"):
            states.append(study_pb2.Study.State.Name(part.study.state).removeprefix("STATE_"))
        for trial in part.trials:
            state = trial_pb2.Trial.State.Name(trial.state).removeprefix("STATE_")
            trials.append((numbers([trial])[0], state, len(trial.measurements)))
        deleted += [int(name.rpartition("/")[2]) for name in part.deleted_trials]
        if part.HasField("watermark"):
            return (states, trials, deleted), part.watermark
    raise AssertionError("the stream has ended")


def test_first_comes_what_there_is(service: Service) -> None:
    """The study with its counts, and all trials with their curves, by number."""
    study = service.create()
    study.add(state=trial_pb2.Trial.STATE_INFEASIBLE, measurements=curve(0.1, 0.2))
    study.leased()
    stream = _watch(study)

    first = next(stream)
    heard, watermark = _until_watermark(stream)

    assert first.study == study.get()
    assert heard == ([], [(1, "INFEASIBLE", 2), (2, "RUNNING", 0)], [])
    assert watermark.ToDatetime(UTC) == service.clock()


def test_then_everything_that_changes(service: Service) -> None:
    """A trial made, handed out, reported on, completed and deleted; the study closed."""
    study = service.create()
    stream = _watch(study)
    assert _until_watermark(stream)[0] == (["ACTIVE"], [], [])

    trial = study.add()
    assert _until_watermark(stream)[0] == (["ACTIVE"], [(1, "WAITING", 0)], [])
    (trial,) = study.ask()
    assert _until_watermark(stream)[0] == (["ACTIVE"], [(1, "RUNNING", 0)], [])
    study.report(trial, 1, 0.5)
    assert _until_watermark(stream)[0] == ([], [(1, "RUNNING", 1)], [])
    study.complete(trial, 0.5)
    assert _until_watermark(stream)[0] == (["ACTIVE"], [(1, "COMPLETED", 1)], [])
    service.send(wire.DeleteTrialRequest(name=trial.name))
    assert _until_watermark(stream)[0] == (["ACTIVE"], [], [1])
    study.set_state(study_pb2.Study.STATE_COMPLETED)
    assert _until_watermark(stream)[0] == (["COMPLETED"], [], [])


def test_a_heartbeat_is_no_news(service: Service) -> None:
    """Watchers hear nothing of it; the next thing they hear is the next change."""
    study = service.create()
    trial = study.leased()
    stream = _watch(study)
    _until_watermark(stream)
    service.clock.pass_by(5.0)
    study.beat(trial)
    study.report(trial, 1, 0.5)

    assert _until_watermark(stream)[0] == ([], [(1, "RUNNING", 1)], [])


def test_one_who_comes_back_hears_what_changed_meanwhile(service: Service) -> None:
    """From the last watermark on: trials that changed, and names of those that were deleted."""
    study = service.create()
    for rate in (0.1, 0.2, 0.3, 0.4):
        study.add({"rate": rate, "layers": 1})
    stream = _watch(study)
    _, watermark = _until_watermark(stream)
    service.clock.pass_by(60.0)
    (leased,) = study.ask()
    service.send(wire.DeleteTrialRequest(name=f"{study.name}/trials/3"))
    study.add()

    heard, _ = _until_watermark(_watch(study, since=_later(watermark, 30)))

    assert heard == (["ACTIVE"], [(1, "RUNNING", 0), (5, "WAITING", 0)], [3])
    assert numbers([leased]) == [1]


def test_a_change_that_was_on_its_way_is_not_missed(service: Service) -> None:
    """What began before the watermark may have ended after it: some of it is told once more."""
    study = service.create()
    study.add()
    service.send(wire.DeleteTrialRequest(name=study.add().name))
    service.clock.pass_by(5.0)
    _, watermark = _until_watermark(_watch(study))

    assert _until_watermark(_watch(study, watermark))[0] == (["ACTIVE"], [(1, "WAITING", 0)], [2])
    assert _until_watermark(_watch(study, _later(watermark, 6)))[0] == (["ACTIVE"], [], [])


def test_deletions_of_an_earlier_study_of_the_name_are_not_told(service: Service) -> None:
    """They concern trials that this study never had."""
    study = service.create()
    service.send(wire.DeleteTrialRequest(name=study.add().name))
    service.send(wire.DeleteStudyRequest(name=study.name))
    service.clock.pass_by(1.0)
    study = service.create()
    study.add()

    heard, _ = _until_watermark(_watch(study, since=datetime(1, 1, 1, tzinfo=UTC)))

    assert heard == (["ACTIVE"], [(1, "WAITING", 0)], [])


def _later(watermark: Any, seconds: float) -> datetime:
    moment: datetime = watermark.ToDatetime(UTC)
    return moment + timedelta(seconds=seconds)


@pytest.mark.parametrize("since", [datetime.min.replace(tzinfo=UTC), datetime(9999, 12, 31)])
def test_any_time_may_be_asked_from(service: Service, since: datetime) -> None:
    """From the first year on everything has changed, and nothing since the last one."""
    study = service.create()
    study.add()

    (_, trials, _), _ = _until_watermark(_watch(study, since.replace(tzinfo=UTC)))

    assert len(trials) == (1 if since.year == 1 else 0)


def test_a_time_out_of_range_is_refused(service: Service) -> None:
    """By its field."""
    request = wire.WatchStudyRequest(name=service.create().name)
    request.since.seconds = 2**62

    with pytest.raises(InvalidArgumentError) as refused:
        list(service.stream(request))
    assert refused.value.field == "since"


def test_a_watch_ends_when_its_study_goes(service: Service) -> None:
    """Whoever watches is told, also if another study takes the name at once."""
    study = service.create()
    gone, anew = _watch(study), _watch(study)
    _until_watermark(gone)
    _until_watermark(anew)
    service.send(wire.DeleteStudyRequest(name=study.name))
    with pytest.raises(NotFoundError):
        list(gone)
    service.create()
    with pytest.raises((NotFoundError, UnavailableError)):
        list(anew)


def test_large_changes_come_in_parts(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither at first nor later is a message too large."""
    study = service.create()
    monkeypatch.setattr(parts, "LARGEST_PART", 600)
    trial = trial_pb2.Trial(
        parameters=study.add().parameters,
        state=trial_pb2.Trial.STATE_FAILED,
        measurements=curve(*[0.5] * 20),
    )
    many = wire.ImportTrialsRequest(parent=study.name, trials=[trial] * 5)
    service.send(many)
    stream = _watch(study)
    sizes, counts = [], []
    for part in stream:
        sizes.append(len(part.trials))
        if part.HasField("watermark"):
            counts.append(sum(sizes))
            if len(counts) == 2:
                break
            many.request_id = ""
            service.send(many)

    assert max(sizes) == 1
    assert counts == [6, 11]


class _Room:
    """Counts who watches, and says when somebody has left."""

    def __init__(self, room: threading.BoundedSemaphore) -> None:
        self._room = room
        self.left = threading.Event()

    def acquire(self, *, blocking: bool) -> bool:
        """Come in."""
        return self._room.acquire(blocking=blocking)

    def release(self) -> None:
        """Leave."""
        self._room.release()
        self.left.set()


def test_a_watcher_that_goes_away_leaves_its_place(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though nothing happens in the study: so many may watch at once, and no ghosts among them."""
    study = service.create()
    methods = service.backend.api._methods["WatchStudy"].__self__
    room = _Room(threading.BoundedSemaphore(1))
    monkeypatch.setattr(methods, "_room", room)
    first = _watch(study)
    _until_watermark(first)
    with pytest.raises(UnavailableError) as refused:
        list(_watch(study))
    assert refused.value.retry_after is not None
    assert not room.left.is_set()

    first.close()  # type: ignore[attr-defined]

    assert room.left.wait(30.0)
    room.left.clear()
    second = _watch(study)
    _until_watermark(second)
    second.close()  # type: ignore[attr-defined]
    assert room.left.wait(30.0)


def test_a_watch_ends_with_its_listener(service: Service) -> None:
    """Whoever carries the answers says whether somebody still listens."""
    study = service.create()
    request = wire.WatchStudyRequest(name=study.name)
    asked: list[int] = []

    def is_listening() -> bool:
        asked.append(1)
        return len(asked) < 5

    heard = list(service.backend.api.stream("WatchStudy", request, Asker("ann", is_listening)))

    assert len(heard) == 2
    assert len(asked) == 5


def test_the_client_watches(service: Service) -> None:
    """Through the public client: changes as records, each with what it may be resumed from."""
    study = service.create()
    study.add()
    with service.client() as client:
        changes = client.study("s").watch()
        first, second, third = next(changes), next(changes), next(changes)
        study.ask()
        fourth, fifth = next(changes), next(changes)

    assert first.study is not None
    assert [trial.state for trial in second.trials] == ["waiting"]
    assert third.watermark == service.clock()
    assert fourth.study is not None
    assert fourth.study.trial_counts["running"] == 1
    assert [trial.state for trial in fifth.trials] == ["running"]
