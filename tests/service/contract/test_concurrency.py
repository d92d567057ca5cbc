"""Concurrency: many callers at once do what they would one after the other."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, TypeVar

import pytest

from hyperbo_service.errors import (
    AlreadyExistsError,
    IllegalMoveError,
    InternalError,
    ServiceError,
    StepOrderError,
)
from hyperbo_service.rpc.v1 import study_pb2, trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from hyperbo_service.storage.writer import SqlWriter
from tests.service.clocks import StillClock
from tests.service.contract.services import (
    COIN_SPACE,
    Service,
    Studied,
    numbers,
    opened,
    points,
    study_message,
)

Result = TypeVar("Result")


def _at_once(calls: Sequence[Callable[[], Result]]) -> list[Result | ServiceError]:
    """What each of several calls, begun at the same moment, comes to."""
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], Result]) -> Result | ServiceError:
        gate.wait()
        try:
            return call()
        except ServiceError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def _fine(results: Sequence[Any]) -> list[Any]:
    return [result for result in results if not isinstance(result, ServiceError)]


def test_many_who_ask_at_once_get_different_points(service: Service) -> None:
    """Sixteen clients of one study: sixteen trials, all different, numbered without a gap."""
    study = service.create()

    answers = _at_once([lambda c=c: study.ask(client_id=f"c{c}") for c in range(16)])

    trials = [trial for answer in _fine(answers) for trial in answer]
    assert sorted(numbers(trials)) == list(range(1, 17))
    assert len(points(trials)) == 16
    assert len(study.rows()[1]) == 16


def test_waiting_trials_go_to_one_client_each(service: Service) -> None:
    """Eight who ask for two at once share sixteen, none of which goes to two."""
    study = service.create()
    for place in range(16):
        study.add({"rate": 0.1 + place / 100, "layers": 1})

    answers = _at_once([lambda c=c: study.ask(2, client_id=f"c{c}") for c in range(8)])

    assert sorted(numbers(t for answer in _fine(answers) for t in answer)) == list(range(1, 17))
    assert all(trial.fencing_token == 1 for answer in _fine(answers) for trial in answer)


def test_an_expired_lease_goes_to_one_client(service: Service) -> None:
    """The token counts the handing out, not those who asked."""
    study = service.create(budget=study_pb2.Budget(max_trials=1))
    study.add()
    study.ask()
    service.clock.pass_by(61.0)

    answers = _at_once([lambda c=c: study.ask(client_id=f"c{c}") for c in range(8)])

    (trial,) = [trial for answer in _fine(answers) for trial in answer]
    assert trial.fencing_token == 2


def test_a_budget_is_kept_by_many(service: Service) -> None:
    """Eight who ask for two of a budget of three get three."""
    study = service.create(budget=study_pb2.Budget(max_trials=3))

    answers = _at_once([lambda c=c: study.ask(2, client_id=f"c{c}") for c in range(8)])

    assert sorted(numbers(t for answer in _fine(answers) for t in answer)) == [1, 2, 3]


def test_the_last_points_of_a_space_are_shared(service: Service) -> None:
    """Six who ask for the two sides of a coin: both are tried, and the study waits for them."""
    study = service.create(space=COIN_SPACE)

    answers = _fine(_at_once([lambda c=c: study.answer(client_id=f"c{c}") for c in range(6)]))

    trials = [trial for answer in answers for trial in answer.trials]
    assert len(points(trials)) == len(trials) == 2
    assert {answer.study_state for answer in answers} == {study_pb2.Study.STATE_ACTIVE}


def test_a_trial_is_completed_once(service: Service) -> None:
    """Of eight different results one stands, and seven are told that the trial is finished."""
    study = service.create()
    trial = study.leased()

    answers = _at_once([lambda v=v: study.complete(trial, float(v)) for v in range(8)])

    (won,) = _fine(answers)
    assert sum(isinstance(answer, IllegalMoveError) for answer in answers) == 7
    assert study.trial(trial.name).values == won.values
    assert len(study.rows()[3]) == 1


def test_reports_on_one_trial_are_all_kept_or_refused(service: Service) -> None:
    """What was acknowledged is there, in order; what came too late was told so."""
    study = service.create()
    trial = study.leased()

    answers = _at_once([lambda s=s: study.report(trial, s, 0.5) for s in range(1, 13)])

    kept = [step for step, answer in enumerate(answers, 1) if not isinstance(answer, ServiceError)]
    assert all(isinstance(a, StepOrderError) for a in answers if isinstance(a, ServiceError))
    found = study.trial(trial.name)
    assert [point.step for point in found.measurements] == kept
    assert found.measurement_count == len(kept)
    assert sorted(answer.measurement_count for answer in _fine(answers)) == [
        place + 1 for place in range(len(kept))
    ]


def test_reports_on_many_trials_are_all_kept(service: Service) -> None:
    """Twelve runners with ten points each: every point is there, under its own trial."""
    study = service.create()
    for place in range(12):
        study.add({"rate": 0.1 + place / 100, "layers": 1})
    trials = study.ask(12)

    def run(place: int) -> None:
        for step in range(1, 11):
            study.report(trials[place], step, place + step / 100)

    _at_once([lambda p=p: run(p) for p in range(12)])

    for place, trial in enumerate(trials):
        curve = study.trial(trial.name).measurements
        assert [(point.step, point.values[0].value) for point in curve] == [
            (step, place + step / 100) for step in range(1, 11)
        ]


def test_the_last_two_trials_end_the_study(service: Service) -> None:
    """Though each of two who complete at the same time sees the other still running."""
    for place in range(5):
        study = service.create(f"s{place}", budget=study_pb2.Budget(max_trials=2))
        study.add()
        study.add()
        one, two = study.ask(2)

        _at_once([lambda: study.complete(one, 0.5), lambda: study.complete(two, 0.6)])  # noqa: B023

        assert study.get().state == study_pb2.Study.STATE_COMPLETED


def test_a_study_is_created_once(service: Service) -> None:
    """Of eight who create it one does; with leave to open what exists, all get the same."""

    def create(study_id: str, *, existing: bool) -> study_pb2.Study:
        created: study_pb2.Study = service.send(
            wire.CreateStudyRequest(
                parent=service.parent,
                study_id=study_id,
                study=study_message(),
                allow_existing=existing,
            )
        )
        return created

    strict = _at_once([lambda: create("strict", existing=False)] * 8)
    open_to_all = _at_once([lambda: create("open", existing=True)] * 8)

    assert len(_fine(strict)) == 1
    assert sum(isinstance(answer, AlreadyExistsError) for answer in strict) == 7
    assert len({study.seed for study in _fine(open_to_all)}) == 1
    assert len(_fine(open_to_all)) == 8


def test_a_number_is_used_once_by_all_who_make_trials(service: Service) -> None:
    """Suggestions, trials by hand and imports at the same time share one count."""
    study = service.create()
    failed = trial_pb2.Trial(parameters=study.add().parameters, state=trial_pb2.Trial.STATE_FAILED)
    many = wire.ImportTrialsRequest(parent=study.name, trials=[failed] * 3)
    calls: list[Callable[[], Any]] = [
        *[study.add] * 4,
        *[lambda: service.send(_copied(many))] * 2,
        study.ask,
    ]

    answers = _at_once(calls)

    assert len(_fine(answers)) == 7
    made = [row[1] for row in study.rows()[1]]
    assert made == list(range(1, len(made) + 1))
    assert len(made) >= 11


def _copied(request: Any) -> Any:
    copy = type(request)()
    copy.CopyFrom(request)
    return copy


def test_a_fault_in_the_middle_leaves_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A use case that breaks after it has written is undone, and the next call works."""
    study = service.create()
    trial = study.leased()
    rows = study.rows()

    def broken(self: SqlWriter, *_: object) -> None:  # noqa: ARG001
        raise ZeroDivisionError("a fault")

    calls: dict[str, Callable[[], Any]] = {
        "save_study": study.add,
        "save_values": lambda: study.complete(trial, 0.5),
        "trial_counts": lambda: service.send(wire.DeleteStudyRequest(name=study.name, force=True)),
    }
    for method, call in calls.items():
        with monkeypatch.context() as patch:
            patch.setattr(SqlWriter, method, broken)
            with pytest.raises(InternalError):
                call()
        assert study.rows() == rows
    assert study.complete(trial, 0.5).state == trial_pb2.Trial.STATE_COMPLETED


