"""What the service answered, as plain JSON and as words."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hyperbo_service.console import number


def document(record: Any) -> Any:
    """A record of the client as JSON: times in ISO 8601, what is not finite as null.

    A study or trial tells its short name or number too.
    """
    found = _fields(record)
    match found:
        case float():
            return found if math.isfinite(found) else None
        case datetime():
            return found.isoformat()
        case Mapping():
            return {str(name): document(value) for name, value in found.items()}
        case list() | tuple():
            return [document(each) for each in found]
    return found


def _fields(record: Any) -> Any:
    """A record's fields by name; anything else as it is."""
    if hasattr(record, "_asdict"):
        return record._asdict()
    if isinstance(record, datetime) or not hasattr(record, "__dict__"):
        return record
    named = {name: getattr(record, name) for name in ("id", "number") if hasattr(record, name)}
    return named | vars(record)


def configuration(parameters: Mapping[str, Any]) -> str:
    """A configuration in a line, as people read it, by name.

    Example:
        >>> configuration({"lr": 0.00123456, "layers": 3})
        'layers=3 lr=0.001235'
    """
    return " ".join(f"{name}={value_text(value)}" for name, value in sorted(parameters.items()))


def value_text(value: Any) -> str:
    """A native value as people read it; a dot where there is none."""
    if value is None:
        return "·"
    return number(value) if isinstance(value, float) else str(value)


def moment(time: datetime | None) -> str:
    """A time as people read it."""
    return "-" if time is None else f"{time:%Y-%m-%d %H:%M:%S} UTC"


def counted(count: int, noun: str) -> str:
    """A number of things.

    Example:
        >>> counted(1, "trial"), counted(2, "trial")
        ('1 trial', '2 trials')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def counts(by_state: Mapping[str, int]) -> str:
    """Numbers of trials in words.

    Example:
        >>> counts({"running": 2, "completed": 5, "failed": 0})
        '2 running, 5 completed'
    """
    return ", ".join(f"{count} {state}" for state, count in by_state.items() if count) or "none"
