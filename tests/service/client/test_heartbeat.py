"""Leases renewed in the background."""

import gc
import logging
import threading
from collections.abc import Callable

import pytest
from google.protobuf.message import Message

from hyperbo_service.client import Client, MockTransport, Study
from hyperbo_service.client.connection import Connection
from hyperbo_service.client.heartbeat import Heartbeat
from hyperbo_service.client.held import HeldTrial
from hyperbo_service.client.leases import LeaseBook
from hyperbo_service.client.retry import SYSTEM_CLOCK
from hyperbo_service.errors import UnavailableError
from hyperbo_service.rpc.v1 import trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as tuning
from tests.service.client.support import SPACE, Time


@pytest.fixture
def book(time: Time) -> LeaseBook:
    """An empty book."""
    return LeaseBook(time.clock.now)


@pytest.fixture
def heartbeat(mock: MockTransport, time: Time, book: LeaseBook) -> Heartbeat:
    """What renews the leases of the book; its thread is not started."""
    return Heartbeat(Connection(mock, clock=time.clock), book)


def held(number: int = 1, study: str = "a", lease: float = 60.0, token: int = 1) -> HeldTrial:
    """A trial that was just leased."""
    name = f"projects/default/studies/{study}/trials/{number}"
    return HeldTrial(trial_pb2.Trial(name=name, fencing_token=token), ["m"], lease)


def test_first_beat_after_a_third_of_the_lease(book: LeaseBook, time: Time) -> None:
    """A lease is renewed when a third of it has passed."""
    trial = held(lease=60.0)
    book.take([trial])
    assert (book.next_beat(), book.beats()) == (20.0, [])

    time.now = 20.0
    assert book.next_beat() == 0.0
    assert [beat.trials for beat in book.beats()] == [[trial]]


def test_report_puts_off_the_beat(book: LeaseBook, time: Time) -> None:
    """A report renews the lease, so the next heartbeat is due later."""
    trial = held(lease=60.0)
    book.take([trial])
    time.now = 15.0
    book.renewed(trial)

    assert book.next_beat() == 20.0


def test_one_call_for_each_study(book: LeaseBook, time: Time) -> None:
    """All trials of a study go along with the first that is due; other studies have their own."""
    first, second, other = held(1), held(2), held(1, study="b")
    book.take([first, other])
    time.now = 10.0
    book.take([second])
    time.now = 25.0

    requests = [beat.call.request for beat in book.beats()]
    assert all(isinstance(each, tuning.HeartbeatRequest) for each in requests)
    assert [len(each.leases) for each in requests] == [2, 1]  # type: ignore[attr-defined]


def test_beat_is_not_too_large(book: LeaseBook, time: Time) -> None:
    """More trials than a heartbeat takes are spread over several."""
    trials = [held(number) for number in range(1, 1502)]
    book.take(trials)
    time.now = 20.0

    assert [len(beat.trials) for beat in book.beats()] == [1000, 501]


def test_released_and_dropped_trials_are_not_renewed(book: LeaseBook) -> None:
    """What was given back or dropped is not held."""
    kept, dropped = held(1), held(2)
    book.take([kept, dropped])
    book.release(kept)
    del dropped
    gc.collect()

    assert book.next_beat() is None
    assert book.names(kept.study_name) == []


def test_release_of_an_old_lease(book: LeaseBook) -> None:
    """A trial that came back under a new token is not released with the old one."""
    old, new = held(token=1), held(token=2)
    book.take([old])
    book.take([new])
    book.release(old)

    assert book.names(new.study_name) == [new.name]


def test_lease_is_renewed(study: Study, mock: MockTransport, time: Time) -> None:
    """A heartbeat keeps a trial from being handed to another."""
    trial = study.ask(lease=60.0)
    session = study._session
    for _ in range(10):
        time.now += 20.0
        mock.advance(20.0)
        session.heartbeat.beat()

    assert not trial.is_lost
    assert Client(transport=mock).study(study.id).ask().number != trial.number


