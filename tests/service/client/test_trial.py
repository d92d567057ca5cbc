"""A leased trial, and the block in which it is run."""

import math

import pytest

from hyperbo_service.client import Client, Infeasible, MockTransport, Study
from hyperbo_service.errors import (
    IllegalMoveError,
    InternalError,
    InvalidArgumentError,
    LeaseLostError,
    PreconditionError,
    StepOrderError,
    UnavailableError,
)
from hyperbo_service.rpc.v1 import tuning_service_pb2 as tuning


def take_away(mock: MockTransport, study: Study) -> None:
    """Let all leases expire, and another client take the trials."""
    mock.advance(3600.0)
    other = Client(transport=mock).study(study.id)
    for trial in other.ask(10):
        trial.abandon()


def test_last_report_is_the_result(study: Study) -> None:
    """Leaving the block completes the trial with what was reported last."""
    with study.ask() as trial:
        trial.report(0.9)
        trial.report(0.7)

    record = study.trial(trial.number)
    assert (record.state, record.value) == ("completed", 0.7)


def test_completed_by_hand(study: Study) -> None:
    """A value given to `complete` is the result, whatever was reported."""
    with study.ask() as trial:
        trial.report(0.7)
        trial.complete(0.8, stderr=0.01, cost=3.0)

    record = study.trial(trial.number)
    assert (record.value, record.stderr, record.cost) == (0.8, 0.01, 3.0)


def test_exception_fails_the_trial(study: Study) -> None:
    """An exception marks the trial failed with its text, and goes on its way."""
    with pytest.raises(ZeroDivisionError), study.ask() as trial:
        raise ZeroDivisionError("by zero")

    record = study.trial(trial.number)
    assert (record.state, record.reason) == ("failed", "ZeroDivisionError: by zero")


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_interruption_leaves_the_lease(
    study: Study, mock: MockTransport, kind: type[BaseException]
) -> None:
    """A process that is being stopped leaves the trial to be handed out again."""
    with pytest.raises(kind), study.ask() as trial:
        raise kind

    assert study.trial(trial.number).state == "running"
    mock.advance(61.0)
    assert Client(transport=mock).study(study.id).ask().number == trial.number


def test_nothing_reported(study: Study) -> None:
    """A block without a result fails the trial and says what to call."""
    with pytest.raises(PreconditionError, match=r"Call trial\.report"), study.ask() as trial:
        pass

    assert study.trial(trial.number).reason == "nothing was reported"


def test_infeasible_exception(study: Study) -> None:
    """`Infeasible` marks the trial so, and the block is left without an exception."""
    with study.ask() as trial:
        raise Infeasible("the loss is NaN")

    record = study.trial(trial.number)
    assert (record.state, record.reason) == ("infeasible", "the loss is NaN")


def test_infeasible_by_hand(study: Study) -> None:
    """A trial marked infeasible inside its block stays so."""
    with study.ask() as trial:
        trial.report(0.5)
        trial.infeasible("diverged")

    assert study.trial(trial.number).state == "infeasible"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_not_finite(study: Study, value: float) -> None:
    """NaN and infinity are refused before anything is sent, and the remedy is named."""
    with study.ask() as trial:
        with pytest.raises(InvalidArgumentError, match=r"trial\.infeasible"):
            trial.report(value)
        trial.abandon()


def test_not_a_number(study: Study) -> None:
    """A value that is no number is refused with a text that shows it."""
    trial = study.ask()
    with pytest.raises(InvalidArgumentError, match="'high'"):
        trial.report("high")  # type: ignore[arg-type]


def test_abandoned(study: Study) -> None:
    """An abandoned trial is not handed out again."""
    trial = study.ask()
    trial.abandon("no time")

    assert study.trial(trial.number).state == "abandoned"
    assert study.ask().number != trial.number


def test_finished_trial_is_over(study: Study) -> None:
    """A finished trial takes no more reports."""
    trial = study.ask()
    trial.complete(0.5)

    assert trial.is_finished
    with pytest.raises(IllegalMoveError, match="finished"):
        trial.report(0.6)


def test_steps_count_up(study: Study) -> None:
    """Without steps, reports are numbered from 1; a step given is counted on from."""
    trial = study.ask()
    steps = [trial.last_step]
    for step in (None, None, 10, None):
        trial.report(0.5, step=step)
        steps.append(trial.last_step)

    assert steps == [None, 1, 2, 10, 11]
    assert [each.step for each in study.trial(trial.number).measurements] == steps[1:]
    assert (trial.last_value, trial.measurement_count) == (0.5, 4)


def test_step_out_of_order(study: Study) -> None:
    """A step that is not after the last one is refused, and the trial goes on."""
    trial = study.ask()
    trial.report(0.5, step=3)
    with pytest.raises(StepOrderError):
        trial.report(0.5, step=3)
    trial.report(0.6, step=4)

    assert trial.last_step == 4


def test_report_in_full(study: Study) -> None:
    """A report may name its metric and bear a standard error, time and cost."""
    trial = study.ask()
    trial.report({"accuracy": 0.5}, step=2, stderr=0.1, elapsed=3.5, cost=7.0)

    point = study.trial(trial.number).measurements[0]
    assert (point.value, point.stderrs) == (0.5, {"accuracy": 0.1})
    assert (point.elapsed, point.cost) == (3.5, 7.0)


