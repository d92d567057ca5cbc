"""What one can ask of a study, and change in it."""

from typing import Any

import pytest

from hyperbo_service.client import Client, MockTransport, Study
from hyperbo_service.errors import (
    InvalidArgumentError,
    NotFoundError,
    PreconditionError,
    UnavailableError,
    UnsupportedError,
)
from hyperbo_service.rpc.v1 import tuning_service_pb2 as tuning
from tests.service.client.support import POINTS, SPACE, Time


def run_all(study: Study, n: int | None = None) -> int:
    """Run a study's loop; the number of trials."""
    count = 0
    for trial in study.trials(n):
        with trial:
            trial.report(float(trial.parameters["layers"]))
        count += 1
    return count


def test_best(study: Study) -> None:
    """The best trials come best first; one alone without a list, None where there is none."""
    assert study.best() is None
    run_all(study, 3)

    best = study.best()
    assert best is not None
    assert best.value == 3.0
    assert [each.value for each in study.best(2)] == [3.0, 2.0]


def test_goal_is_kept(client: Client) -> None:
    """A minimised study's best is its least."""
    study = client.study("s", space=SPACE, metric="loss", goal="minimise")
    run_all(study, 3)

    assert study.goal == "minimize"
    assert [each.value for each in study.best(5)] == [1.0, 2.0, 3.0]


def test_history_is_read_page_by_page(study: Study, mock: MockTransport) -> None:
    """No page is read before its first trial is asked for."""
    trials = [{"parameters": POINTS[0], "value": float(number)} for number in range(2500)]
    study.import_trials(trials)
    history = study.history()
    begun = [next(history) for _ in range(1000)]

    assert sum(call.method == "ListTrials" for call in mock.calls) == 1
    assert len(begun) + len(list(history)) == 2500
    assert sum(call.method == "ListTrials" for call in mock.calls) == 3


def test_import_in_parts(study: Study, mock: MockTransport) -> None:
    """A large import goes in parts of a thousand, and gives names in order."""
    trials = [{"parameters": POINTS[0], "value": float(number)} for number in range(1500)]
    names = study.import_trials(trials)

    assert [name.rpartition("/")[2] for name in names] == [str(n) for n in range(1, 1501)]
    assert sum(call.method == "ImportTrials" for call in mock.calls) == 2


def test_import_begun_anew(study: Study) -> None:
    """An import that broke off may be repeated whole: what is there is not added again."""
    trials = [{"parameters": POINTS[0], "value": float(number)} for number in range(1500)]
    study.import_trials(trials[:1000])
    study.import_trials(trials)

    assert study.info().trial_counts["completed"] == 1500
    study.import_trials(trials, batch="again")
    assert study.info().trial_counts["completed"] == 3000


def test_import_of_an_export(study: Study, client: Client) -> None:
    """What one study exports, another imports: values, curves, states and reasons."""
    for trial in study.trials(2):
        with trial:
            trial.report(0.3, step=1, elapsed=1.0)
            trial.report(0.5, step=2, cost=2.0, stderr=0.1)
    study.ask().fail("no disk")
    exported = study.export()
    other = client.study("other", space=SPACE, metric="accuracy", goal="maximize")
    other.import_trials(exported.trials)

    assert exported.study.id == "digits"
    copies = other.export().trials
    for one, copy in zip(exported.trials, copies, strict=True):
        for field in ("state", "parameters", "values", "stderrs", "measurements", "reason"):
            assert getattr(one, field) == getattr(copy, field)


def test_import_of_unfinished_trials(study: Study) -> None:
    """A trial that is not finished cannot be imported."""
    study.enqueue(POINTS[0])
    with pytest.raises(InvalidArgumentError, match="waiting"):
        study.import_trials(study.history())


def test_import_with_a_misspelt_key(study: Study) -> None:
    """A mapping with an unknown key is refused, and the keys there are are named."""
    with pytest.raises(InvalidArgumentError, match="measurements"):
        study.import_trials([{"parameters": POINTS[0], "vlaue": 0.5}])


def test_watch(study: Study) -> None:
    """A watched study gives itself and its trials."""
    run_all(study, 2)
    change = next(study.watch())

    assert change.study is not None
    assert [trial.number for trial in change.trials] == [1, 2]
    assert change.watermark is not None


def test_watch_goes_on_after_a_break(study: Study, mock: MockTransport) -> None:
    """A broken stream is taken up where it was."""
    run_all(study, 1)
    mock.fail_next(UnavailableError("broken"), method="WatchStudy", after=True)
    watch = study.watch()
    for _ in range(2):
        next(watch)

    watched = [call.request for call in mock.calls if call.method == "WatchStudy"]
    assert len(watched) == 2
    assert not watched[0].HasField("since")
    assert watched[1].since.seconds > 0  # type: ignore[attr-defined]


def test_watch_goes_on_where_the_server_stops(client: Client, time: Time) -> None:
    """A stream that a stopping server has ended is asked for again, and a pause lies between."""
    study = client.study("s", space=SPACE, metric="m", goal="maximize")
    ended: Any = client.transport.stream(
        "ExportStudy", tuning.ExportStudyRequest(name=study.name), timeout=None
    )
    streams = [iter([]), iter([]), (tuning.WatchStudyResponse(study=part.study) for part in ended)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client.transport, "stream", lambda *_, **__: streams.pop(0))
        change = next(study.watch())

    assert change.study is not None
    assert time.sleeps == [0.05, 0.1]


def test_watch_of_a_deleted_study(study: Study) -> None:
    """The watch over a study that is gone ends with an error that says so."""
    study.delete()
    with pytest.raises(NotFoundError):
        next(study.watch())


def test_update_of_one_limit_keeps_the_others(client: Client) -> None:
    """Changing one limit of the budget leaves the others, and None takes one away."""
    study = client.study(
        "s", space=SPACE, metric="m", goal="maximize", max_trials=5, max_duration=60.0, target=9.0
    )

    record = study.update(max_trials=7, target=None)
    assert (record.max_trials, record.max_duration, record.target) == (7, 60.0, None)


def test_update_of_everything_else(study: Study) -> None:
    """Names, labels and the stopping rule change; a rule of None is taken away."""
    record = study.update(display_name="Digits", labels={"team": "vision"}, early_stopping=None)

    assert (record.display_name, record.labels) == ("Digits", {"team": "vision"})
    assert record.early_stopping == ""


def test_update_of_nothing(study: Study) -> None:
    """An update without a change is refused."""
    with pytest.raises(InvalidArgumentError, match="Nothing"):
        study.update()


def test_states(study: Study) -> None:
    """A study is paused, resumed and finished."""
    assert study.pause().state == "paused"
    assert study.resume().state == "active"
    assert study.finish().state == "completed"


def test_delete(client: Client, study: Study) -> None:
    """A study with trials is deleted only by force."""
    study.ask()
    with pytest.raises(PreconditionError, match="force"):
        study.delete()
    study.delete(force=True)

    with pytest.raises(NotFoundError):
        client.study(study.id)


def test_delete_trial(study: Study) -> None:
    """A deleted trial is gone."""
    record = study.tell(POINTS[0], 0.5)
    study.delete_trial(record.number)

    assert list(study.history()) == []


def test_predictions_are_not_mocked(study: Study) -> None:
    """What a mock cannot do, it refuses."""
    for ask in (lambda: study.predict(POINTS), study.prior_report):
        with pytest.raises(UnsupportedError, match="MockTransport"):
            ask()
