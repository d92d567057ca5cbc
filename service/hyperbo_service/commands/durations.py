"""Spans of time as people write them: `90s`, `15m`, `2h`, `1d`."""

import re

from hyperbo_service.errors import CommandError

_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SPAN = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([smhd]?)")


def seconds(text: str) -> float:
    """How many seconds a text stands for; a number alone is seconds.

    Raises:
        CommandError: If it stands for none.

    Example:
        >>> [seconds(text) for text in ("90", "1.5m", "2h", "1d")]
        [90.0, 90.0, 7200.0, 86400.0]
    """
    match = _SPAN.fullmatch(text.strip().lower())
    if match is None:
        raise CommandError(f"{text!r} is no span of time; wanted such as 90s, 15m, 2h or 1d.")
    return float(match[1]) * _SECONDS[match[2]]


def span(number: float) -> str:
    """Seconds as people read them, in the largest unit that is whole.

    Example:
        >>> [span(number) for number in (5.0, 90.0, 7200.0, 86400.0)]
        ['5s', '90s', '2h', '1d']
    """
    for unit in ("d", "h", "m"):
        if number and number % _SECONDS[unit] == 0:
            return f"{number / _SECONDS[unit]:g}{unit}"
    return f"{number:g}s"
