"""Snapshots: what is known of a study at one moment, as suggestions and predictions see it."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hyperbo.space import SearchSpace
from hyperbo_service.domain import Study, TrialState
from hyperbo_service.storage import Outcome, Reader
from hyperbo_service.trial_checks import space_of

_STUDIES = 128
"""Studies whose encoded configurations are kept; it only saves time."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A study's trials, read at one moment.

    Attributes:
        study: The study.
        completed: Unit points of completed trials, shape (N, D).
        values: Their values in the metric's native unit, shape (N,).
        stderrs: Their standard errors, zero where none was given, shape (N,).
        infeasible: Unit points of infeasible trials.
        pending: Unit points of all others: they are running, or ended without a result.
        open_count: Number of trials that wait or run.
        given_out: Number of trials that count against the budget.
    """

    study: Study
    completed: Float[np.ndarray, "N D"]
    values: Float[np.ndarray, " N"]
    stderrs: Float[np.ndarray, " N"]
    infeasible: Float[np.ndarray, "I D"]
    pending: Float[np.ndarray, "P D"]
    open_count: int
    given_out: int

    @property
    def space(self) -> SearchSpace:
        """The study's search space."""
        return space_of(self.study.space)

    @property
    def finished_count(self) -> int:
        """Number of trials that say something of the objective."""
        return len(self.completed) + len(self.infeasible)


class Snapshots:
    """Takes snapshots; configurations never change, so each is read and encoded once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._points: OrderedDict[int, dict[int, Float[np.ndarray, " D"]]] = OrderedDict()

    def take(self, reader: Reader, study: Study) -> Snapshot:
        """The study as the reader sees it."""
        outcomes = reader.outcomes(study)
        points = self._encoded(reader, study, [each.number for each in outcomes])
        dimension = space_of(study.space).dimension

        def stacked(chosen: Sequence[Outcome]) -> Float[np.ndarray, "K D"]:
            if not chosen:
                return np.zeros((0, dimension))
            return np.stack([points[each.number] for each in chosen])

        def having(*states: TrialState) -> list[Outcome]:
            return [each for each in outcomes if each.state in states]

        completed = having(TrialState.COMPLETED)
        infeasible = having(TrialState.INFEASIBLE)
        open_ones = having(TrialState.WAITING, TrialState.RUNNING)
        abandoned = having(TrialState.ABANDONED)
        return Snapshot(
            study=study,
            completed=stacked(completed),
            values=np.array([each.value for each in completed], dtype=np.float64),
            stderrs=np.array([each.stderr or 0.0 for each in completed], dtype=np.float64),
            infeasible=stacked(infeasible),
            pending=stacked([*open_ones, *having(TrialState.FAILED), *abandoned]),
            open_count=len(open_ones),
            given_out=len(outcomes) - len(abandoned),
        )

    def encode(
        self, reader: Reader, study: Study, numbers: Sequence[int]
    ) -> Float[np.ndarray, "K D"]:
        """Unit points of those trials that there are.

        Nothing is kept of them: the reader may be within a transaction that is yet to fail, and its
        trials' numbers may go to others.
        """
        space = space_of(study.space)
        configurations = reader.configurations(study, numbers)
        if not configurations:
            return np.zeros((0, space.dimension))
        return space.encode(list(configurations.values()))

    def _encoded(
        self, reader: Reader, study: Study, numbers: Sequence[int]
    ) -> dict[int, Float[np.ndarray, " D"]]:
        with self._lock:
            known = self._points.get(study.key, {})
        unseen = [number for number in numbers if number not in known]
        if unseen:
            configurations = reader.configurations(study, unseen)
            units = space_of(study.space).encode([configurations[number] for number in unseen])
            known = {**known, **dict(zip(unseen, units, strict=True))}
        with self._lock:
            self._points[study.key] = known
            self._points.move_to_end(study.key)
            while len(self._points) > _STUDIES:
                self._points.popitem(last=False)
        return known
