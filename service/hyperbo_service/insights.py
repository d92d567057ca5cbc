"""Insights: what a study's posterior foretells, and whether its prior helped."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from hyperbo.errors import SpaceError
from hyperbo.suggest import predict, weigh
from hyperbo_service.domain import Parameters
from hyperbo_service.errors import OutsideSpaceError
from hyperbo_service.resources import StudyName
from hyperbo_service.strategies import history_of, metric_of
from hyperbo_service.tuner import Tuner

_HALF_WIDTH = 1.959964
"""Standard deviations from the middle of a normal law to the ends of its 95 % interval."""

CLEAR = 3.0
"""Nats of evidence, a factor of twenty, from which on one side is said to be better."""


@dataclass(frozen=True)
class Foretold:
    """A metric's median and the ends of its 95 % interval, in its native unit."""

    median: float
    lower: float
    upper: float


class Verdict(StrEnum):
    """Whether a prior helped."""

    NOTHING_TO_COMPARE = "nothing_to_compare"
    HELPED = "helped"
    UNDECIDED = "undecided"
    MISLED = "misled"


@dataclass(frozen=True)
class PriorReport:
    """A prior's evidence against starting from nothing, in nats.

    Attributes:
        prior: `name@version`; empty if the study has none.
        trial_count: Finished trials that this rests on.
        prior_log_evidence: Log probability of the trials under the prior.
        scratch_log_evidence: The same under the process that starts from nothing.
        trust: The prior's weight in the study's suggestions.
    """

    study: StudyName
    prior: str
    trial_count: int
    prior_log_evidence: float
    scratch_log_evidence: float
    trust: float
    note: str

    @property
    def log_bayes_factor(self) -> float:
        """Positive where the prior foretold the trials better."""
        return self.prior_log_evidence - self.scratch_log_evidence

    @property
    def verdict(self) -> Verdict:
        """Whether the prior helped."""
        if not self.prior or self.trial_count < 2:
            return Verdict.NOTHING_TO_COMPARE
        if abs(self.log_bayes_factor) < CLEAR:
            return Verdict.UNDECIDED
        return Verdict.HELPED if self.log_bayes_factor > 0 else Verdict.MISLED

    @property
    def summary(self) -> str:
        """The verdict in a sentence."""
        ratio = f"{np.exp(min(abs(self.log_bayes_factor), 700.0)):.3g}"
        match self.verdict:
            case Verdict.HELPED:
                return (
                    f"Yes: the {self.trial_count} finished trials are {ratio} times more probable "
                    f"under {self.prior} than from nothing."
                )
            case Verdict.MISLED:
                return (
                    f"No: the {self.trial_count} finished trials are {ratio} times less probable "
                    f"under {self.prior} than from nothing, so it has little say now."
                )
            case Verdict.UNDECIDED:
                return (
                    f"Undecided: after {self.trial_count} finished trials neither {self.prior} "
                    f"nor starting from nothing is {np.exp(CLEAR):.0f} times more probable."
                )
        if not self.prior:
            return f"The study starts from nothing. {self.note}".strip()
        return f"Too early: {self.trial_count} finished trials; two are the least."


class Insights:
    """Answers questions about a study's posterior."""

    def __init__(self, tuner: Tuner) -> None:
        self._tuner = tuner

    def predict(self, name: StudyName, points: Sequence[Parameters]) -> list[Foretold]:
        """What the posterior foretells of the noise-free metric at points.

        Raises:
            NotFoundError: If there is no such study.
            OutsideSpaceError: If the study's space does not admit a point.
        """
        snapshot, choice = self._tuner.look(name)
        try:
            units = snapshot.space.encode(points)
        except SpaceError as error:
            raise OutsideSpaceError(str(error), field="points", resource=str(name)) from error
        history = history_of(snapshot, choice.warp)
        foretold = predict(
            choice.strategy, history, units, memory=self._tuner.memory(snapshot.study, choice)
        )
        metric = metric_of(snapshot.study, choice.warp)
        half = _HALF_WIDTH * foretold.stddev
        middle = metric.unwarped(foretold.mean)
        ends = metric.unwarped(foretold.mean - half), metric.unwarped(foretold.mean + half)
        lower, upper = np.minimum(*ends), np.maximum(*ends)
        return [
            Foretold(float(m), float(low), float(high))
            for m, low, high in zip(middle, lower, upper, strict=True)
        ]

    def prior_report(self, name: StudyName) -> PriorReport:
        """Whether a study's prior helped.

        Raises:
            NotFoundError: If there is no such study.
        """
        snapshot, choice = self._tuner.look(name)
        count = snapshot.finished_count
        if not choice.reference:
            return PriorReport(name, "", count, 0.0, 0.0, 0.0, choice.note)
        history = history_of(snapshot, choice.warp)
        weights = weigh(choice.strategy, history, memory=self._tuner.memory(snapshot.study, choice))
        return PriorReport(
            study=name,
            prior=choice.reference,
            trial_count=count,
            prior_log_evidence=float(weights.log_evidence[0]),
            scratch_log_evidence=float(weights.log_evidence[-1]),
            trust=float(np.exp(weights.log_trust[0])),
            note=choice.note,
        )
