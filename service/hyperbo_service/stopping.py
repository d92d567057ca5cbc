"""Early stopping: whether a running trial's learning curve is worth going on with.

Neither rule says anything of a trial without measurements, and a rule only advises: the client
stops training and completes the trial with what it has.
"""

from dataclasses import dataclass
from statistics import median

from hyperbo_service.domain import Detail, MedianRule, Study, SuccessiveHalving, Trial, TrialState
from hyperbo_service.resources import TrialName
from hyperbo_service.storage import Reader


@dataclass(frozen=True)
class Advice:
    """Whether to stop, and what that rests on, for people."""

    should_stop: bool
    reason: str


def advise(reader: Reader, name: TrialName) -> Advice:
    """Whether a trial should be stopped.

    Raises:
        NotFoundError: If there is no such trial.
    """
    study, trial = reader.trial(name, detail=Detail.FULL)
    if trial.state is not TrialState.RUNNING:
        is_over = trial.state is not TrialState.WAITING
        return Advice(is_over, f"The trial is {trial.state}.")
    if study.stopping is None:
        return Advice(should_stop=False, reason="The study has no rule of early stopping.")
    if not trial.measurements:
        return Advice(should_stop=False, reason="The trial has no measurement yet.")
    if isinstance(study.stopping, MedianRule):
        return _by_median(reader, study, trial, study.stopping)
    return _by_halving(reader, study, trial, study.stopping)


def _by_median(reader: Reader, study: Study, trial: Trial, rule: MedianRule) -> Advice:
    """Compare the best value so far with the median of averages, as Golovin et al. (2017)."""
    step = trial.measurements[-1].step
    if step < rule.min_step:
        return Advice(should_stop=False, reason=f"The rule begins at step {rule.min_step}.")
    others = [
        point
        for point in reader.curve_points(study, step, completed_only=True)
        if point.number != trial.name.number
    ]
    if len(others) < rule.min_trials:
        return Advice(
            should_stop=False,
            reason=f"{len(others)} completed trials have a curve; the rule wants "
            f"{rule.min_trials}.",
        )
    bar = median(point.average for point in others)
    best = _best(study, trial, step)
    is_below = best < bar
    sign = study.metric.goal.sign
    return Advice(
        is_below,
        f"Its best {study.metric.name} up to step {step} is {sign * best:.6g}; the median average "
        f"of {len(others)} completed trials there is {sign * bar:.6g}.",
    )


def _by_halving(reader: Reader, study: Study, trial: Trial, rule: SuccessiveHalving) -> Advice:
    """Go on only among the best at the last rung reached, as Li et al. (2020), stopping variant."""
    last = trial.measurements[-1].step
    if last < rule.min_step:
        return Advice(should_stop=False, reason=f"The first rung is at step {rule.min_step}.")
    rung = rule.min_step
    while rung * rule.reduction_factor <= last:
        rung *= rule.reduction_factor
    points = {
        point.number: point.best for point in reader.curve_points(study, rung, completed_only=False)
    }
    mine = points.get(trial.name.number)
    if mine is None:
        return Advice(should_stop=False, reason=f"The trial has no measurement up to step {rung}.")
    places = len(points) // rule.reduction_factor
    if not places:
        return Advice(
            should_stop=False,
            reason=f"{len(points)} trials have reached step {rung}; the rule wants "
            f"{rule.reduction_factor}.",
        )
    rank = 1 + sum(other > mine for other in points.values())
    return Advice(
        rank > places,
        f"It is number {rank} of {len(points)} trials at step {rung}; the best {places} go on.",
    )


def _best(study: Study, trial: Trial, step: int) -> float:
    """The best value up to a step, maximised."""
    return max(
        study.metric.goal.sign * value.value
        for measurement in trial.measurements
        if measurement.step <= step
        for value in measurement.values
        if value.metric == study.metric.name
    )