def test_lost_lease_is_noticed(study: Study, mock: MockTransport, time: Time) -> None:
    """A heartbeat finds out that a trial was handed to another."""
    trial, kept = study.ask(2)
    mock.advance(61.0)
    other = Client(transport=mock).study(study.id).ask()
    assert other.number == trial.number
    time.now += 61.0
    study._session.heartbeat.beat()

    assert (trial.is_lost, kept.is_lost) == (True, False)
    assert trial.should_stop()
    assert all(call.method != "CheckEarlyStopping" for call in mock.calls)


def test_deleted_study_loses_all(study: Study, time: Time) -> None:
    """When the study is deleted all its trials are lost."""
    trial = study.ask()
    study.delete(force=True)
    time.now += 30.0
    study._session.heartbeat.beat()

    assert trial.is_lost


def test_beat_that_fails_comes_again_soon(
    study: Study, mock: MockTransport, time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    """A heartbeat that does not get through is not lost, is logged, and comes again soon."""
    trial = study.ask(lease=60.0)
    mock.fail_next(UnavailableError("down"), method="Heartbeat")
    time.now += 20.0
    with caplog.at_level(logging.WARNING):
        study._session.heartbeat.beat()

    assert "did not get through: down" in caplog.text
    assert study._session.book.next_beat() == pytest.approx(4.0)
    assert not trial.is_lost


def test_finished_trial_is_not_lost(study: Study, mock: MockTransport, time: Time) -> None:
    """A heartbeat under way while its trial completes does not mark it lost."""
    trial = study.ask()
    book = study._session.book
    time.now += 30.0
    (beat,) = book.beats()
    trial.complete(0.5)
    answer = mock.call("Heartbeat", beat.call.request)
    assert isinstance(answer, tuning.HeartbeatResponse)
    book.beaten(beat, answer)

    assert not trial.is_lost


class Watched(MockTransport):
    """A service that says when it gets a heartbeat."""

    def __init__(self) -> None:
        super().__init__()
        self.beaten = threading.Event()

    def call(self, method: str, request: Message, *, timeout: float | None = None) -> Message:
        """Answer."""
        answer = super().call(method, request, timeout=timeout)
        if method == "Heartbeat":
            self.beaten.set()
        return answer


def test_thread_beats_by_itself() -> None:
    """While a trial is held, a thread renews its lease; it ends with the last trial."""
    mock = Watched()
    with Client(transport=mock, clock=SYSTEM_CLOCK) as client:
        study = client.study("s", space=SPACE, metric="m", goal="maximize")
        trial = study.ask(lease=0.03)
        assert mock.beaten.wait(10.0)
        thread = study._session.heartbeat._thread
        assert thread is not None
        assert thread.daemon
        trial.complete(0.5)
        thread.join(10.0)

        assert not study._session.heartbeat.is_running


def test_no_thread_before_the_first_trial(study: Study) -> None:
    """Without trials there is no thread, and each trial after a pause starts one again."""
    heartbeat = study._session.heartbeat
    assert not heartbeat.is_running
    for _ in range(2):
        with study.ask() as trial:
            assert heartbeat.is_running
            trial.report(0.5)
        finish(heartbeat)
        assert not heartbeat.is_running


def finish(heartbeat: Heartbeat) -> None:
    """Wait for the thread to see that nothing is held."""
    heartbeat.join()


def test_closing_ends_the_thread(client: Client, study: Study) -> None:
    """A closed client has no thread left, though a trial is held."""
    trial = study.ask()
    client.close()

    assert not study._session.heartbeat.is_running
    assert not trial.is_finished


def test_fork_holds_nothing(study: Study) -> None:
    """In a child process nothing is held, and there is no thread."""
    trial = study.ask()
    session = study._session
    renewals: list[Callable[[], None]] = [
        session.heartbeat.renew_after_fork,
        session.identity.renew_after_fork,
    ]
    before = session.identity.client_id
    for renew in renewals:
        renew()

    assert session.book.names(study.name) == []
    assert not session.heartbeat.is_running
    assert session.identity.client_id != before
    assert not trial.is_lost
