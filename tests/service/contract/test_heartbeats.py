"""Heartbeats: leases renewed, and what is lost."""

import pytest

from hyperbo_service.errors import InvalidArgumentError, NotFoundError
from hyperbo_service.rpc.v1 import trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from tests.service.contract.services import Service, Studied, seconds_left

HELD, LOST = wire.LeaseStatus.STATE_HELD, wire.LeaseStatus.STATE_LOST


def test_a_heartbeat_tells_what_is_lost(service: Service) -> None:
    """In order: held, handed to another, finished, deleted, never there, under an old token."""
    study = service.create()
    for _ in range(4):
        study.add()
    held, gone, finished, deleted = study.ask(4)
    service.clock.pass_by(30.0)
    study.beat(held, finished, deleted)
    service.clock.pass_by(31.0)
    (taken,) = study.ask(client_id="bob")
    study.complete(finished, 0.5)
    service.send(wire.DeleteTrialRequest(name=deleted.name))
    never = trial_pb2.Trial(name=f"{study.name}/trials/99", fencing_token=1)

    statuses = study.beat(held, gone, finished, deleted, never, taken, gone)

    assert taken.name == gone.name
    assert [status.state for status in statuses] == [HELD, LOST, LOST, LOST, LOST, HELD, LOST]
    assert [status.HasField("expire_time") for status in statuses] == [
        status.state == HELD for status in statuses
    ]


def test_a_heartbeat_for_nothing_is_answered(service: Service) -> None:
    """An empty list of leases gets an empty answer; of no study, it is refused."""
    study = service.create()

    assert study.beat() == []
    with pytest.raises(NotFoundError):
        Studied(service, f"{service.parent}/studies/none").beat()


def test_a_heartbeat_is_for_one_study(service: Service) -> None:
    """A lease of another study is refused, and none of them is renewed."""
    study, other = service.create("a"), service.create("b")
    mine, theirs = study.leased(), other.leased()
    service.clock.pass_by(10.0)
    rows = study.rows()

    with pytest.raises(InvalidArgumentError) as refused:
        study.beat(mine, theirs)
    assert refused.value.field == "leases[1].name"
    assert study.rows() == rows


def test_a_heartbeat_is_no_change_that_others_hear_of(service: Service) -> None:
    """It moves the lease alone: neither revision nor time of the last change."""
    study = service.create()
    trial = study.leased()
    service.clock.pass_by(10.0)
    study.beat(trial)

    found = study.trial(trial.name)

    assert found.update_time == trial.update_time
    assert seconds_left(service, found) == 60.0
