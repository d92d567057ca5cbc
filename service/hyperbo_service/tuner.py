"""The tuner: points to try next in a study, computed outside any transaction.

Points that were computed and are not stored yet count as pending for whoever asks next, so that
callers of one server never get the same point; those of several servers find out when they store
theirs.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from hyperbo.errors import ExhaustedError
from hyperbo.suggest import Memory, Suggestion, suggest
from hyperbo_service.batching import Batcher
from hyperbo_service.domain import Parameters, Study
from hyperbo_service.resources import StudyName
from hyperbo_service.snapshots import Snapshot, Snapshots
from hyperbo_service.storage import Store
from hyperbo_service.strategies import Choice, Strategies, history_of, misfit

_MINDS = 256
"""Studies whose last refit is kept; it only saves time."""


@dataclass(frozen=True, eq=False)
class Points:
    """Points to try next.

    Attributes:
        units: The points in the unit cube, shape (B, D); fewer than asked for, or none, where the
            space is used up.
        configurations: The same in native values.
        before: Number of the study's next trial when they were computed: later trials were not
            known.
        choice: How they were made.
        has_all: Whether the space has no others left, not even among points that were given out and
            are not stored yet.
    """

    units: Float[np.ndarray, "B D"]
    configurations: tuple[Parameters, ...]
    before: int
    choice: Choice
    has_all: bool


@dataclass(eq=False)
class _Mind:
    """What is kept of a study between calls."""

    study: Study
    batcher: Batcher[Points]
    lock: threading.Lock = field(default_factory=threading.Lock)
    memory: Memory | None = None
    memory_of: str = ""
    choice: Choice | None = None
    chosen_at: int = -1
    unstored: list[Float[np.ndarray, "B D"]] = field(default_factory=list)


class Tuner:
    """Computes points to try next.

    Args:
        store: Where the trials are.
        strategies: Chooses how points are made.
        observe: Told the seconds that the core took for each batch, and how many points it made.
    """

    def __init__(
        self,
        store: Store,
        strategies: Strategies,
        observe: Callable[[float, int], None] = lambda seconds, count: None,  # noqa: ARG005
    ) -> None:
        self._store = store
        self._strategies = strategies
        self._observe = observe
        self._snapshots = Snapshots()
        self._lock = threading.Lock()
        self._minds: OrderedDict[int, _Mind] = OrderedDict()

    @property
    def snapshots(self) -> Snapshots:
        """Takes snapshots of studies."""
        return self._snapshots

    def ask(self, study: Study, count: int) -> Points:
        """Points to try next; they count as pending until they are released.

        Raises:
            NotFoundError: If the study, or the prior it names, is gone.
            PriorUnusableError: If that prior is damaged, or of a newer release.
        """
        return self._mind(study).batcher.ask(count)

    def release(self, study: Study, points: Points) -> None:
        """Say that points were stored, or will not be."""
        mind = self._mind(study)
        with mind.lock:
            mind.unstored = [units for units in mind.unstored if units is not points.units]

    def look(self, name: StudyName) -> tuple[Snapshot, Choice]:
        """A study as it stands, and how its suggestions are made then.

        What is computed for the choice is computed after the study was read.

        Raises:
            NotFoundError: If the study, or the prior it names, is gone.
            PriorUnusableError: If that prior is damaged, or of a newer release.
        """
        self._strategies.adopt(name.project)
        with self._store.read() as reader:
            study = reader.study(name)
            snapshot = self._snapshots.take(reader, study)
            known = self._known_choice(snapshot)
            candidates = () if known is not None else self._strategies.gather(reader, study)
        if known is not None:
            return snapshot, known
        choice = self._strategies.choose(snapshot, candidates)
        mind = self._mind(study)
        with mind.lock:
            mind.choice, mind.chosen_at = choice, snapshot.finished_count
        return snapshot, choice

    def _known_choice(self, snapshot: Snapshot) -> Choice | None:
        """The last choice, if it still holds."""
        mind = self._mind(snapshot.study)
        with mind.lock:
            known, chosen_at = mind.choice, mind.chosen_at
        study = snapshot.study
        if known is None or (study.prior_settled and study.resolved_prior != known.reference):
            return None  # another server has settled the choice
        holds = known.is_settled or chosen_at == snapshot.finished_count
        return known if holds and not misfit(snapshot, known.warp) else None

    def memory(self, study: Study, choice: Choice) -> Memory | None:
        """The study's last refit under a choice, if it is at hand."""
        mind = self._mind(study)
        with mind.lock:
            return mind.memory if mind.memory_of == choice.reference else None

    def _mind(self, study: Study) -> _Mind:
        with self._lock:
            mind = self._minds.get(study.key)
            if mind is None:
                mind = _Mind(study, Batcher(lambda counts: self._compute(study, counts)))
                self._minds[study.key] = mind
            self._minds.move_to_end(study.key)
            while len(self._minds) > _MINDS:
                self._minds.popitem(last=False)
            return mind

    def _compute(self, study: Study, counts: Sequence[int]) -> Sequence[Points]:
        """Points for all who ask, each for a number of them."""
        mind = self._mind(study)
        with mind.lock:
            unstored = list(mind.unstored)
        snapshot, choice = self.look(study.name)
        study = snapshot.study
        began = time.perf_counter()
        units = self._suggest(snapshot, choice, unstored, sum(counts))
        self._observe(time.perf_counter() - began, units.shape[0])
        configurations = snapshot.space.decode(units) if units.size else []
        is_short = units.shape[0] < sum(counts)
        shared, start = [], 0
        for count in counts:
            part = slice(start, start + count)
            found = tuple(configurations[part])
            has_all = is_short and not unstored and len(found) == units.shape[0]
            shared.append(Points(units[part], found, study.next_trial, choice, has_all))
            start += count
        with mind.lock:
            mind.unstored.extend(points.units for points in shared)
        return shared

    def _suggest(
        self,
        snapshot: Snapshot,
        choice: Choice,
        unstored: Sequence[Float[np.ndarray, "B D"]],
        count: int,
    ) -> Float[np.ndarray, "B D"]:
        """At most `count` points, as many as the space has left."""
        study = snapshot.study
        taken = sum(units.shape[0] for units in unstored)
        rng = np.random.default_rng([study.seed, study.next_trial, taken])
        empty = np.zeros((0, snapshot.space.dimension))
        found: list[Float[np.ndarray, "B D"]] = []
        wanted = count
        while wanted:
            pending = np.concatenate([empty, *unstored, *found])
            history = history_of(snapshot, choice.warp, pending)
            try:
                suggestion = suggest(
                    rng,
                    choice.strategy,
                    snapshot.space,
                    history,
                    count=wanted,
                    memory=self.memory(study, choice),
                )
            except ExhaustedError:
                if wanted == 1:
                    break
                # So many are not left; take half, and see whether there are more.
                wanted = wanted // 2
                continue
            self._remember(study, choice, suggestion)
            found.append(suggestion.points)
            wanted = count - sum(units.shape[0] for units in found)
        return np.concatenate([empty, *found])

    def _remember(self, study: Study, choice: Choice, suggestion: Suggestion) -> None:
        mind = self._mind(study)
        with mind.lock:
            mind.memory, mind.memory_of = suggestion.memory, choice.reference


def same_points(units: Float[np.ndarray, "B D"], others: Float[np.ndarray, "K D"]) -> list[bool]:
    """For each point, whether it is among the others."""
    if not others.size:
        return [False] * units.shape[0]
    gaps = np.abs(units[:, None, :] - others[None, :, :]).max(axis=2)
    return [bool(each) for each in (gaps <= _SAME).any(axis=1)]


_SAME = 1e-9
