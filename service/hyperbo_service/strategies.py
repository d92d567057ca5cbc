"""Strategies: which prior a study starts from, and how its trials look in that prior's unit."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from hyperbo.errors import PriorError
from hyperbo.prior_files import PriorFiles
from hyperbo.suggest import History, Strategy, from_prior, from_scratch, weigh
from hyperbo_datasets.errors import TableError
from hyperbo_datasets.metric import Identity, Metric, Warp, goal_from_name, metric_from_dict
from hyperbo_service.domain import StoredPrior, Study
from hyperbo_service.errors import PriorUnusableError
from hyperbo_service.resources import PriorName
from hyperbo_service.snapshots import Snapshot
from hyperbo_service.storage import Condition, Reader
from hyperbo_service.study_checks import AUTO, NONE
from hyperbo_service.trial_checks import space_of

SETTLED_AT = 10
"""Finished trials after which `auto` has made its choice."""

_CANDIDATES = 8
_KEPT = 32


@dataclass(frozen=True)
class Choice:
    """How a study's suggestions are made.

    Attributes:
        strategy: Who is asked.
        warp: The unit that the strategy sees the metric in.
        reference: The prior, `name@version`; empty if there is none.
        note: Why that one, or why none.
        is_settled: Whether the choice holds for the rest of the study.
    """

    strategy: Strategy
    warp: Warp
    reference: str
    note: str
    is_settled: bool


@dataclass(frozen=True)
class _Loaded:
    """A prior ready to be asked."""

    strategy: Strategy
    warp: Warp


def history_of(
    snapshot: Snapshot, warp: Warp, pending: Float[np.ndarray, "P D"] | None = None
) -> History:
    """A snapshot's trials in a warp's unit, larger is better.

    An infeasible trial counts as the worst completed one; before the first completed trial it only
    marks its place as taken.

    Args:
        snapshot: The trials.
        warp: The unit.
        pending: Further points that were given out and are not stored yet.

    Raises:
        TableError: If the warp does not admit a value.
    """
    metric = metric_of(snapshot.study, warp)
    values = metric.warped(snapshot.values) if snapshot.values.size else snapshot.values
    inputs, waiting = snapshot.completed, [snapshot.pending]
    stderrs = _warped_stderrs(metric, snapshot)
    if values.size:
        count = snapshot.infeasible.shape[0]
        inputs = np.concatenate([inputs, snapshot.infeasible])
        values = np.concatenate([values, np.full(count, values.min())])
        stderrs = np.concatenate([stderrs, np.zeros(count)])
    else:
        waiting.append(snapshot.infeasible)
    if pending is not None:
        waiting.append(pending)
    if not stderrs.any():
        return History(inputs, values, np.concatenate(waiting))
    return History(inputs, values, np.concatenate(waiting), stderrs=stderrs)


def metric_of(study: Study, warp: Warp) -> Metric:
    """The study's metric in a warp's unit."""
    return Metric(study.metric.name, goal_from_name(study.metric.goal.value), warp)


def _warped_stderrs(metric: Metric, snapshot: Snapshot) -> Float[np.ndarray, " N"]:
    """Standard errors in the warp's unit: what one error to the worse side makes of a value."""
    if not snapshot.stderrs.any():
        return snapshot.stderrs
    worse = snapshot.values - snapshot.study.metric.goal.sign * snapshot.stderrs
    stderrs: Float[np.ndarray, " N"] = np.abs(metric.warped(snapshot.values) - metric.warped(worse))
    return stderrs


