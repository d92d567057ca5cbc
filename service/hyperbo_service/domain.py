"""Studies, trials and measurements as plain values, and which moves between states are legal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum, StrEnum, auto

from hyperbo_service.errors import IllegalMoveError
from hyperbo_service.resources import StudyName, TrialName

Value = bool | int | float | str
Parameters = Mapping[str, Value]
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


class StudyState(StrEnum):
    """Whether a study gives suggestions."""

    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"


class StopReason(StrEnum):
    """Why a study is completed."""

    MAX_TRIALS = "max_trials"
    MAX_DURATION = "max_duration"
    TARGET_REACHED = "target_reached"
    SPACE_EXHAUSTED = "space_exhausted"
    REQUESTED = "requested"


class TrialState(StrEnum):
    """Where a trial is in its life."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETED = "completed"
    INFEASIBLE = "infeasible"
    FAILED = "failed"
    ABANDONED = "abandoned"


class Detail(Enum):
    """How much of a trial is read."""

    BARE = auto()
    """Neither parameters nor values."""
    BASIC = auto()
    """All but the learning curve."""
    FULL = auto()
    """All."""


class Origin(StrEnum):
    """Where a trial's configuration comes from."""

    SUGGESTED = "suggested"
    CREATED = "created"
    IMPORTED = "imported"


class Goal(StrEnum):
    """Which way is better."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"

    @property
    def sign(self) -> float:
        """What a value is multiplied by so that larger is better."""
        return 1.0 if self is Goal.MAXIMIZE else -1.0


TRIAL_MOVES: Mapping[TrialState, frozenset[TrialState]] = {
    TrialState.WAITING: frozenset(
        {TrialState.RUNNING, TrialState.INFEASIBLE, TrialState.ABANDONED}
    ),
    # From running to running: an expired lease is handed out again.
    TrialState.RUNNING: frozenset(
        {
            TrialState.RUNNING,
            TrialState.COMPLETED,
            TrialState.INFEASIBLE,
            TrialState.FAILED,
            TrialState.ABANDONED,
        }
    ),
    TrialState.COMPLETED: frozenset(),
    TrialState.INFEASIBLE: frozenset(),
    TrialState.FAILED: frozenset(),
    TrialState.ABANDONED: frozenset(),
}
"""Every legal move of a trial; whatever is not here is refused."""

STUDY_MOVES: Mapping[StudyState, frozenset[StudyState]] = {
    StudyState.ACTIVE: frozenset({StudyState.PAUSED, StudyState.COMPLETED}),
    StudyState.PAUSED: frozenset({StudyState.ACTIVE, StudyState.COMPLETED}),
    # A study may be opened again, e.g. with a larger budget.
    StudyState.COMPLETED: frozenset({StudyState.ACTIVE}),
}
"""Every legal move of a study."""

MOST_MEASUREMENTS = 25_000
"""Points that a learning curve may have: so many fit into one message, whatever they hold."""

FINISHED = frozenset(state for state, moves in TRIAL_MOVES.items() if not moves)
"""States that a trial never leaves."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric, and which way is better."""

    name: str
    goal: Goal


@dataclass(frozen=True, slots=True)
class Budget:
    """When a study is done; None where there is no such limit.

    Attributes:
        max_trials: Trials to be given out; abandoned and deleted ones do not count.
        max_duration: Time from the study's creation.
        target: A value of the metric that is good enough, in its native unit.
    """

    max_trials: int | None = None
    max_duration: timedelta | None = None
    target: float | None = None


@dataclass(frozen=True, slots=True)
class MedianRule:
    """Stop below the median of completed trials' running averages at the same step."""

    min_trials: int = 5
    min_step: int = 0


@dataclass(frozen=True, slots=True)
class SuccessiveHalving:
    """At rungs `min_step * reduction_factor ** k` only one in `reduction_factor` goes on."""

    min_step: int = 1
    reduction_factor: int = 3


StoppingRule = MedianRule | SuccessiveHalving | None


@dataclass(frozen=True, slots=True)
class Study:
    """A tuning study.

    Attributes:
        key: The database's number of it; zero before it is stored.
        name: Its resource name.
        space: Canonical JSON of the search space.
        space_digest: SHA-256 of that text.
        metric: What is tuned.
        prior: What was asked for: `none`, `auto` or `name@version`.
        resolved_prior: The prior in use, `name@version`; empty if there is none yet.
        prior_note: Why that one, or why none.
        prior_settled: Whether `auto` has made its final choice.
        seed: Feeds all randomness.
        next_trial: Number of the next trial; none is ever used twice.
        first_token: What its trials' fencing tokens start from: zero, or, where its name was used
            before, more than any token then, so that late writes to the old trials stay refused.
    """

    key: int
    name: StudyName
    display_name: str
    space: str
    space_digest: str
    metric: Metric
    prior: str
    resolved_prior: str
    prior_note: str
    prior_settled: bool
    budget: Budget
    stopping: StoppingRule
    seed: int
    labels: Mapping[str, str]
    state: StudyState
    stop_reason: StopReason | None
    next_trial: int
    first_token: int
    created: datetime
    updated: datetime
    ended: datetime | None


