"""Handing out trials: what happens between the computing of points and their storing."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from hyperbo_service.app import open_backend
from hyperbo_service.domain import (
    Call,
    Origin,
    StopReason,
    Study,
    StudyState,
    Trial,
    TrialState,
)
from hyperbo_service.local import LocalTransport
from hyperbo_service.resources import StudyName
from hyperbo_service.rpc.spaces import values_from_wire
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from hyperbo_service.snapshots import Snapshots
from hyperbo_service.storage import Writer
from hyperbo_service.suggestions import Ask, Suggested, Suggester
from hyperbo_service.tuner import Points, Tuner
from tests.service.clocks import StillClock
from tests.service.contract.services import COIN_SPACE, Service, Studied, new_id

Deed = Callable[[], object]


class FailedError(Exception):
    """A fault."""


class Interrupted:
    """A tuner; after it has computed points, and before they are stored, something happens.

    Attributes:
        asked: How many points it was asked for, each time.
    """

    def __init__(self, tuner: Tuner, deeds: list[Deed]) -> None:
        self._tuner = tuner
        self._deeds = deeds
        self.asked: list[int] = []
        self.snapshots = tuner.snapshots
        self.release = tuner.release

    def ask(self, study: Study, count: int) -> Points:
        """Points to try next."""
        self.asked.append(count)
        points = self._tuner.ask(study, count)
        if self._deeds:
            self._deeds.pop(0)()
        return points


@pytest.fixture
def service() -> Iterator[Service]:
    """A service on a database in memory."""
    clock = StillClock()
    backend = open_backend("sqlite://", clock=clock)
    yield Service(LocalTransport(backend), backend, clock)
    backend.close()


def _ask(study: Studied, *deeds: Deed, count: int = 1) -> tuple[Suggested, list[int]]:
    """What a client gets where things happen meanwhile, and what the tuner was asked for."""
    service = study.service
    own = service.backend.api._methods["SuggestTrials"].__self__._suggester
    tuner = Interrupted(own._tuner, list(deeds))
    suggester = Suggester(service.backend.store, tuner, service.clock)  # type: ignore[arg-type]
    name = StudyName.parse(study.name)
    call = Call(name.project, new_id(), "ann", "SuggestTrials", study.name, b"\0" * 32)
    answers: list[Suggested] = []

    def encode(suggested: Suggested) -> bytes:
        answers.append(suggested)
        return b"answer"

    suggester.suggest(call, Ask(name, count, "ann"), encode)
    return answers[-1], tuner.asked


def _numbers(suggested: Suggested) -> list[int]:
    return [trial.name.number for trial in suggested.trials]


def test_points_that_others_took_meanwhile_are_computed_anew(service: Service) -> None:
    """The same point, made by hand in between, is not suggested again."""
    study = service.create(seed=1)
    twin = service.create("twin", seed=1)
    (same,) = twin.ask()
    taken = values_from_wire(same.parameters)

    suggested, asked = _ask(study, lambda: study.finished(0.5, taken))

    (trial,) = suggested.trials
    assert asked == [1, 1]
    assert dict(trial.parameters) != taken
    assert _numbers(suggested) == [2]


def test_a_trial_that_came_and_went_meanwhile_is_no_obstacle(service: Service) -> None:
    """It has taken a number, which is not given again, and nothing else."""
    study = service.create()

    def come_and_go() -> None:
        service.send(wire.DeleteTrialRequest(name=study.add().name))

    suggested, asked = _ask(study, come_and_go)

    assert asked == [1]
    assert _numbers(suggested) == [2]


def test_a_trial_that_waits_meanwhile_goes_first(service: Service) -> None:
    """Points that are then too many are left."""
    study = service.create()

    suggested, _ = _ask(study, study.add)

    assert _numbers(suggested) == [1]
    assert len(study.rows()[1]) == 1


def test_a_study_that_was_closed_meanwhile_gives_nothing(service: Service) -> None:
    """And no trial comes to be."""
    study = service.create()

    suggested, _ = _ask(study, lambda: study.set_state(3))

    assert suggested.trials == ()
    assert suggested.study.state is StudyState.COMPLETED
    assert study.rows()[1] == []


def test_fewer_points_than_asked_for_are_handed_out_at_once(service: Service) -> None:
    """Where the space has no more of them, the tuner is asked once."""
    study = service.create(space=COIN_SPACE)

    suggested, asked = _ask(study, count=5)

    assert asked == [5]
    assert _numbers(suggested) == [1, 2]


def test_a_space_is_not_used_up_while_points_are_on_their_way(service: Service) -> None:
    """Whoever asks between the computing and the storing of the last points is told to wait."""
    study = service.create(space=COIN_SPACE)
    between: list[wire.SuggestTrialsResponse] = []

    suggested, _ = _ask(study, lambda: between.append(study.answer(client_id="bob")), count=2)

    (answer,) = between
    assert not answer.trials
    assert answer.HasField("retry_after")
    assert suggested.study.state is StudyState.ACTIVE
    assert _numbers(suggested) == [1, 2]


def test_a_space_is_used_up_when_all_its_points_are_over(service: Service) -> None:
    """Then the study is closed by whoever asks next."""
    study = service.create(space=COIN_SPACE)
    for trial in study.ask(2):
        study.complete(trial, 0.5)

    suggested, asked = _ask(study)

    assert asked == [1]
    assert suggested.study.stop_reason is StopReason.SPACE_EXHAUSTED


def test_points_of_a_transaction_that_failed_are_forgotten(service: Service) -> None:
    """Their numbers may go to other points, so nothing is kept of what was not committed."""
    study = service.create()
    name = StudyName.parse(study.name)
    snapshots = Snapshots()

    def work(writer: Writer) -> None:
        stored = writer.study(name)
        trial = Trial(
            name=name.trial(1),
            state=TrialState.WAITING,
            parameters={"rate": 0.5, "layers": 1},
            origin=Origin.CREATED,
            created=service.clock(),
            updated=service.clock(),
        )
        writer.add_trials(stored, [trial])
        assert snapshots.encode(writer, stored, [1]).shape == (1, 2)
        raise FailedError

    with pytest.raises(FailedError):
        service.backend.store.change(work)
    study.add({"rate": 0.01, "layers": 8})
    with service.backend.store.read() as reader:
        snapshot = snapshots.take(reader, reader.study(name))

    expected = snapshot.space.encode([{"rate": 0.01, "layers": 8}])
    np.testing.assert_array_equal(snapshot.pending, expected)


def test_whoever_computes_points_does_not_block_the_database(service: Service) -> None:
    """While they are computed, others read and write."""
    study = service.create()
    done: list[int] = []

    def meanwhile() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(lambda: done.append(len(study.export()))).result(30.0)
            pool.submit(study.finished, 0.5).result(30.0)

    suggested, _ = _ask(study, meanwhile)

    assert done == [1]
    assert _numbers(suggested) == [2]
