"""Leases: who runs a trial, for how long, and what becomes of a late write."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from hyperbo_service.errors import (
    IllegalMoveError,
    InvalidArgumentError,
    LeaseLostError,
)
from hyperbo_service.rpc.v1 import study_pb2, trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from tests.service.contract.conftest import Open
from tests.service.contract.services import METRIC, Service, Studied, numbers, seconds_left

HELD, LOST = wire.LeaseStatus.STATE_HELD, wire.LeaseStatus.STATE_LOST

LATE: dict[str, Callable[[Studied, trial_pb2.Trial], Any]] = {
    "report": lambda study, trial: study.report(trial, 9, 0.9),
    "complete": lambda study, trial: study.complete(trial, 0.9),
    "fail": lambda study, trial: study.end(wire.FailTrialRequest, trial),
    "infeasible": lambda study, trial: study.end(wire.MarkTrialInfeasibleRequest, trial),
    "abandon": lambda study, trial: study.end(wire.AbandonTrialRequest, trial),
}
"""Every write that a runner makes."""


def test_a_trial_is_nobody_elses_while_its_lease_runs(service: Service) -> None:
    """Another client that asks is given something else until the very last moment."""
    study = service.create()
    trial = study.leased()
    study.add()
    service.clock.pass_by(59.0)

    (other,) = study.ask(client_id="bob")

    assert other.name != trial.name
    assert trial.fencing_token == 1
    assert trial.client_id == "ann"


def test_a_trial_is_offered_again_when_its_lease_is_over(service: Service) -> None:
    """The next who asks gets it under a new token, and the old one is worth nothing."""
    study = service.create()
    old = study.leased()
    service.clock.pass_by(60.0)

    (new,) = study.ask(client_id="bob")

    assert new.name == old.name
    assert (old.fencing_token, new.fencing_token) == (1, 2)
    assert new.client_id == "bob"
    assert seconds_left(service, new) == 60.0
    assert new.parameters == old.parameters


@pytest.mark.parametrize("write", LATE.values(), ids=LATE)
def test_a_late_write_is_refused(
    service: Service, write: Callable[[Studied, trial_pb2.Trial], Any]
) -> None:
    """Under the old token nothing of the new runner's trial is touched."""
    study = service.create()
    old = study.leased()
    study.report(old, 1, 0.1)
    service.clock.pass_by(61.0)
    (new,) = study.ask(client_id="bob")
    study.report(new, 1, 0.2)
    rows, export = study.rows(), study.export()

    with pytest.raises(LeaseLostError):
        write(study, old)

    assert study.rows() == rows
    assert study.export() == export
    assert study.complete(new, 0.3).state == trial_pb2.Trial.STATE_COMPLETED


@pytest.mark.parametrize("write", LATE.values(), ids=LATE)
def test_a_late_write_to_what_another_has_finished_is_refused(
    service: Service, write: Callable[[Studied, trial_pb2.Trial], Any]
) -> None:
    """The result of the new runner stands."""
    study = service.create()
    old = study.leased()
    service.clock.pass_by(61.0)
    (new,) = study.ask(client_id="bob")
    study.complete(new, 0.3)
    rows = study.rows()

    with pytest.raises(LeaseLostError):
        write(study, old)
    assert study.rows() == rows


@pytest.mark.parametrize("write", LATE.values(), ids=LATE)
def test_a_write_after_the_lease_is_over_counts_until_another_has_it(
    service: Service, write: Callable[[Studied, trial_pb2.Trial], Any]
) -> None:
    """A slow runner loses nothing as long as nobody else wanted its trial."""
    study = service.create()
    trial = study.leased()
    service.clock.pass_by(3600.0)

    write(study, trial)

    assert study.trial(trial.name).update_time.ToDatetime(service.clock().tzinfo) == service.clock()


def test_reports_and_heartbeats_renew_a_lease(service: Service) -> None:
    """Each lets it last for its whole length from then on."""
    study = service.create()
    trial = study.leased()
    service.clock.pass_by(50.0)
    reported = study.report(trial, 1, 0.5)
    service.clock.pass_by(50.0)
    (status,) = study.beat(trial)
    service.clock.pass_by(50.0)

    assert reported.lease_expire_time.seconds + 50 == status.expire_time.seconds
    assert status.state == HELD
    assert seconds_left(service, study.trial(trial.name)) == 10.0
    assert study.ask(client_id="bob")[0].name != trial.name


