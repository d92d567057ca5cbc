"""Moves of a study: opening, pausing, closing, and what each means for its trials."""

import pytest
from sqlalchemy import func, select

from hyperbo_service.domain import STUDY_MOVES, StudyState
from hyperbo_service.errors import (
    IllegalMoveError,
    InvalidArgumentError,
    NotFoundError,
    PreconditionError,
    StudyClosedError,
)
from hyperbo_service.rpc.answers import STUDY_STATES
from hyperbo_service.rpc.v1 import study_pb2, trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from hyperbo_service.storage.models import MEASUREMENTS, PARAMETERS, TRIALS, VALUES
from tests.service.contract.services import Service, numbers

ACTIVE = study_pb2.Study.STATE_ACTIVE
PAUSED = study_pb2.Study.STATE_PAUSED
COMPLETED = study_pb2.Study.STATE_COMPLETED

PAIRS = [(start, end) for start in StudyState for end in StudyState]
LEGAL = [(start, end) for start, end in PAIRS if end in STUDY_MOVES[start] or start == end]
ILLEGAL = [pair for pair in PAIRS if pair not in LEGAL]


@pytest.mark.parametrize(("start", "end"), LEGAL)
def test_a_legal_move_is_made(service: Service, start: StudyState, end: StudyState) -> None:
    """The study is in its new state, also if that is the one it was in."""
    study = service.create(state=STUDY_STATES[start])

    answer = study.set_state(STUDY_STATES[end])

    assert answer.state == STUDY_STATES[end]
    assert study.get().state == STUDY_STATES[end]


@pytest.mark.parametrize(("start", "end"), ILLEGAL)
def test_an_illegal_move_is_refused(service: Service, start: StudyState, end: StudyState) -> None:
    """Everything is as before, the other changes of the same call included."""
    study = service.create(state=STUDY_STATES[start])
    study.finished(0.5)
    rows, export = study.rows(), study.export()
    service.clock.pass_by(5.0)

    with pytest.raises(IllegalMoveError) as refused:
        study.update(state=STUDY_STATES[end], display_name="another")

    assert (refused.value.field, refused.value.resource) == ("study.state", study.name)
    assert study.rows() == rows
    assert study.export() == export


def test_a_paused_study_gives_nothing_but_takes_reports(service: Service) -> None:
    """Running trials go on; whoever asks is told to come again."""
    study = service.create()
    trial = study.leased()
    study.add()
    study.set_state(PAUSED)

    answer = study.answer(client_id="bob")
    study.report(trial, 1, 0.5)
    study.complete(trial)

    assert not answer.trials
    assert answer.study_state == PAUSED
    assert answer.HasField("retry_after")
    assert study.trial(trial.name).state == trial_pb2.Trial.STATE_COMPLETED


def test_a_completed_study_gives_nothing_but_takes_reports(service: Service) -> None:
    """Whoever asks is told that it is done and why; no trial comes to be."""
    study = service.create()
    trial = study.leased()
    closed = study.set_state(COMPLETED)
    rows = study.rows()

    answer = study.answer(3, client_id="bob")

    assert (answer.study_state, answer.stop_reason) == (
        COMPLETED,
        study_pb2.Study.STOP_REASON_REQUESTED,
    )
    assert not answer.trials
    assert not answer.HasField("retry_after")
    assert closed.HasField("end_time")
    assert study.rows() == rows
    assert study.complete(trial, 0.5).state == trial_pb2.Trial.STATE_COMPLETED


def test_a_completed_study_takes_no_trial_that_would_wait(service: Service) -> None:
    """But it takes one that is over, for the record."""
    study = service.create(state=COMPLETED)

    with pytest.raises(StudyClosedError):
        study.add()
    assert numbers([study.finished(0.5)]) == [1]


def test_a_study_that_is_opened_again_goes_on(service: Service) -> None:
    """It forgets why and when it ended, and hands out what waits."""
    study = service.create()
    study.add()
    study.set_state(COMPLETED)

    opened = study.set_state(ACTIVE)

    assert opened.stop_reason == study_pb2.Study.STOP_REASON_UNSPECIFIED
    assert not opened.HasField("end_time")
    assert numbers(study.ask()) == [1]


def test_only_named_fields_change(service: Service) -> None:
    """What the mask does not name stays, whatever the message holds."""
    study = service.create(display_name="old", labels={"team": "vision"})
    study.update("labels", display_name="new", labels={"team": "speech", "gpu": "1"})

    found = study.get()

    assert found.display_name == "old"
    assert dict(found.labels) == {"team": "speech", "gpu": "1"}


def test_a_named_field_that_is_empty_is_cleared(service: Service) -> None:
    """The mask alone takes labels, budget and rule away."""
    study = service.create(
        labels={"a": "b"},
        budget=study_pb2.Budget(max_trials=3),
        early_stopping=study_pb2.EarlyStopping(median=study_pb2.MedianRule()),
    )
    assert study.get().early_stopping.median.min_trials == 5

    study.update("labels", "budget", "early_stopping")

    found = study.get()
    assert not found.labels
    assert not found.budget.HasField("max_trials")
    assert found.early_stopping.WhichOneof("rule") is None


@pytest.mark.parametrize(
    "path", ["name", "space", "seed", "*", "budget.max_trials", "stop_reason", "", "no_such"]
)
def test_other_fields_cannot_be_changed(service: Service, path: str) -> None:
    """A mask that names them is refused, and so is an empty one."""
    study = service.create()
    rows = study.rows()

    with pytest.raises(InvalidArgumentError) as refused:
        study.update(path, "labels", labels={"a": "b"})
    assert refused.value.field == "update_mask"
    with pytest.raises(InvalidArgumentError):
        study.update()
    assert study.rows() == rows


def test_deleting_a_study_with_trials_must_be_forced(service: Service) -> None:
    """Without force it stays; with it, no row of it is left."""
    study = service.create()
    trial = study.leased()
    study.report(trial, 1, 0.5)
    study.complete(trial)
    rows = study.rows()

    with pytest.raises(PreconditionError) as refused:
        service.send(wire.DeleteStudyRequest(name=study.name))
    assert refused.value.field == "force"
    assert study.rows() == rows

    service.send(wire.DeleteStudyRequest(name=study.name, force=True))
    assert study.rows() == [[], [], [], [], []]
    with pytest.raises(NotFoundError):
        study.get()


def test_no_row_is_left_of_a_deleted_study(service: Service) -> None:
    """Also by its key, which is not given to another study."""
    study = service.create()
    study.complete(study.leased(), 0.5)
    key = study.rows()[0][0][0]
    service.send(wire.DeleteStudyRequest(name=study.name, force=True))
    again = service.create()

    with service.backend.store.read() as reader:
        connection = reader._connection  # type: ignore[attr-defined]
        left = [
            connection.scalar(
                select(func.count()).select_from(table).where(table.c.study_id == key)
            )
            for table in (TRIALS, PARAMETERS, VALUES, MEASUREMENTS)
        ]
    assert left == [0, 0, 0, 0]
    assert again.rows()[0][0][0] != key
