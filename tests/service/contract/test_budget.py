"""Budgets: when a study is done, and when it is not yet."""

from datetime import timedelta

import pytest

from hyperbo_service.errors import InvalidArgumentError, PreconditionError, StudyClosedError
from hyperbo_service.rpc.v1 import study_pb2, trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from tests.service.contract.services import (
    COIN_SPACE,
    METRIC,
    Service,
    metric_value,
    numbers,
    points,
)

ACTIVE, COMPLETED = study_pb2.Study.STATE_ACTIVE, study_pb2.Study.STATE_COMPLETED
REASON = study_pb2.Study.StopReason


def _rate(place: int) -> dict[str, float]:
    return {"rate": 0.1 + place / 100, "layers": 1}


def test_so_many_trials_are_given_out(service: Service) -> None:
    """No more than the budget, however many are asked for at once or one by one."""
    study = service.create(budget=study_pb2.Budget(max_trials=3))

    first = study.ask(2)
    second = study.ask(5, client_id="bob")
    third = study.answer(client_id="eve")

    assert len(first) == 2
    assert len(second) == 1
    assert not third.trials
    assert third.study_state == ACTIVE
    assert 0.0 < third.retry_after.ToTimedelta().total_seconds() <= 5.0


def test_a_study_is_done_when_its_last_trial_has_ended(service: Service) -> None:
    """Not before: while one runs, it may come back."""
    study = service.create(budget=study_pb2.Budget(max_trials=2))
    one, two = study.ask(2)
    study.complete(one, 0.5)
    assert study.get().state == ACTIVE
    service.clock.pass_by(1.0)

    study.end(wire.FailTrialRequest, two)

    done = study.get()
    assert (done.state, done.stop_reason) == (COMPLETED, REASON.STOP_REASON_MAX_TRIALS)
    assert done.end_time.ToDatetime(service.clock().tzinfo) == service.clock()


def test_an_expired_trial_of_the_budget_is_given_out_again(service: Service) -> None:
    """The last trial of a study is not lost with its worker."""
    study = service.create(budget=study_pb2.Budget(max_trials=1))
    (lost,) = study.ask()
    assert not study.ask(client_id="bob")
    service.clock.pass_by(61.0)

    (again,) = study.ask(client_id="bob")
    study.complete(again, 0.5)

    assert again.name == lost.name
    assert study.get().state == COMPLETED


@pytest.mark.parametrize("how", ["abandoned", "deleted"])
def test_what_was_abandoned_or_deleted_does_not_count(service: Service, how: str) -> None:
    """Another trial takes its place; failed and infeasible ones do count."""
    study = service.create(budget=study_pb2.Budget(max_trials=3))
    one, two, three = study.ask(3)
    study.end(wire.FailTrialRequest, one)
    study.end(wire.MarkTrialInfeasibleRequest, two)
    if how == "abandoned":
        study.end(wire.AbandonTrialRequest, three)
    else:
        service.send(wire.DeleteTrialRequest(name=three.name))
    assert study.get().state == ACTIVE

    (four,) = study.ask(2)
    study.complete(four, 0.5)

    assert numbers([four]) == [4]
    assert study.get().state == COMPLETED


def test_trials_made_by_hand_count(service: Service) -> None:
    """What waits is handed out within the budget, and what is over counts."""
    study = service.create(budget=study_pb2.Budget(max_trials=2))
    study.finished(0.5)
    study.add(_rate(1))

    handed = study.ask(2)

    assert numbers(handed) == [2]
    study.complete(handed[0], 0.5)
    assert study.get().state == COMPLETED


def test_a_study_that_is_used_up_from_the_start_is_done_when_asked(service: Service) -> None:
    """Imported trials may fill the budget; the next who asks is told that the study is done."""
    study = service.create(budget=study_pb2.Budget(max_trials=1))
    study.finished(0.5)

    answer = study.answer()

    assert (answer.study_state, answer.stop_reason) == (COMPLETED, REASON.STOP_REASON_MAX_TRIALS)


def test_a_larger_budget_goes_on(service: Service) -> None:
    """A done study is opened again, and gives out as many trials as were added."""
    study = service.create(budget=study_pb2.Budget(max_trials=1))
    study.complete(study.ask()[0], 0.5)
    assert study.get().state == COMPLETED

    study.update("budget", "state", budget=study_pb2.Budget(max_trials=3), state=ACTIVE)

    assert numbers(study.ask(5)) == [2, 3]


def test_opening_again_without_more_budget_ends_at_once(service: Service) -> None:
    """The next who asks closes it, and nothing is given out."""
    study = service.create(budget=study_pb2.Budget(max_trials=1))
    study.complete(study.ask()[0], 0.5)
    study.set_state(ACTIVE)

    assert study.answer().study_state == COMPLETED
    assert len(study.rows()[1]) == 1


def test_time_ends_a_study(service: Service) -> None:
    """From that moment on nothing is given out, neither new nor waiting; reports still count."""
    limit = timedelta(hours=1)
    study = service.create(budget=study_pb2.Budget(max_duration=limit))
    study.add(_rate(1))
    study.add(_rate(2))
    (running,) = study.ask(lease=7200)
    service.clock.pass_by(3599.0)
    assert study.ask(client_id="bob")
    study.add(_rate(3))
    service.clock.pass_by(1.0)

    answer = study.answer(client_id="eve")

    assert (answer.study_state, answer.stop_reason) == (COMPLETED, REASON.STOP_REASON_MAX_DURATION)
    assert not answer.trials
    assert study.complete(running, 0.5).state == trial_pb2.Trial.STATE_COMPLETED


