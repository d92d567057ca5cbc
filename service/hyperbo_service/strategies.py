"""Strategies: which prior a study starts from, and how its trials look in that prior's unit."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
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


@dataclass(frozen=True)
class Candidate:
    """A prior that a study may start from, and its files or, if it was at hand, the prior ready."""

    prior: StoredPrior
    content: PriorFiles | _Loaded


@dataclass
class Strategies:
    """Chooses strategies, and keeps the priors that were loaded last.

    Attributes:
        adopt: Called for a project before its priors are looked through, outside any transaction,
            to bring in new ones from elsewhere.
        hits: How often a prior was at hand.
        misses: How often one had to be loaded.
    """

    adopt: Callable[[str], None] = lambda project: None  # noqa: ARG005 - the default does nothing
    hits: int = 0
    misses: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _loaded: OrderedDict[tuple[str, str, int], _Loaded] = field(default_factory=OrderedDict)

    def gather(self, reader: Reader, study: Study) -> tuple[Candidate, ...]:
        """Priors that a study may start from, the best guess first; nothing is computed.

        Raises:
            NotFoundError: If the prior that the study names is gone.
        """
        if study.prior == NONE or (study.prior_settled and not study.resolved_prior):
            return ()
        if study.prior == AUTO and not study.prior_settled:
            found = _fitting(reader, study)
        else:
            reference = study.resolved_prior or study.prior
            name = PriorName.within(study.name.project, reference)
            found = [reader.prior(name.project, name.prior, name.version)]
        return tuple(Candidate(prior, self._content(reader, study, prior)) for prior in found)

    def choose(self, snapshot: Snapshot, candidates: Sequence[Candidate]) -> Choice:
        """The strategy of a study as it stands.

        Args:
            snapshot: The study.
            candidates: What `gather` found for it.

        Raises:
            PriorUnusableError: If the prior it names is damaged, or of a newer release.
        """
        study = snapshot.study
        if study.prior == NONE:
            return _scratch(study, "The study asks for none.", is_settled=True)
        if study.prior == AUTO and not study.prior_settled:
            return self._most_probable(snapshot, candidates)
        if not candidates:
            return _scratch(study, study.prior_note, is_settled=True)
        prior = candidates[0].prior
        loaded = self._load(study, candidates[0])
        problem = misfit(snapshot, loaded.warp)
        if problem:
            return _scratch(study, f"{prior.reference} cannot be used: {problem}", is_settled=True)
        note = study.prior_note or "The study names it."
        return Choice(loaded.strategy, loaded.warp, prior.reference, note, is_settled=True)

    def _most_probable(self, snapshot: Snapshot, candidates: Sequence[Candidate]) -> Choice:
        """The candidate under which the finished trials are most probable against scratch."""
        study, count = snapshot.study, snapshot.finished_count
        is_settled = count >= SETTLED_AT
        best, best_evidence = None, -np.inf
        for candidate in candidates:
            try:
                loaded = self._load(study, candidate)
            except PriorUnusableError:
                continue
            if misfit(snapshot, loaded.warp):
                continue
            evidence = log_bayes_factor(loaded.strategy, history_of(snapshot, loaded.warp))
            if evidence > best_evidence:
                best_evidence = evidence
                note = _note(count, evidence)
                reference = candidate.prior.reference
                best = Choice(loaded.strategy, loaded.warp, reference, note, is_settled)
        if best is not None:
            return best
        note = "No prior in the registry fits the search space and goal."
        return _scratch(study, note, is_settled=is_settled)

    def _content(self, reader: Reader, study: Study, prior: StoredPrior) -> PriorFiles | _Loaded:
        with self._lock:
            loaded = self._loaded.get(_key(study, prior))
        if loaded is not None:
            return loaded
        return PriorFiles(*reader.prior_files(prior.project, prior.prior, prior.version))

    def _load(self, study: Study, candidate: Candidate) -> _Loaded:
        """A prior ready to be asked about a study.

        Raises:
            PriorUnusableError: If it is damaged, or of a newer release.
        """
        key, content = _key(study, candidate.prior), candidate.content
        with self._lock:
            known = content if isinstance(content, _Loaded) else self._loaded.get(key)
            self.hits, self.misses = self.hits + bool(known), self.misses + (known is None)
        if known is None:
            assert isinstance(content, PriorFiles)  # noqa: S101 - it was not loaded
            known = _open(study, candidate.prior, content)
        with self._lock:
            self._loaded[key] = known
            self._loaded.move_to_end(key)
            while len(self._loaded) > _KEPT:
                self._loaded.popitem(last=False)
        return known


def misfit(snapshot: Snapshot, warp: Warp) -> str:
    """Why a unit does not admit the study's values; empty if it does."""
    try:
        history_of(snapshot, warp)
    except TableError as error:
        return str(error)
    return ""


def _scratch(study: Study, note: str, *, is_settled: bool) -> Choice:
    return Choice(from_scratch(dimension_of(study)), Identity(), "", note, is_settled)


def _note(count: int, evidence: float) -> str:
    if count < 2:
        return "It is the newest that fits the search space and goal."
    return (
        f"Of the priors that fit, it foretold the first {count} trials best (log Bayes factor "
        f"{evidence:+.1f} against starting from nothing)."
    )


def _key(study: Study, prior: StoredPrior) -> tuple[str, str, int]:
    return prior.digest, study.metric.goal.value, dimension_of(study)


def _fitting(reader: Reader, study: Study) -> list[StoredPrior]:
    """Active priors that fit: for this very space, else for any; the newest first."""
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


def _open(study: Study, prior: StoredPrior, files: PriorFiles) -> _Loaded:
    dimension = dimension_of(study)
    try:
        stored = files.open()
        strategy = from_prior(stored.expert(dimension), dimension)
    except PriorError as error:
        raise PriorUnusableError(
            f"{study.name} cannot be given suggestions: {error}",
            resource=prior.reference,
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


def dimension_of(study: Study) -> int:
    """Number of unit coordinates of a study's space."""
    return space_of(study.space).dimension
