"""Listing: filters as conditions, and page tokens that hold for one list only."""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from hyperbo_service.domain import Origin, StudyState, TrialState
from hyperbo_service.errors import InvalidArgumentError
from hyperbo_service.storage import Condition
from hyperbo_service.trial_checks import check_text

DEFAULT_PAGE, LARGEST_PAGE = 100, 1000

_LONGEST_FILTER = 4096
_COMPARISON = re.compile(
    r"\s*(?P<field>[a-z_]+(?:\.[A-Za-z0-9_-]{1,63})?)\s*(?P<operator>!=|<=|>=|=|<|>|:)\s*"
    r'(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s"()]+))\s*'
)


class PriorState(StrEnum):
    """Whether new studies may use a prior."""

    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True)
class Field:
    """A field that a filter may compare.

    Attributes:
        kinds: Its values, if there are only so many.
        is_time: Whether its values are times.
        is_searchable: Whether `:` (contains) may be asked.
    """

    kinds: type[StrEnum] | None = None
    is_time: bool = False
    is_searchable: bool = False


_TEXT, _TIME = Field(is_searchable=True), Field(is_time=True)

STUDY_FIELDS: Mapping[str, Field] = {
    "state": Field(StudyState),
    "study_id": _TEXT,
    "display_name": _TEXT,
    "space_digest": Field(),
    "prior": Field(),
    "create_time": _TIME,
    "labels": Field(),
}
TRIAL_FIELDS: Mapping[str, Field] = {
    "state": Field(TrialState),
    "client_id": Field(),
    "origin": Field(Origin),
    "create_time": _TIME,
    "update_time": _TIME,
}
PRIOR_FIELDS: Mapping[str, Field] = {
    "state": Field(PriorState),
    "prior_id": _TEXT,
    "space_digest": Field(),
    "create_time": _TIME,
}


def read_filter(text: str, fields: Mapping[str, Field]) -> list[Condition]:
    """The conditions of a filter such as `state = COMPLETED AND labels.team = "vision"`.

    Raises:
        InvalidArgumentError: If it is not understood; the message says what would be.
    """
    if not text.strip():
        return []
    if len(text) > _LONGEST_FILTER:
        raise InvalidArgumentError(
            f"The filter has {len(text)} characters; at most {_LONGEST_FILTER}.", field="filter"
        )
    conditions, place = [], 0
    while True:
        found = _COMPARISON.match(text, place)
        if found is None:
            raise _not_understood(text[place:], fields)
        conditions.append(_condition(found, fields))
        place = found.end()
        if place == len(text):
            return conditions
        if not text.startswith("AND ", place):
            raise _not_understood(text[place:], fields)
        place += len("AND ")


def page_size(asked: int) -> int:
    """How many are listed at once.

    Raises:
        InvalidArgumentError: If a negative number is asked for.
    """
    if asked < 0:
        raise InvalidArgumentError(
            f"page_size is {asked}; wanted 1 to {LARGEST_PAGE}, or 0 for {DEFAULT_PAGE}.",
            field="page_size",
        )
    return min(asked or DEFAULT_PAGE, LARGEST_PAGE)


def write_token(place: list[Any], *listed: str) -> str:
    """The token of the page that begins after a place.

    Args:
        place: The last row's sort key.
        listed: What is listed; the token holds for nothing else.
    """
    text = json.dumps([_digest(listed), place])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_token(token: str, kinds: tuple[type, ...], *listed: str) -> list[Any] | None:
    """The place that a page token stands for; None for the first page.

    Raises:
        InvalidArgumentError: If it was not given out for this list.
    """
    if not token:
        return None
    try:
        padded = token + "=" * (-len(token) % 4)
        digest, place = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        is_sound = (
            digest == _digest(listed)
            and [type(part) for part in place] == list(kinds)
            and all(_is_storable(part) for part in place)
        )
    except (binascii.Error, ValueError, TypeError, RecursionError):
        is_sound = False
    if not is_sound:
        raise InvalidArgumentError(
            "The page token does not belong to this list. Begin without one, and change nothing "
            "but the token from page to page.",
            field="page_token",
        )
    found: list[Any] = place
    return found


def _is_storable(part: str | int) -> bool:
    """Whether every database takes it as a value; tokens may be forged."""
    if isinstance(part, int):
        return abs(part) < 2**63
    return part.isprintable()


def _digest(listed: tuple[str, ...]) -> str:
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:16]


def _condition(found: re.Match[str], fields: Mapping[str, Field]) -> Condition:
    name, operator = found["field"], found["operator"]
    base, _, key = name.partition(".")
    described = fields.get(base)
    if described is None or bool(key) != (base == "labels"):
        raise InvalidArgumentError(
            f"The filter compares {name!r}; wanted one of {_shown(fields)}.", field="filter"
        )
    if (operator == ":") > described.is_searchable:
        raise InvalidArgumentError(
            f"The filter asks whether {name!r} contains something; use = there.", field="filter"
        )
    if found["quoted"] is not None:
        text = re.sub(r"\\(.)", r"\1", found["quoted"])
    else:
        text = found["bare"]
    check_text(text, "filter")
    if described.is_time:
        return Condition(name, operator, read_time(text))
    if described.kinds is not None:
        kinds = [kind.value for kind in described.kinds]
        if operator not in ("=", "!=") or text.lower() not in kinds:
            raise InvalidArgumentError(
                f"The filter has {name} {operator} {text[:40]!r}; wanted = or !=, and one of "
                f"{', '.join(kind.upper() for kind in kinds)}.",
                field="filter",
            )
        return Condition(name, operator, text.lower())
    return Condition(name, operator, text)


def read_time(text: str) -> datetime:
    """A moment written as ISO 8601; without a zone it is UTC.

    Raises:
        InvalidArgumentError: If it is none.
    """
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidArgumentError(
            f"The filter has the time {text[:40]!r}; wanted one like 2026-01-31T12:00:00Z.",
            field="filter",
        ) from None


def _not_understood(rest: str, fields: Mapping[str, Field]) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"The filter is not understood from {rest[:40]!r} on; wanted comparisons joined by AND, "
        f"such as `state = COMPLETED`. Fields: {_shown(fields)}.",
        field="filter",
    )


def _shown(fields: Mapping[str, Field]) -> str:
    return ", ".join("labels.KEY" if name == "labels" else name for name in fields)