def test_a_fault_reaches_no_other_call(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of calls that share a transaction, those that are sound are carried out."""
    study = service.create()
    for place in range(8):
        study.add({"rate": 0.1 + place / 100, "layers": 1})
    trials = study.ask(8)
    sound = SqlWriter.save_values

    def broken_at_four(self: SqlWriter, stored: Any, trial: Any) -> None:
        if trial.name.number == 4:
            raise ZeroDivisionError("a fault")
        sound(self, stored, trial)

    monkeypatch.setattr(SqlWriter, "save_values", broken_at_four)

    def complete(trial: trial_pb2.Trial) -> Any:
        try:
            return study.complete(trial, 0.5)
        except InternalError:
            return None

    _at_once([lambda t=t: complete(t) for t in trials])

    states = [row[2] for row in study.rows()[1]]
    assert states == ["completed"] * 3 + ["running"] + ["completed"] * 4


def test_two_servers_on_one_database_share_a_study(postgres_url: str) -> None:
    """Eight clients of two servers: the budget is kept to the trial, and no point comes twice."""
    clock = StillClock()
    with ExitStack() as stack:
        servers = [stack.enter_context(opened("postgres", postgres_url, clock)) for _ in range(2)]
        project = servers[0].project
        budget = study_pb2.Budget(max_trials=12)
        name = servers[0].create(budget=budget, seed=1).name

        def work(place: int) -> list[trial_pb2.Trial]:
            server = servers[place % 2]
            study = Studied(Service(server.transport, server.backend, clock, project), name)
            done = []
            while trials := study.ask(client_id=f"c{place}"):
                done.append(study.complete(trials[0], 0.5))
            return done

        answers = _at_once([lambda p=p: work(p) for p in range(8)])

        trials = [trial for done in _fine(answers) for trial in done]
        assert len(_fine(answers)) == 8
        assert sorted(numbers(trials)) == list(range(1, 13))
        assert len(points(trials)) == 12
        counts = Studied(servers[1], name).get().trial_counts
        assert counts == study_pb2.TrialCounts(completed=12)