def test_lost_lease_refuses_reports(study: Study, mock: MockTransport) -> None:
    """After another client took the trial, a report raises, once asked and for ever after."""
    trial = study.ask()
    take_away(mock, study)

    for _ in range(2):
        with pytest.raises(LeaseLostError):
            trial.report(0.5)
    assert trial.is_lost
    assert trial.should_stop()
    assert sum(call.method == "ReportMeasurement" for call in mock.calls) == 1


def test_lost_lease_ends_the_block_quietly(study: Study, mock: MockTransport) -> None:
    """A block whose lease is lost ends without an exception, so that a loop goes on."""
    with study.ask() as trial:
        take_away(mock, study)
        trial.report(0.5)

    assert trial.is_lost
    assert not trial.is_finished


def test_lost_lease_at_the_end_of_the_block(study: Study, mock: MockTransport) -> None:
    """A lease that is found lost only when the block completes is treated likewise."""
    with study.ask() as trial:
        trial.report(0.5)
        take_away(mock, study)

    assert trial.is_lost
    assert study.trial(trial.number).state == "abandoned"


def test_exception_in_a_lost_trial(study: Study, mock: MockTransport) -> None:
    """The program's own exception is not hidden by a lost lease."""
    trial = study.ask()
    take_away(mock, study)
    with pytest.raises(LeaseLostError):
        trial.report(0.5)
    with pytest.raises(RuntimeError, match="mine"), trial:
        raise RuntimeError("mine")


def test_failure_that_cannot_be_told(study: Study, mock: MockTransport) -> None:
    """Where the server is down too, the program's exception bears a note of it."""
    trial = study.ask()
    mock.fail_next(*[UnavailableError("down")] * 100, method="FailTrial")
    with pytest.raises(RuntimeError) as caught, trial:
        raise RuntimeError("mine")

    assert "could not be marked failed: down" in caught.value.__notes__[0]


def test_stopping_needs_a_report(study: Study, mock: MockTransport) -> None:
    """A trial without measurements is never stopped, and the server is not asked."""
    trial = study.ask()

    assert not trial.should_stop()
    assert all(call.method != "CheckEarlyStopping" for call in mock.calls)


def test_stopped_by_the_rule() -> None:
    """The server's advice is passed on."""
    mock = MockTransport([{"lr": 0.1}], should_stop=lambda trial: trial.measurement_count == 2)
    space = {"parameters": [{"type": "float", "name": "lr", "low": 0, "high": 1}]}
    study = Client(transport=mock).study("s", space=space, metric="loss", goal="minimise")
    trial = study.ask()

    advice = []
    for value in (1.0, 2.0):
        trial.report(value)
        advice.append(trial.should_stop())
    assert advice == [False, True]


def test_internal_error_is_not_repeated(study: Study, mock: MockTransport) -> None:
    """A fault of the server is reported at once."""
    trial = study.ask()
    mock.fail_next(InternalError("bug"))
    with pytest.raises(InternalError):
        trial.report(0.5)

    assert sum(call.method == "ReportMeasurement" for call in mock.calls) == 1


def test_lost_answer(study: Study, mock: MockTransport) -> None:
    """A report whose answer is lost is sent again under the same id, and counts once."""
    trial = study.ask()
    mock.fail_next(UnavailableError("broken"), method="ReportMeasurement", after=True)
    trial.report(0.5)

    reports = [call.request for call in mock.calls if call.method == "ReportMeasurement"]
    assert len(reports) == 2
    assert all(isinstance(each, tuning.ReportMeasurementRequest) for each in reports)
    assert reports[0] == reports[1]
    assert study.trial(trial.number).measurement_count == 1


def test_interrupted_trial_comes_back(mock: MockTransport, study: Study) -> None:
    """Under the same client id, a restarted worker gets its trial back with its past."""
    first = Client(transport=mock, client_id="worker-3").study(study.id).ask()
    first.report(0.5, step=4)
    again = Client(transport=mock, client_id="worker-3").study(study.id).ask()

    assert (again.number, again.last_step, again.measurement_count) == (first.number, 4, 1)
    assert again.past[0].value == 0.5
    with pytest.raises(LeaseLostError):
        first.report(0.6)


def test_trial_begun_anew(mock: MockTransport, study: Study) -> None:
    """A worker that begins an interrupted trial anew replaces what was measured before."""
    first = Client(transport=mock, client_id="worker-3").study(study.id).ask()
    for value in (0.1, 0.2, 0.3):
        first.report(value)
    with Client(transport=mock, client_id="worker-3").study(study.id).ask() as again:
        again.report(0.4)

    assert [each.value for each in study.trial(again.number).measurements] == [0.4]


def test_reason_that_cannot_be_stored(study: Study) -> None:
    """A reason loses what no database takes: NUL, halves of characters, and all too much."""
    trial = study.ask()
    trial.fail("a\0b\udc80" + "x" * 10_000)

    reason = study.trial(trial.number).reason
    assert reason.startswith("ab?x")
    assert len(reason) <= 4096


def test_parameters_are_native(study: Study) -> None:
    """Parameters are Python's own values, integers as integers."""
    assert study.ask().parameters == {"lr": 0.1, "layers": 1}