@dataclass(frozen=True, slots=True)
class MetricValue:
    """A metric's value in its native unit, and its standard error if that is known."""

    metric: str
    value: float
    stderr: float | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """One point of a learning curve."""

    step: int
    values: tuple[MetricValue, ...]
    elapsed: float | None
    cost: float | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Trial:
    """One configuration of a study.

    Attributes:
        token: The lease's fencing token: how often the trial was handed out.
        last_step: Step of the last measurement under the current token; None if there is none.
        measurement_count: Number of measurements in the learning curve.
        revision: Counts the changes of the row.
    """

    name: TrialName
    state: TrialState
    parameters: Parameters
    origin: Origin
    created: datetime
    updated: datetime
    values: tuple[MetricValue, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    measurement_count: int = 0
    client_id: str = ""
    token: int = 0
    lease: timedelta | None = None
    lease_expires: datetime | None = None
    reason: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    last_step: int | None = None
    cost: float | None = None
    revision: int = 1


@dataclass(frozen=True, slots=True)
class Lease:
    """What never changes of a lease, so that it may be remembered.

    Attributes:
        study: Key of the study.
        number: The trial's number.
        token: The fencing token.
        length: How long it lasts from each renewal.
        metric: Name of the study's metric.
    """

    study: int
    number: int
    token: int
    length: timedelta
    metric: str


@dataclass(frozen=True, slots=True)
class StoredPrior:
    """A prior in the registry, without its weights.

    Attributes:
        reference: `name@version`.
        space_digest: SHA-256 of the space it serves; empty if it serves any.
        goal: Which way its metric is better; None if it serves any.
        digest: SHA-256 over all but name and version.
    """

    project: str
    prior: str
    version: int
    manifest: str
    space_digest: str
    goal: Goal | None
    digest: str
    size: int
    is_retired: bool
    created: datetime

    @property
    def reference(self) -> str:
        """`name@version`."""
        return f"{self.prior}@{self.version}"


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks for a change, and by which call; its journal entry makes a repeat harmless.

    Attributes:
        project: Within which request ids are unique.
        request_id: Chosen by the caller.
        principal: Name of the token, or of the local user.
        method: E.g. `CompleteTrial`.
        resource: What is changed.
        fingerprint: SHA-256 of the request, to tell a repeat from another call.
    """

    project: str
    request_id: str
    principal: str
    method: str
    resource: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One line of the audit log."""

    sequence: int
    call: Call
    at: datetime


@dataclass(frozen=True, slots=True)
class TrialCounts:
    """Numbers of a study's trials by state."""

    by_state: Mapping[TrialState, int] = field(default_factory=dict)

    def of(self, *states: TrialState) -> int:
        """Number of trials in any of the states."""
        return sum(self.by_state.get(state, 0) for state in states)

    @property
    def given_out(self) -> int:
        """Trials that count against the budget: all but abandoned ones."""
        return sum(self.by_state.values()) - self.of(TrialState.ABANDONED)


def check_trial_move(trial: Trial, to: TrialState) -> None:
    """Refuse a move that is not in the table.

    Raises:
        IllegalMoveError: If the trial cannot go there from where it is.
    """
    if to not in TRIAL_MOVES[trial.state]:
        raise IllegalMoveError(
            f"{trial.name} is {trial.state} and cannot become {to}. {_trial_advice(trial)}",
            resource=str(trial.name),
        )


def check_study_move(study: Study, to: StudyState) -> None:
    """Refuse a move that is not in the table; staying where one is, is legal.

    Raises:
        IllegalMoveError: If the study cannot go there from where it is.
    """
    if to != study.state and to not in STUDY_MOVES[study.state]:
        raise IllegalMoveError(
            f"{study.name} is {study.state} and cannot become {to}. Make it active first.",
            field="study.state",
            resource=str(study.name),
        )


def _trial_advice(trial: Trial) -> str:
    if trial.state in FINISHED:
        return "A finished trial never changes."
    if trial.state is TrialState.WAITING:
        return "Nobody runs it: ask for a suggestion to be handed it."
    return "Report it as it ended."
