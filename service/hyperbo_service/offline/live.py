"""Live tuning: the trials of a study are real training runs of a collected workload."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from hyperbo_datasets.collect.train import Evaluation, Trainer

Report = Callable[[int, Evaluation], None]


@dataclass(frozen=True)
class Ended:
    """A trial that was trained.

    Attributes:
        number: The trial's number in its study.
        parameters: Its configuration, in the order of the space.
        error_rate: At its last evaluation; None if it diverged.
        steps: Training steps it took.
        seconds: Wall time of the training.
    """

    number: int
    parameters: dict[str, Any]
    error_rate: float | None
    steps: int
    seconds: float


def tune(
    study: Any, trainer: Trainer, trials: int, report: Report = lambda *_: None
) -> Iterator[Ended]:
    """Train the trials that a study suggests, one after the other.

    Every evaluation is reported, so that the study may advise to stop; a run that diverges is
    infeasible. A trial that was handed to another meanwhile is given up, and not yielded.

    Args:
        study: A study of the client's, over the space of the trainer's optimiser and the metric of
            collections.
        trainer: Trains the workload.
        trials: How many.
        report: Told a trial's number and each of its evaluations.
    """
    names = trainer.optimizer.space.names
    for trial in study.trials(trials):
        with trial:
            last: Evaluation | None = None
            for (last,) in trainer.train([trial.parameters]):
                report(trial.number, last)
                if last.diverged_at is not None:
                    trial.infeasible(f"diverged at step {last.diverged_at}")
                    break
                trial.report(last.error_rate, step=last.step, elapsed=last.seconds)
                if trial.should_stop():
                    break
        if last is None or trial.is_lost:
            continue
        has_diverged, parameters = last.diverged_at is not None, trial.parameters
        yield Ended(
            trial.number,
            {name: parameters[name] for name in names if name in parameters},
            None if has_diverged else last.error_rate,
            last.diverged_at or last.step,
            last.seconds,
        )
