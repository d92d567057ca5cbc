"""Moves of a trial: those in the table are made, all others refused with nothing touched."""

from collections.abc import Callable, Mapping

import pytest

from hyperbo_service.domain import FINISHED, TRIAL_MOVES, TrialState
from hyperbo_service.errors import IllegalMoveError, LeaseLostError, NotFoundError, ServiceError
from hyperbo_service.rpc.answers import TRIAL_STATES
from hyperbo_service.rpc.v1 import trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from tests.service.contract.services import Service, Studied

RUNNING, WAITING = TrialState.RUNNING, TrialState.WAITING


def _waiting(study: Studied) -> trial_pb2.Trial:
    return study.add()


def _ended(kind: type) -> Callable[[Studied], trial_pb2.Trial]:
    return lambda study: study.end(kind, study.leased())


BECOME: Mapping[TrialState, Callable[[Studied], trial_pb2.Trial]] = {
    TrialState.WAITING: _waiting,
    TrialState.RUNNING: lambda study: study.leased(),
    TrialState.COMPLETED: lambda study: study.complete(study.leased(), 0.5),
    TrialState.INFEASIBLE: _ended(wire.MarkTrialInfeasibleRequest),
    TrialState.FAILED: _ended(wire.FailTrialRequest),
    TrialState.ABANDONED: _ended(wire.AbandonTrialRequest),
}
"""How a trial gets into each state."""

MOVE: Mapping[TrialState, Callable[[Studied, trial_pb2.Trial], trial_pb2.Trial]] = {
    TrialState.COMPLETED: lambda study, trial: study.complete(trial, 0.7),
    TrialState.INFEASIBLE: lambda study, trial: study.end(wire.MarkTrialInfeasibleRequest, trial),
    TrialState.FAILED: lambda study, trial: study.end(wire.FailTrialRequest, trial),
    TrialState.ABANDONED: lambda study, trial: study.end(wire.AbandonTrialRequest, trial),
}
"""The call that moves a trial into each state but those that only a suggestion makes."""

PAIRS = [(start, end) for start in TrialState for end in MOVE]
LEGAL = [pair for pair in PAIRS if pair[1] in TRIAL_MOVES[pair[0]]]
ILLEGAL = [pair for pair in PAIRS if pair[1] not in TRIAL_MOVES[pair[0]]]


@pytest.mark.parametrize(("start", "end"), LEGAL)
def test_a_legal_move_is_made(service: Service, start: TrialState, end: TrialState) -> None:
    """The trial is in its new state, in the answer and when it is read again."""
    study = service.create()
    trial = BECOME[start](study)

    answer = MOVE[end](study, trial)

    assert answer.state == TRIAL_STATES[end]
    assert study.trial(trial.name).state == TRIAL_STATES[end]


@pytest.mark.parametrize(("start", "end"), ILLEGAL)
def test_an_illegal_move_is_refused(service: Service, start: TrialState, end: TrialState) -> None:
    """The refusal says so, and every row and everything exported are as before."""
    study = service.create()
    trial = BECOME[start](study)
    rows, export = study.rows(), study.export()
    service.clock.pass_by(5.0)

    with pytest.raises(IllegalMoveError) as refused:
        MOVE[end](study, trial)

    assert refused.value.resource == trial.name
    assert study.rows() == rows
    assert study.export() == export


@pytest.mark.parametrize("start", [WAITING, *sorted(FINISHED)])
def test_only_a_running_trial_is_reported_on(service: Service, start: TrialState) -> None:
    """A measurement of any other is refused, and nothing is stored."""
    study = service.create()
    trial = BECOME[start](study)
    rows = study.rows()

    with pytest.raises(IllegalMoveError):
        study.report(trial, 1, 0.5)
    assert study.rows() == rows