def test_a_lease_is_as_long_as_was_asked_for(service: Service) -> None:
    """Renewals last as long as the lease did, or as the heartbeat says."""
    study = service.create()
    study.add()
    (trial,) = study.ask(lease=600)
    assert seconds_left(service, trial) == 600.0
    service.clock.pass_by(100.0)
    study.report(trial, 1, 0.5)
    assert seconds_left(service, study.trial(trial.name)) == 600.0
    study.beat(trial, lease_duration=timedelta(seconds=30))
    assert seconds_left(service, study.trial(trial.name)) == 30.0
    study.beat(trial)
    assert seconds_left(service, study.trial(trial.name)) == 600.0


@pytest.mark.parametrize("seconds", [0, 0.999, -5, 30 * 86_400 + 1, 10**11])
def test_a_lease_has_bounds(service: Service, seconds: float) -> None:
    """From one second to 30 days; nothing else is granted or renewed."""
    study = service.create()
    trial = study.leased()
    rows = study.rows()
    length = timedelta(seconds=seconds)

    with pytest.raises(InvalidArgumentError) as refused:
        study.ask(lease_duration=length)
    assert refused.value.field == "lease_duration"
    with pytest.raises(InvalidArgumentError):
        study.beat(trial, lease_duration=length)
    assert study.rows() == rows


def test_a_client_that_comes_back_gets_its_own_trials(service: Service) -> None:
    """What it does not say it holds, it has lost: it gets those before any other, once each."""
    study = service.create()
    for rate in (0.1, 0.2, 0.3, 0.4):
        study.add({"rate": rate, "layers": 1})
    first = study.ask(2)
    study.ask(client_id="bob")

    again = study.ask(3)

    assert numbers(again) == [1, 2, 4]
    assert [trial.fencing_token for trial in again] == [2, 2, 1]
    with pytest.raises(LeaseLostError):
        study.complete(first[0], 0.5)


def test_a_client_is_not_given_what_it_holds(service: Service) -> None:
    """Trials that it names as held stay under their token; it gets others."""
    study = service.create()
    for rate in (0.1, 0.2, 0.3):
        study.add({"rate": rate, "layers": 1})
    held = study.ask(2)

    more = study.ask(1, held_trials=[trial.name for trial in held])

    assert numbers(more) == [3]
    for trial in held:
        study.complete(trial, 0.5)


def test_a_client_is_not_given_what_it_holds_though_its_lease_is_over(service: Service) -> None:
    """It is there and works on it; another client may have it, but its holder has no use for it."""
    study = service.create(budget=study_pb2.Budget(max_trials=1))
    (held,) = study.ask()
    service.clock.pass_by(61.0)

    answer = study.answer(held_trials=[held.name])
    study.report(held, 1, 0.5)
    service.clock.pass_by(61.0)
    (taken,) = study.ask(client_id="bob")
    late = study.answer(held_trials=[held.name])

    assert not answer.trials
    assert answer.HasField("retry_after")
    assert (taken.name, taken.fencing_token) == (held.name, 2)
    assert not late.trials


def test_what_another_took_may_come_back_to_one_who_thinks_he_holds_it(service: Service) -> None:
    """Once that lease is over too: the trial is the other's, and so not held by the first."""
    study = service.create(budget=study_pb2.Budget(max_trials=1))
    (held,) = study.ask()
    service.clock.pass_by(61.0)
    study.ask(client_id="bob")
    service.clock.pass_by(61.0)

    (back,) = study.ask(held_trials=[held.name])

    assert (back.name, back.fencing_token) == (held.name, 3)


def test_held_trials_must_be_of_the_study(service: Service) -> None:
    """A name of another study, or none at all, is refused by its place."""
    study = service.create()
    study.add()
    rows = study.rows()
    for wrong in (f"{service.parent}/studies/other/trials/1", f"{study.name}/trials/0", "x"):
        with pytest.raises(InvalidArgumentError) as refused:
            study.ask(held_trials=[f"{study.name}/trials/5", wrong])
        assert refused.value.field == "held_trials[1]"
    assert study.rows() == rows