@dataclass
class Strategies:
    """Chooses strategies, and keeps the priors that were loaded last.

    Attributes:
        adopt: Called for a project before its priors are looked through, outside any transaction,
            to bring in new ones from elsewhere.
    """

    adopt: Callable[[str], None] = lambda project: None  # noqa: ARG005 - the default does nothing
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _loaded: OrderedDict[tuple[str, str, int], _Loaded] = field(default_factory=OrderedDict)
    hits: int = 0
    misses: int = 0

    def choose(self, reader: Reader, snapshot: Snapshot) -> Choice:
        """The strategy of a study as it stands.

        Raises:
            NotFoundError: If the prior it names is gone.
            PriorUnusableError: If that prior is damaged, or of a newer release.
        """
        study = snapshot.study
        if study.prior == NONE:
            return self.scratch(study, "The study asks for none.")
        if study.prior != AUTO or study.prior_settled:
            return self._named(reader, snapshot, study.resolved_prior or study.prior)
        return self._automatic(reader, snapshot)

    def scratch(self, study: Study, note: str, *, is_settled: bool = True) -> Choice:
        """Start from nothing."""
        dimension = dimension_of(study)
        return Choice(from_scratch(dimension), Identity(), "", note, is_settled)

    def _named(self, reader: Reader, snapshot: Snapshot, reference: str) -> Choice:
        study = snapshot.study
        if study.prior_settled and not study.resolved_prior:
            return self.scratch(study, study.prior_note)
        name = PriorName.within(study.name.project, reference)
        prior = reader.prior(name.project, name.prior, name.version)
        loaded = self.load(reader, study, prior)
        misfit = _misfit(snapshot, loaded)
        if misfit:
            return self.scratch(study, f"{prior.reference} cannot be used: {misfit}")
        note = study.prior_note or "The study names it."
        return Choice(loaded.strategy, loaded.warp, prior.reference, note, is_settled=True)

    def _automatic(self, reader: Reader, snapshot: Snapshot) -> Choice:
        """The candidate under which the finished trials are most probable against scratch."""
        study, count = snapshot.study, snapshot.finished_count
        is_settled = count >= SETTLED_AT
        best: Choice | None = None
        best_evidence = -np.inf
        tried = 0
        for prior in self._candidates(reader, study):
            try:
                loaded = self.load(reader, study, prior)
            except PriorUnusableError:
                continue
            if _misfit(snapshot, loaded):
                continue
            tried += 1
            evidence = log_bayes_factor(loaded.strategy, history_of(snapshot, loaded.warp))
            if evidence > best_evidence:
                note = (
                    f"Of the priors that fit, it foretold the first {count} trials best "
                    f"(log Bayes factor {evidence:+.1f} against starting from nothing)."
                    if count > 1
                    else "It is the newest that fits the search space and goal."
                )
                best_evidence = evidence
                best = Choice(loaded.strategy, loaded.warp, prior.reference, note, is_settled)
        if best is not None:
            return best
        note = "No prior in the registry fits the search space and goal."
        return self.scratch(study, note, is_settled=is_settled)

    def _candidates(self, reader: Reader, study: Study) -> list[StoredPrior]:
        """Active priors that fit: for this very space first, else for any; the newest first."""
        for digest in (study.space_digest, ""):
            conditions = (Condition("space_digest", "=", digest), Condition("state", "=", "active"))
            found = [
                prior
                for prior in reader.priors(study.name.project, conditions, None, 1000)
                if prior.goal in (None, study.metric.goal)
            ]
            if found:
                newest = sorted(found, key=lambda prior: prior.created, reverse=True)
                return newest[:_CANDIDATES]
        return []

    def load(self, reader: Reader, study: Study, prior: StoredPrior) -> _Loaded:
        """A prior ready to be asked about a study.

        Raises:
            PriorUnusableError: If it is damaged, or of a newer release.
        """
        dimension = dimension_of(study)
        key = (prior.digest, study.metric.goal.value, dimension)
        with self._lock:
            known = self._loaded.get(key)
            self.hits, self.misses = self.hits + bool(known), self.misses + (known is None)
        if known is None:
            known = _open(reader, study, prior, dimension)
        with self._lock:
            self._loaded[key] = known
            self._loaded.move_to_end(key)
            while len(self._loaded) > _KEPT:
                self._loaded.popitem(last=False)
        return known


def _open(reader: Reader, study: Study, prior: StoredPrior, dimension: int) -> _Loaded:
    manifest, weights = reader.prior_files(prior.project, prior.prior, prior.version)
    try:
        stored = PriorFiles(manifest, weights).open()
        strategy = from_prior(stored.expert(dimension), dimension)
    except PriorError as error:
        raise PriorUnusableError(
            f"{study.name} cannot be given suggestions: {error}", resource=prior.reference
        ) from error
    described = stored.manifest.metric
    warp: Warp = Identity()
    if described is not None:
        warp = metric_from_dict(dict(described)).warp
    return _Loaded(strategy, warp)


def log_bayes_factor(strategy: Strategy, history: History) -> float:
    """How much more probable the trials are under the prior than from nothing, in nats."""
    if history.values.size < 2:
        return 0.0
    evidence = weigh(strategy, history).log_evidence
    return float(evidence[0] - evidence[-1])


def _misfit(snapshot: Snapshot, loaded: _Loaded) -> str:
    """Why a prior's unit does not admit the study's values; empty if it does."""
    try:
        history_of(snapshot, loaded.warp)
    except TableError as error:
        return str(error)
    return ""


def dimension_of(study: Study) -> int:
    """Number of unit coordinates of a study's space."""
    return space_of(study.space).dimension