@pytest.mark.parametrize("start", sorted(FINISHED))
def test_a_finished_trial_is_never_handed_out(service: Service, start: TrialState) -> None:
    """Neither to its own client nor, long after, to another."""
    study = service.create()
    trial = BECOME[start](study)
    study.add()
    service.clock.pass_by(10_000.0)

    (own,) = study.ask(client_id="ann", held_trials=[])
    service.clock.pass_by(10_000.0)
    (others,) = study.ask(client_id="bob")

    assert own.name == others.name != trial.name


@pytest.mark.parametrize("end", [end for end in MOVE if end is not TrialState.ABANDONED])
def test_a_running_trial_ends_only_under_its_token(service: Service, end: TrialState) -> None:
    """Another token, or none, is refused with nothing touched."""
    study = service.create()
    trial = study.leased()
    rows = study.rows()
    for token in (0, 2, -1, 2**62):
        wrong = trial_pb2.Trial(name=trial.name, fencing_token=token)
        with pytest.raises(LeaseLostError) as refused:
            MOVE[end](study, wrong)
        assert refused.value.field == "fencing_token"
    assert study.rows() == rows


def test_anybody_may_give_a_trial_up(service: Service) -> None:
    """Abandoning needs no token, but one that is given must be right."""
    study = service.create()
    trial = study.leased()
    with pytest.raises(LeaseLostError):
        study.end(wire.AbandonTrialRequest, trial_pb2.Trial(name=trial.name, fencing_token=7))

    given_up = study.end(
        wire.AbandonTrialRequest, trial_pb2.Trial(name=trial.name), "no longer needed"
    )

    assert given_up.state == trial_pb2.Trial.STATE_ABANDONED
    assert given_up.reason == "no longer needed"


def test_a_reason_is_kept_and_cut(service: Service) -> None:
    """The beginning of a long trace is stored: 4096 characters."""
    study = service.create()

    failed = study.end(wire.FailTrialRequest, study.leased(), "ö" * 10_000)

    assert study.trial(failed.name).reason == "ö" * 4096


def test_a_deleted_trial_is_gone_with_all_that_was_measured(service: Service) -> None:
    """Nothing of it is left, and every call on it finds nothing."""
    study = service.create()
    trial = study.leased()
    study.report(trial, 1, 0.5)
    study.report(trial, 2, 0.6)
    service.send(wire.DeleteTrialRequest(name=trial.name))

    assert study.rows()[1:] == [[], [], [], []]
    for call in (
        lambda: study.trial(trial.name),
        lambda: study.report(trial, 3, 0.5),
        lambda: study.complete(trial, 0.5),
        lambda: service.send(wire.DeleteTrialRequest(name=trial.name)),
    ):
        with pytest.raises(NotFoundError):
            call()


@pytest.mark.parametrize("state", [RUNNING, TrialState.FAILED, TrialState.ABANDONED])
def test_no_trial_is_made_in_a_state_that_calls_lead_to(
    service: Service, state: TrialState
) -> None:
    """By hand a trial is made waiting, completed or infeasible."""
    study = service.create()
    rows = study.rows()

    with pytest.raises(ServiceError) as refused:
        study.add(state=TRIAL_STATES[state])
    assert (refused.value.code, refused.value.field) == ("INVALID_ARGUMENT", "trial.state")
    assert study.rows() == rows


def test_times_of_a_trial_follow_its_moves(service: Service) -> None:
    """Made, handed out, reported on and ended: each moment is kept."""
    study = service.create()
    made = study.add()
    service.clock.pass_by(1.0)
    (leased,) = study.ask()
    service.clock.pass_by(1.0)
    study.report(leased, 1, 0.5)
    service.clock.pass_by(1.0)
    study.complete(leased, 0.5)

    trial = study.trial(made.name)

    begun = made.create_time.ToDatetime()
    seconds = [
        (moment.ToDatetime() - begun).total_seconds()
        for moment in (
            trial.create_time,
            trial.start_time,
            trial.measurements[0].create_time,
            trial.end_time,
            trial.update_time,
        )
    ]
    assert seconds == [0.0, 1.0, 2.0, 3.0, 3.0]
    assert not trial.HasField("lease_expire_time")
