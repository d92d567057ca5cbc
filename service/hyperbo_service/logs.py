"""The server's log on standard error: a JSON object a line, or plain text for people."""

import json
import logging
import re
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TextIO

LOGGER = "hyperbo"
"""Name of the logger above all of ours."""

_TOKEN = re.compile(r"hbo_[A-Za-z0-9_-]{20,}")
_HIDDEN = "hbo_***"


class LogFormat(StrEnum):
    """How a line is written."""

    AUTO = "auto"
    """As text on a terminal, as JSON elsewhere."""
    JSON = "json"
    TEXT = "text"


def start_logs(
    level: str, form: LogFormat = LogFormat.AUTO, stream: TextIO | None = None
) -> Callable[[], None]:
    """Write the log of this process, other libraries' warnings included.

    A record's facts travel in `extra={"facts": {...}}`: the method, code, request id, principal,
    resource and milliseconds of a call.

    Args:
        level: `debug`, `info`, `warning` or `error`; the least that is written.
        form: How a line is written.
        stream: Where to; by default standard error.

    Returns:
        Stops writing, and puts back what was before.
    """
    out = sys.stderr if stream is None else stream
    is_text = out.isatty() if form is LogFormat.AUTO else form is LogFormat.TEXT
    handler = logging.StreamHandler(out)
    handler.setFormatter(_Text() if is_text else _Json())
    root, ours = logging.getLogger(), logging.getLogger(LOGGER)
    before = ours.level
    root.addHandler(handler)
    ours.setLevel(level.upper())

    def stop() -> None:
        root.removeHandler(handler)
        handler.close()
        ours.setLevel(before)

    return stop


class _Json(logging.Formatter):
    """A record as one JSON object in one line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; tokens are hidden, wherever they stand."""
        always = {
            "time": _moment(record).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line: dict[str, Any] = {**always, **_facts(record), **always}
        if record.name.partition(".")[0] != LOGGER:
            line["logger"] = record.name
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _TOKEN.sub(_HIDDEN, json.dumps(line, default=str))


class _Text(logging.Formatter):
    """A record as a line for people; a stack trace follows in lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; tokens are hidden, wherever they stand."""
        facts = " ".join(f"{name}={_shown(value)}" for name, value in _facts(record).items())
        text = f"{_moment(record):%H:%M:%S} {record.levelname.lower():<7} {record.getMessage()}"
        if facts:
            text += f"  {facts}"
        if record.exc_info:
            text += f"\n{self.formatException(record.exc_info)}"
        return _TOKEN.sub(_HIDDEN, text)


def _moment(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _facts(record: logging.LogRecord) -> Mapping[str, Any]:
    facts = getattr(record, "facts", {})
    return {name: value for name, value in facts.items() if value not in ("", None)}


def _shown(value: Any) -> str:
    """A value that cannot be taken for the next one, nor for the next line."""
    text = str(value)
    return text if text.isprintable() and " " not in text else json.dumps(text)
