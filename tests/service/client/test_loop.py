"""A study's loop, and asking and telling."""

import pytest

from hyperbo_service.client import Client, MockTransport, Study
from hyperbo_service.errors import (
    IllegalMoveError,
    OutsideSpaceError,
    PreconditionError,
    StudyClosedError,
)
from tests.service.client.support import POINTS, SPACE, Time


def run_all(study: Study, n: int | None = None) -> int:
    """Run a study's loop; the number of trials."""
    count = 0
    for trial in study.trials(n):
        with trial:
            trial.report(float(trial.parameters["layers"]))
        count += 1
    return count


def test_loop_ends_with_its_number(study: Study) -> None:
    """A loop gives out no more trials than it was asked for."""
    assert run_all(study, 3) == 3
    assert study.info().trial_counts["completed"] == 3


def test_loop_ends_with_the_study(study: Study) -> None:
    """Without a number, the loop ends when the study is done."""
    assert run_all(study) == len(POINTS)
    assert study.info().stop_reason == "space_exhausted"


def test_loop_ends_with_the_budget(client: Client) -> None:
    """A study's budget ends the loop, and the reason can be read."""
    study = client.study("s", space=SPACE, metric="m", goal="maximize", max_trials=2)

    assert run_all(study) == 2
    assert study.info().stop_reason == "max_trials"


def test_loop_ends_with_the_target(client: Client) -> None:
    """A value that is good enough ends the loop."""
    study = client.study("s", space=SPACE, metric="m", goal="maximize", target=4.0)

    assert run_all(study) == 4
    assert study.info().stop_reason == "target_reached"


def test_loop_of_none(study: Study, mock: MockTransport) -> None:
    """A loop of no trials asks for none."""
    assert run_all(study, 0) == 0
    assert [call.method for call in mock.calls] == ["CreateStudy"]


def test_loop_waits_for_others(mock: MockTransport, study: Study, time: Time) -> None:
    """Where all that is left runs elsewhere, the loop waits, and gets what comes back."""
    others = Client(transport=mock).study(study.id).ask(len(POINTS))
    for trial in others[1:]:
        trial.complete(0.0)
    sleep = time.sleep

    def expire(seconds: float) -> None:
        sleep(seconds)
        mock.advance(30.0)

    time.clock.sleep = expire

    assert run_all(study) == 1
    assert time.sleeps == [1.125, 1.125]


def test_loop_waits_while_paused(study: Study, time: Time) -> None:
    """A paused study's loop waits until it is resumed."""
    study.pause()
    sleep = time.sleep

    def resume(seconds: float) -> None:
        sleep(seconds)
        study.resume()

    time.clock.sleep = resume

    assert run_all(study, 1) == 1
    assert len(time.sleeps) == 1


def test_failing_trials_end_the_loop(study: Study) -> None:
    """An exception goes through the loop; the trial has failed, and the next loop goes on."""

    def run() -> None:
        for trial in study.trials():
            with trial:
                raise RuntimeError

    with pytest.raises(RuntimeError):
        run()
    assert study.info().trial_counts["failed"] == 1
    assert run_all(study) == len(POINTS) - 1


def test_loops_at_once_get_different_trials(study: Study) -> None:
    """Two loops of one client over one study never hold the same trial."""
    pairs = list(zip(study.trials(4), study.trials(4), strict=True))

    assert len({trial.number for pair in pairs for trial in pair}) == 8


def test_dropped_trial_comes_back(study: Study) -> None:
    """A trial that the program has dropped is handed out again to the same client."""
    first = study.ask().number

    assert study.ask().number == first


def test_ask_for_many(study: Study) -> None:
    """Asking for several gives at most as many, and a list even of one."""
    assert len(study.ask(3)) == 3
    assert len(study.ask(100)) == len(POINTS) - 3 + 3


def test_ask_for_none(study: Study, mock: MockTransport) -> None:
    """Asking for no trial, and for none of the best, gives none and sends nothing."""
    assert study.ask(0) == study.best(0) == []
    assert [call.method for call in mock.calls] == ["CreateStudy"]


def test_ask_a_study_that_is_done(study: Study) -> None:
    """Asking a completed study for one trial says that it is completed and why."""
    study.finish()

    with pytest.raises(StudyClosedError, match="requested"):
        study.ask()
    assert study.ask(2) == []


def test_ask_a_paused_study(study: Study) -> None:
    """Asking a paused study for one trial names the remedy."""
    study.pause()
    with pytest.raises(StudyClosedError, match="resume"):
        study.ask()


def test_ask_where_all_are_running(study: Study) -> None:
    """Where all that are left are running, asking for one says when to ask again."""
    held = study.ask(len(POINTS))
    with pytest.raises(PreconditionError, match="running") as caught:
        study.ask()

    assert caught.value.retry_after == 1.0
    assert len(held) == len(POINTS)


def test_refusal_of_a_closed_study(study: Study, mock: MockTransport) -> None:
    """A server that refuses a completed study by an error ends the loop all the same."""
    study.finish()
    mock.fail_next(StudyClosedError("closed"), method="SuggestTrials")

    assert run_all(study) == 0


def test_tell_a_trial(study: Study) -> None:
    """Telling a trial's value completes it."""
    trial = study.ask()

    assert study.tell(trial, 0.5, stderr=0.1).stderr == 0.1
    assert trial.is_finished


def test_tell_parameters(study: Study) -> None:
    """Telling the value of parameters makes a new, completed trial."""
    record = study.tell({"lr": 0.2, "layers": 3}, 0.5, cost=2.0)

    assert (record.state, record.value, record.origin) == ("completed", 0.5, "created")


def test_tell_parameters_outside_the_space(study: Study) -> None:
    """Parameters that the space does not admit are refused."""
    with pytest.raises(OutsideSpaceError, match="layers"):
        study.tell({"lr": 0.2, "layers": 9}, 0.5)
    assert list(study.history()) == []


def test_enqueued_trial_is_next(study: Study) -> None:
    """A trial enqueued by hand is handed out before any suggestion."""
    study.enqueue({"lr": 0.2, "layers": 7})

    assert study.ask().parameters == {"lr": 0.2, "layers": 7}


def test_trial_of_another_is_refused(study: Study) -> None:
    """A trial that another has finished cannot be told again."""
    trial = study.ask()
    study.tell(trial, 0.5)
    with pytest.raises(IllegalMoveError):
        study.tell(trial, 0.6)


def test_seconds_of_a_lease(study: Study, mock: MockTransport) -> None:
    """The lease asked for is the one that is sent."""
    study.ask(lease=2.5)

    lease = mock.calls[-1].request.lease_duration  # type: ignore[attr-defined]
    assert (lease.seconds, lease.nanos) == (2, 500_000_000)
