"""Early stopping: both rules against a reference computed by hand."""

from collections.abc import Mapping
from statistics import median

import pytest

from hyperbo_service.errors import InvalidArgumentError
from hyperbo_service.rpc.v1 import study_pb2, trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from tests.service.contract.services import Service, Studied

GOALS = [study_pb2.MetricSpec.GOAL_MAXIMIZE, study_pb2.MetricSpec.GOAL_MINIMIZE]
Curve = Mapping[int, float]

COMPLETED: list[Curve] = [
    {1: 0.10, 2: 0.20, 3: 0.30, 4: 0.40},
    {1: 0.50, 3: 0.60, 4: 0.65},
    {2: 0.90, 4: 0.10},
    {1: 0.30},
    {5: 1.00},
]
"""The last one has no point up to step four, and so no say before step five."""


def _sign(goal: "study_pb2.MetricSpec.Goal") -> float:
    return 1.0 if goal == study_pb2.MetricSpec.GOAL_MAXIMIZE else -1.0


def _median_rule(**numbers: int) -> study_pb2.EarlyStopping:
    return study_pb2.EarlyStopping(median=study_pb2.MedianRule(**numbers))


def _halving(**numbers: int) -> study_pb2.EarlyStopping:
    return study_pb2.EarlyStopping(successive_halving=study_pb2.SuccessiveHalving(**numbers))


def _check(study: Studied, trial: trial_pb2.Trial) -> wire.CheckEarlyStoppingResponse:
    found: wire.CheckEarlyStoppingResponse = study.service.send(
        wire.CheckEarlyStoppingRequest(name=trial.name)
    )
    return found


def _run(study: Studied, curve: Curve, client_id: str, sign: float = 1.0) -> trial_pb2.Trial:
    trial = study.leased(client_id)
    for step, value in curve.items():
        study.report(trial, step, sign * value)
    return trial


def _by_median(curves: list[Curve], mine: Curve) -> bool:
    """Golovin et al. (2017), section 3.2.3: best so far below the median of averages so far."""
    step = max(mine)
    so_far = [[value for at, value in each.items() if at <= step] for each in curves]
    averages = [sum(values) / len(values) for values in so_far if values]
    return max(mine.values()) < median(averages)


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize(
    "mine",
    [
        {1: 0.29},
        {1: 0.31},
        {1: 0.1, 2: 0.35},
        {1: 0.36, 2: 0.1},
        {1: 0.1, 4: 0.39},
        {1: 0.1, 4: 0.41},
        {3: 0.2},
        {5: 0.45},
    ],
)
def test_the_median_rule_does_as_the_paper(
    service: Service, goal: "study_pb2.MetricSpec.Goal", mine: Curve
) -> None:
    """Over curves of different lengths and steps, whichever way is better."""
    sign = _sign(goal)
    study = service.create(goal=goal, early_stopping=_median_rule(min_trials=1))
    for place, curve in enumerate(COMPLETED):
        study.complete(_run(study, curve, f"w{place}", sign))
    trial = _run(study, mine, "ann", sign)

    advice = _check(study, trial)

    assert advice.should_stop == _by_median(COMPLETED, mine)
    assert str(max(mine)) in advice.reason


def test_the_median_rule_waits_for_trials_and_steps(service: Service) -> None:
    """It says nothing before so many trials are completed, nor before its first step."""
    study = service.create(early_stopping=_median_rule(min_trials=2, min_step=3))
    study.complete(_run(study, {1: 0.9, 4: 0.9}, "a"))
    trial = study.leased()
    study.report(trial, 2, 0.1)
    early = _check(study, trial)
    study.report(trial, 3, 0.1)
    few = _check(study, trial)
    study.complete(_run(study, {1: 0.9, 4: 0.9}, "b"))
    enough = _check(study, trial)

    assert [early.should_stop, few.should_stop, enough.should_stop] == [False, False, True]
    assert "step 3" in early.reason
    assert "wants 2" in few.reason


def test_the_median_rule_asks_completed_trials_alone(service: Service) -> None:
    """Failed, infeasible and running trials have no say in it."""
    study = service.create(early_stopping=_median_rule(min_trials=1))
    study.complete(_run(study, {1: 0.1}, "a"))
    study.end(wire.FailTrialRequest, _run(study, {1: 0.9}, "b"))
    study.end(wire.MarkTrialInfeasibleRequest, _run(study, {1: 0.9}, "c"))
    _run(study, {1: 0.9}, "d")

    assert not _check(study, _run(study, {1: 0.2}, "e")).should_stop


def test_a_value_at_the_median_goes_on(service: Service) -> None:
    """Only what is worse is stopped."""
    study = service.create(early_stopping=_median_rule(min_trials=1))
    study.complete(_run(study, {1: 0.5}, "a"))

    assert not _check(study, _run(study, {1: 0.5}, "b")).should_stop


def _by_halving(curves: list[Curve], mine: Curve, first: int, factor: int) -> bool:
    """Li et al. (2020), stopping variant: below the best 1/factor at the highest rung reached."""
    rungs = [first * factor**k for k in range(20)]
    if max(mine) < first:
        return False
    rung = max(each for each in rungs if each <= max(mine))
    at_rung = [
        max(value for step, value in each.items() if step <= rung)
        for each in [*curves, mine]
        if max(each) >= rung and min(each) <= rung
    ]
    own = max(value for step, value in mine.items() if step <= rung)
    places = len(at_rung) // factor
    return places > 0 and sum(value > own for value in at_rung) >= places