def test_a_client_gets_its_trials_back_after_everybody_restarted(reopened: Open) -> None:
    """Leases live in the database: a server that starts again knows them."""
    with reopened() as service:
        study = service.create()
        trial = study.leased()
        study.report(trial, 1, 0.5)
        project = service.project

    with reopened() as opened:
        service = Service(opened.transport, opened.backend, opened.clock, project)
        study = Studied(service, study.name)
        study.report(trial, 2, 0.6)
        (back,) = study.ask()
        with pytest.raises(LeaseLostError):
            study.report(trial, 3, 0.7)

        assert back.name == trial.name
        assert back.fencing_token == 2
        assert [point.step for point in study.trial(back.name).measurements] == [1, 2]


def test_the_longest_expired_lease_goes_first(service: Service) -> None:
    """Among expired leases the order is that of their ends, not of their numbers."""
    study = service.create()
    for rate in (0.1, 0.2, 0.3):
        study.add({"rate": rate, "layers": 1})
    one, two, three = study.ask(3)
    for trial, length in ((one, 30), (two, 10), (three, 20)):
        study.beat(trial, lease_duration=timedelta(seconds=length))
    service.clock.pass_by(31.0)

    assert numbers(study.ask(3, client_id="bob")) == [2, 3, 1]


def test_a_waiting_trial_goes_before_an_expired_one(service: Service) -> None:
    """First come those that nobody has begun."""
    study = service.create()
    expired = study.leased()
    fresh = study.add()
    service.clock.pass_by(61.0)

    assert [trial.name for trial in study.ask(2, client_id="bob")] == [fresh.name, expired.name]


def test_expired_leases_are_counted(service: Service) -> None:
    """The server is told how many leases it handed out again, for its metrics."""
    counted: list[int] = []
    suggester = service.backend.api._methods["SuggestTrials"].__self__._suggester
    before, suggester._on_expired = suggester._on_expired, counted.append
    try:
        study = service.create()
        study.leased()
        study.leased("bob")
        service.clock.pass_by(61.0)
        study.ask(2, client_id="eve")
    finally:
        suggester._on_expired = before

    assert counted == [2]


def test_a_trial_that_is_not_running_has_no_lease(service: Service) -> None:
    """Its token stays, so that a late write is told that the trial is finished."""
    study = service.create()
    trial = study.leased()
    done = study.complete(trial, 0.5)

    with pytest.raises(IllegalMoveError):
        study.complete(trial, 0.6)
    assert not done.HasField("lease_expire_time")
    assert done.fencing_token == 1


def test_a_worker_of_a_deleted_study_does_not_write_into_its_successor(service: Service) -> None:
    """Though study and trial have the same name again, and were handed out as often."""
    study = service.create()
    old = study.leased()
    waiting = study.add()
    for _ in range(2):
        service.send(wire.DeleteStudyRequest(name=study.name, force=True))
        study = service.create()
        new = study.leased("bob")
        again = study.add()
        rows = study.rows()

        assert (new.name, again.name) == (old.name, waiting.name)
        for write in LATE.values():
            with pytest.raises(LeaseLostError):
                write(study, old)
        assert study.beat(old)[0].state == LOST
        assert study.rows() == rows
        assert study.beat(new)[0].state == HELD
        old = new
    study.end(wire.MarkTrialInfeasibleRequest, trial_pb2.Trial(name=again.name))
    study.report(new, 1, 0.5)
    assert study.complete(new).fencing_token == new.fencing_token


def test_the_client_notices_what_it_has_lost(service: Service) -> None:
    """Through the public client: the late report raises, and the trial knows that it is lost."""
    ann, bob = service.client("ann"), service.client("bob")
    service.create().add()
    with ann, bob:
        mine = ann.study("s").ask(lease=60.0)
        service.clock.pass_by(61.0)
        theirs = bob.study("s").ask()
        with pytest.raises(LeaseLostError):
            mine.report(0.5)
        theirs.report(0.4)
        theirs.complete(0.6)

        assert mine.is_lost
        assert bob.study("s").trial(1).values == {METRIC: 0.6}
