"""Conditions of a list as SQL; fields and operators were checked when the filter was read."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func

from hyperbo_service.storage.base import Condition
from hyperbo_service.storage.models import PRIORS, STUDIES, TRIALS, StudyRow


def study_holds(condition: Condition) -> ColumnElement[bool]:
    """That a study satisfies a condition."""
    prefix, _, key = condition.field.partition(".")
    if prefix == "labels":
        label = StudyRow.labels[key].as_string()
        if condition.operator == "!=":
            return func.coalesce(label, "") != str(condition.value)
        return _compared(label, condition)
    names = {"study_id": "study", "create_time": "created"}
    return _compared(STUDIES.c[names.get(condition.field, condition.field)], condition)


def trial_holds(condition: Condition) -> ColumnElement[bool]:
    """That a trial satisfies a condition."""
    names = {"create_time": "created", "update_time": "updated"}
    return _compared(TRIALS.c[names.get(condition.field, condition.field)], condition)


def prior_holds(condition: Condition) -> ColumnElement[bool]:
    """That a prior satisfies a condition."""
    if condition.field == "state":
        wanted = (condition.value == "retired") == (condition.operator == "=")
        return PRIORS.c.is_retired.is_(wanted)
    names = {"prior_id": "prior", "create_time": "created"}
    return _compared(PRIORS.c[names.get(condition.field, condition.field)], condition)


def _compared(column: ColumnElement[Any], condition: Condition) -> ColumnElement[bool]:
    value = bindparam(None, condition.value, type_=column.type, unique=True)
    comparisons: Mapping[str, ColumnElement[bool]] = {
        "=": column == value,
        "!=": column != value,
        "<": column < value,
        "<=": column <= value,
        ">": column > value,
        ">=": column >= value,
    }
    if condition.operator == ":":
        return column.contains(str(condition.value), autoescape=True)
    return comparisons[condition.operator]