RUNNING: list[Curve] = [
    {1: 0.1, 2: 0.2, 3: 0.3},
    {1: 0.2, 2: 0.3, 4: 0.4},
    {1: 0.3, 2: 0.4, 4: 0.5, 8: 0.6},
    {1: 0.4, 3: 0.5},
    {2: 0.6, 4: 0.7},
    {1: 0.6},
]


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize(
    "mine",
    [
        {1: 0.45},
        {1: 0.25},
        {1: 0.0, 2: 0.55},
        {1: 0.5, 2: 0.0},
        {1: 0.0, 3: 0.99},
        {1: 0.0, 4: 0.6},
        {1: 0.0, 4: 0.45},
        {1: 0.0, 9: 0.1},
    ],
)
def test_successive_halving_does_as_the_paper(
    service: Service, goal: "study_pb2.MetricSpec.Goal", mine: Curve
) -> None:
    """A trial is compared at the highest rung it has reached, with all that reached it."""
    sign = _sign(goal)
    study = service.create(goal=goal, early_stopping=_halving(reduction_factor=2))
    for place, curve in enumerate(RUNNING):
        _run(study, curve, f"w{place}", sign)
    trial = _run(study, mine, "ann", sign)

    assert _check(study, trial).should_stop == _by_halving(RUNNING, mine, 1, 2)


def test_successive_halving_waits_for_its_first_rung(service: Service) -> None:
    """Before that, and while too few have reached it, nobody is stopped."""
    study = service.create(early_stopping=_halving(min_step=4, reduction_factor=3))
    trial = study.leased()
    study.report(trial, 3, 0.1)
    before = _check(study, trial)
    study.report(trial, 4, 0.1)
    alone = _check(study, trial)
    for client in ("bob", "eve"):
        _run(study, {4: 0.9}, client)
    among = _check(study, trial)

    assert [before.should_stop, alone.should_stop, among.should_stop] == [False, False, True]
    assert "step 4" in before.reason


def test_successive_halving_counts_completed_trials_as_they_ended(service: Service) -> None:
    """A trial that was completed before a rung stands there with what it had."""
    study = service.create(early_stopping=_halving(reduction_factor=2))
    study.complete(_run(study, {1: 0.9}, "a"))
    trial = _run(study, {1: 0.1, 2: 0.2}, "b")

    assert _check(study, trial).should_stop


@pytest.mark.parametrize("rule", [_median_rule(min_trials=1), _halving(reduction_factor=2)])
def test_a_trial_without_measurements_is_never_stopped(
    service: Service, rule: study_pb2.EarlyStopping
) -> None:
    """However good the others are."""
    study = service.create(early_stopping=rule)
    for client in ("a", "b", "c", "d"):
        study.complete(_run(study, {1: 0.9, 2: 0.9, 4: 0.9}, client))

    advice = _check(study, study.leased())

    assert not advice.should_stop
    assert "no measurement" in advice.reason


def test_without_a_rule_no_trial_is_stopped(service: Service) -> None:
    """The study says so."""
    study = service.create()
    study.complete(_run(study, {1: 0.9}, "a"))

    assert not _check(study, _run(study, {1: 0.1}, "b")).should_stop


def test_a_finished_trial_is_to_be_stopped(service: Service) -> None:
    """Whoever still works on it may stop; one that waits is not run at all."""
    study = service.create()
    trial = study.leased()
    study.complete(trial, 0.5)

    assert _check(study, trial).should_stop
    assert not _check(study, study.add()).should_stop


def test_a_rule_has_defaults(service: Service) -> None:
    """Five trials and any step; a third goes on from the first step."""
    median_study = service.create("a", early_stopping=_median_rule())
    halving_study = service.create("b", early_stopping=_halving())

    assert median_study.get().early_stopping == _median_rule(min_trials=5, min_step=0)
    assert halving_study.get().early_stopping == _halving(min_step=1, reduction_factor=3)


@pytest.mark.parametrize(
    "rule",
    [
        _median_rule(min_trials=-1),
        _median_rule(min_step=-1),
        _median_rule(min_trials=2**63 - 1),
        _halving(min_step=-1),
        _halving(reduction_factor=1),
        _halving(reduction_factor=1001),
        _halving(min_step=2**63 - 1),
    ],
)
def test_a_rule_whose_numbers_make_no_sense_is_refused(
    service: Service, rule: study_pb2.EarlyStopping
) -> None:
    """With the rule named as the field."""
    with pytest.raises(InvalidArgumentError) as refused:
        service.create(early_stopping=rule)
    assert refused.value.field == f"study.early_stopping.{rule.WhichOneof('rule')}"


def test_checking_changes_nothing(service: Service) -> None:
    """It is advice: neither the trial nor its lease is touched."""
    study = service.create(early_stopping=_median_rule(min_trials=1))
    study.complete(_run(study, {1: 0.9}, "a"))
    trial = _run(study, {1: 0.1}, "b")
    rows = study.rows()
    service.clock.pass_by(30.0)

    assert _check(study, trial).should_stop
    assert study.rows() == rows
