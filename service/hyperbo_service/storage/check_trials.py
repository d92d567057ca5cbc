"""Checks of trials: state, lease, objective, values, learning curves and configurations."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select

from hyperbo.errors import SpaceError
from hyperbo.space import SearchSpace
from hyperbo_service.domain import FINISHED, Goal, Origin, TrialState
from hyperbo_service.storage import rows
from hyperbo_service.storage.findings import RESTORE, Finding, Names, correct, correct_trial
from hyperbo_service.storage.models import MEASUREMENTS, PARAMETERS, STUDIES, TRIALS, VALUES

_LARGEST = 1.7976931348623157e308
_CHUNK = 500

_T, _V, _M, _P = TRIALS.c, VALUES.c, MEASUREMENTS.c, PARAMETERS.c
_IS_FINISHED = _T.state.in_([state.value for state in FINISHED])
_IS_COMPLETED = _T.state == TrialState.COMPLETED.value
_IS_RUNNING = _T.state == TrialState.RUNNING.value


@dataclass(frozen=True)
class _Rule:
    """What no row of the table `trials` may be.

    Attributes:
        broken: Holds for rows that break the rule.
        problem: What is wrong, of the row.
        remedy: What to do, of the row.
    """

    broken: ColumnElement[bool]
    problem: Callable[[Row[Any]], str]
    remedy: Callable[[Row[Any]], str]


def _said(text: str) -> Callable[[Row[Any]], str]:
    return lambda row: text.format(**row._mapping)  # noqa: SLF001 - public in spite of its name


def _set(column: str, value: str) -> Callable[[Row[Any]], str]:
    return lambda row: correct_trial(f"{column} = {value}", row.study_id, row.number)


_RULES = (
    _Rule(
        _T.state.not_in([state.value for state in TrialState]),
        _said("its state is {state!r}, which is none"),
        _said(RESTORE),
    ),
    _Rule(
        _T.origin.not_in([origin.value for origin in Origin]),
        _said("its origin is {origin!r}, which is none"),
        _set("origin", f"'{Origin.CREATED.value}'"),
    ),
    _Rule(
        _IS_COMPLETED & _T.objective.is_(None),
        _said("it is completed without an objective"),
        _said(RESTORE),
    ),
    _Rule(
        ~_IS_COMPLETED & _T.objective.is_not(None),
        _said("it is {state}, but has the objective {objective}"),
        _set("objective", "NULL"),
    ),
    _Rule(
        or_(_T.objective > _LARGEST, _T.objective < -_LARGEST),
        _said("its objective is {objective}, which is not finite"),
        _said(RESTORE),
    ),
    _Rule(
        _IS_RUNNING & _T.lease_expires.is_(None),
        _said("it is running, but its lease never ends"),
        _set("lease_expires", "updated"),
    ),
    _Rule(
        ~_IS_RUNNING & _T.lease_expires.is_not(None),
        _said("it is {state}, but has a lease until {lease_expires}"),
        _set("lease_expires", "NULL"),
    ),
    _Rule(
        _IS_RUNNING & or_(_T.client_id == "", _T.token < 1, _T.started.is_(None)),
        _said("it is running, but was never handed out"),
        _set("state", "'waiting', lease_expires = NULL"),
    ),
    _Rule(
        _IS_RUNNING & or_(_T.lease_seconds.is_(None), _T.lease_seconds <= 0),
        _said("it is running with a lease of {lease_seconds} seconds"),
        _set("lease_seconds", "60"),
    ),
    _Rule(
        _IS_FINISHED & _T.ended.is_(None),
        _said("it is {state}, but has no time at which it ended"),
        _set("ended", "updated"),
    ),
    _Rule(
        ~_IS_FINISHED & _T.ended.is_not(None),
        _said("it is {state}, but ended at {ended}"),
        _set("ended", "NULL"),
    ),
    _Rule(
        or_(_T.number < 1, _T.token < 0, _T.revision < 1, _T.measurement_count < 0),
        _said("it counts below zero: token {token}, revision {revision}"),
        _said(RESTORE),
    ),
)


def check_trials(connection: Connection, names: Names) -> Iterator[Finding]:
    """What is wrong with trials, and with what belongs to them."""
    for rule in _RULES:
        for row in connection.execute(select(TRIALS).where(rule.broken)):
            yield Finding(
                names.trial(row.study_id, row.number), rule.problem(row), rule.remedy(row)
            )
    yield from _check_numbers(connection, names)
    yield from _check_values(connection, names)
    yield from _check_objectives(connection, names)
    yield from _check_counts(connection, names)
    yield from _check_measurements(connection, names)
    yield from _check_parameters(connection, names)


def _check_numbers(connection: Connection, names: Names) -> Iterator[Finding]:
    """Numbers that the study would give out once more."""
    statement = (
        select(STUDIES.c.id, STUDIES.c.next_trial, func.max(_T.number).label("largest"))
        .join_from(STUDIES, TRIALS, _T.study_id == STUDIES.c.id)
        .group_by(STUDIES.c.id, STUDIES.c.next_trial)
        .having(func.max(_T.number) >= STUDIES.c.next_trial)
    )
    for row in connection.execute(statement):
        yield Finding(
            names.trial(row.id, row.largest),
            f"its number is not below the study's next one, {row.next_trial}",
            correct("studies", f"next_trial = {row.largest + 1}", f"id = {row.id}"),
        )


def _check_values(connection: Connection, names: Names) -> Iterator[Finding]:
    """Values of trials that have none, of other metrics, or that are no numbers."""
    belongs = and_(_V.study_id == _T.study_id, _V.number == _T.number)
    statement = (
        select(VALUES, _T.state, STUDIES.c.metric.label("wanted"))
        .join_from(VALUES, TRIALS, belongs)
        .join(STUDIES, STUDIES.c.id == _T.study_id)
        .where(
            or_(
                ~_IS_COMPLETED,
                _V.metric != STUDIES.c.metric,
                _V.value > _LARGEST,
                _V.value < -_LARGEST,
                _V.stderr < 0,
                _V.stderr > _LARGEST,
            )
        )
    )
    for row in connection.execute(statement):
        if row.state != TrialState.COMPLETED.value:
            problem = f"it is {row.state}, but has a final value of {row.metric!r}"
        elif row.metric != row.wanted:
            problem = f"it has a value of {row.metric!r}; the study's metric is {row.wanted!r}"
        else:
            problem = f"its value is {row.value} with standard error {row.stderr}"
        yield Finding(names.trial(row.study_id, row.number), problem, RESTORE)


def _check_objectives(connection: Connection, names: Names) -> Iterator[Finding]:
    """Completed trials without their value, or with another objective than it says."""
    joined = and_(_V.study_id == _T.study_id, _V.number == _T.number, _V.metric == STUDIES.c.metric)
    is_larger_better = STUDIES.c.goal == Goal.MAXIMIZE.value
    statement = (
        select(_T.study_id, _T.number, _T.objective, _V.value, STUDIES.c.goal, STUDIES.c.metric)
        .join_from(TRIALS, STUDIES, STUDIES.c.id == _T.study_id)
        .outerjoin(VALUES, joined)
        .where(
            _IS_COMPLETED,
            or_(
                _V.value.is_(None),
                is_larger_better & (_T.objective != _V.value),
                ~is_larger_better & (_T.objective != -_V.value),
            ),
        )
    )
    for row in connection.execute(statement):
        name = names.trial(row.study_id, row.number)
        if row.value is None:
            yield Finding(name, f"it is completed without a value of {row.metric!r}", RESTORE)
            continue
        wanted = Goal(row.goal).sign * row.value
        yield Finding(
            name,
            f"its objective is {row.objective!r}; its value says {wanted!r}",
            correct_trial(f"objective = {wanted!r}", row.study_id, row.number),
        )


def _check_counts(connection: Connection, names: Names) -> Iterator[Finding]:
    """Trials that count other measurements than there are."""
    belongs = and_(_M.study_id == _T.study_id, _M.number == _T.number)
    count, last = func.count(_M.step.distinct()), func.max(_M.step)
    statement = (
        select(
            _T.study_id,
            _T.number,
            _T.measurement_count,
            _T.last_step,
            count.label("count"),
            last.label("last"),
        )
        .outerjoin_from(TRIALS, MEASUREMENTS, belongs)
        .group_by(_T.study_id, _T.number, _T.measurement_count, _T.last_step)
        .having(
            or_(
                _T.measurement_count != count,
                _T.last_step != last,
                and_(_T.last_step.is_not(None), last.is_(None)),
            )
        )
    )
    for row in connection.execute(statement):
        name = names.trial(row.study_id, row.number)
        if row.measurement_count != row.count:
            yield Finding(
                name,
                f"it counts {row.measurement_count} measurements and has {row.count}",
                correct_trial(f"measurement_count = {row.count}", row.study_id, row.number),
            )
        if row.last_step is not None and row.last_step != row.last:
            last_step = "NULL" if row.last is None else row.last
            yield Finding(
                name,
                f"its last step is {row.last_step}, that of its last measurement {row.last}",
                correct_trial(f"last_step = {last_step}", row.study_id, row.number),
            )


def _check_measurements(connection: Connection, names: Names) -> Iterator[Finding]:
    """Measurements of other metrics, or that are no numbers."""
    statement = (
        select(MEASUREMENTS, STUDIES.c.metric.label("wanted"))
        .join_from(MEASUREMENTS, STUDIES, STUDIES.c.id == _M.study_id)
        .where(
            or_(
                _M.metric != STUDIES.c.metric,
                _M.step < 0,
                _M.value > _LARGEST,
                _M.value < -_LARGEST,
                _M.stderr < 0,
                _M.stderr > _LARGEST,
            )
        )
    )
    for row in connection.execute(statement):
        wrong = f"metric {row.metric!r}, value {row.value}, standard error {row.stderr}"
        yield Finding(
            names.trial(row.study_id, row.number),
            f"its measurement at step {row.step} cannot be: {wrong}; the study's metric is "
            f"{row.wanted!r}",
            RESTORE,
        )


def _check_parameters(connection: Connection, names: Names) -> Iterator[Finding]:
    """Configurations that the study's space does not admit."""
    statement = select(STUDIES.c.id, STUDIES.c.space).order_by(STUDIES.c.id)
    for key, text in connection.execute(statement).all():
        try:
            space = SearchSpace.from_json(text)
        except SpaceError:
            continue  # the study's own check tells
        after = 0
        while True:
            numbers = connection.scalars(
                select(_T.number)
                .where(_T.study_id == key, _T.number > after)
                .order_by(_T.number)
                .limit(_CHUNK)
            ).all()
            if not numbers:
                break
            after = numbers[-1]
            yield from _check_chunk(connection, names, key, space, list(numbers))


def _check_chunk(
    connection: Connection, names: Names, key: int, space: SearchSpace, numbers: list[int]
) -> Iterator[Finding]:
    found = connection.execute(
        select(PARAMETERS).where(
            _P.study_id == key, _P.number >= numbers[0], _P.number <= numbers[-1]
        )
    ).all()
    broken = {row.number: row.name for row in found if _value_count(row) != 1}
    for number, name in broken.items():
        yield Finding(
            names.trial(key, number), f"its parameter {name!r} has not exactly one value", RESTORE
        )
    configurations = rows.parameters_of(row for row in found if row.number not in broken)
    whole = [number for number in numbers if number not in broken]
    try:
        space.encode([configurations.get(number, {}) for number in whole])
    except SpaceError:
        # Together they are fast; one by one they tell which.
        for number in whole:
            try:
                space.check(configurations.get(number, {}))
            except SpaceError as error:
                yield Finding(
                    names.trial(key, number),
                    f"the study's space does not admit it: {error}",
                    RESTORE,
                )


def _value_count(row: Row[Any]) -> int:
    columns = (row.real_value, row.integer_value, row.text_value, row.truth_value)
    return sum(each is not None for each in columns)