@pytest.mark.parametrize(
    ("goal", "below", "reached"),
    [
        (study_pb2.MetricSpec.GOAL_MAXIMIZE, 0.89, 0.9),
        (study_pb2.MetricSpec.GOAL_MINIMIZE, 0.91, 0.9),
    ],
)
def test_a_target_that_is_reached_ends_a_study(
    service: Service, goal: "study_pb2.MetricSpec.Goal", below: float, reached: float
) -> None:
    """A value as good as the target does; one that is worse does not."""
    study = service.create(goal=goal, budget=study_pb2.Budget(target=0.9))
    one, two, three = (study.leased(client) for client in ("ann", "bob", "eve"))
    study.complete(one, below)
    assert study.get().state == ACTIVE
    study.report(two, 1, reached)
    assert study.get().state == ACTIVE

    study.complete(two)

    done = study.get()
    assert (done.state, done.stop_reason) == (COMPLETED, REASON.STOP_REASON_TARGET_REACHED)
    assert study.complete(three, 0.5).state == trial_pb2.Trial.STATE_COMPLETED
    assert study.get().stop_reason == REASON.STOP_REASON_TARGET_REACHED


def test_an_imported_trial_may_reach_the_target(service: Service) -> None:
    """Whoever brings such a trial need not tune any more."""
    study = service.create(budget=study_pb2.Budget(target=0.9))
    done = trial_pb2.Trial(
        parameters=study.add().parameters,
        state=trial_pb2.Trial.STATE_COMPLETED,
        values=[metric_value(0.95)],
    )

    service.send(wire.ImportTrialsRequest(parent=study.name, trials=[done]))

    assert study.get().stop_reason == REASON.STOP_REASON_TARGET_REACHED


def test_a_target_that_was_reached_already_ends_a_study(service: Service) -> None:
    """A target set later is held against the trials there are."""
    study = service.create()
    study.finished(0.95)

    changed = study.update(budget=study_pb2.Budget(target=0.9))

    assert (changed.state, changed.stop_reason) == (COMPLETED, REASON.STOP_REASON_TARGET_REACHED)


@pytest.mark.parametrize(
    ("budget", "field"),
    [
        (study_pb2.Budget(max_trials=0), "max_trials"),
        (study_pb2.Budget(max_trials=-1), "max_trials"),
        (study_pb2.Budget(max_trials=2**63 - 1), "max_trials"),
        (study_pb2.Budget(max_duration=timedelta(0)), "max_duration"),
        (study_pb2.Budget(max_duration=timedelta(seconds=-1)), "max_duration"),
        (study_pb2.Budget(max_duration=timedelta(days=36_500)), "max_duration"),
        (study_pb2.Budget(target=float("nan")), "target"),
        (study_pb2.Budget(target=float("inf")), "target"),
    ],
)
def test_a_budget_that_cannot_be_kept_is_refused(
    service: Service, budget: study_pb2.Budget, field: str
) -> None:
    """When a study is created, and when it is changed."""
    with pytest.raises(InvalidArgumentError) as refused:
        service.create("never", budget=budget)
    assert refused.value.field == f"study.budget.{field}"
    study = service.create()
    rows = study.rows()
    with pytest.raises(InvalidArgumentError):
        study.update(budget=budget)
    assert study.rows() == rows


def test_a_space_without_points_left_ends_a_study(service: Service) -> None:
    """Both sides of a coin are tried; then it is done, but not while one is still running."""
    study = service.create(space=COIN_SPACE)
    trials = study.ask(5)
    assert len(points(trials)) == len(trials) == 2
    waiting = study.answer(client_id="bob")
    assert waiting.study_state == ACTIVE
    assert waiting.HasField("retry_after")
    for trial in trials:
        study.complete(trial, 0.5)

    answer = study.answer(client_id="bob")

    assert (answer.study_state, answer.stop_reason) == (
        COMPLETED,
        REASON.STOP_REASON_SPACE_EXHAUSTED,
    )


def test_the_clients_loop_ends_with_the_budget(service: Service) -> None:
    """Through the public client: a loop over trials ends by itself, and asking once more raises."""
    with service.client() as client:
        study = client.study("s", space=COIN_SPACE, metric=METRIC, goal="maximize", prior="none")
        study.update(max_trials=2)
        for trial in study.trials():
            with trial:
                trial.report(float(trial.number))

        assert study.info().state == "completed"
        assert study.best(5)[0].value == 2.0
        with pytest.raises(StudyClosedError):
            study.ask()


def test_the_client_says_that_all_are_running(service: Service) -> None:
    """Asking for one trial while the rest of the budget runs elsewhere raises, and says when."""
    service.create(budget=study_pb2.Budget(max_trials=1)).add()
    with service.client("ann") as ann, service.client("bob") as bob:
        held = ann.study("s").ask()
        with pytest.raises(PreconditionError) as refused:
            bob.study("s").ask()
        assert refused.value.retry_after is not None
        held.complete(0.5)
