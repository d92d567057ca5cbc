"""The server's log: one line a record, with facts, and never a token."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from hyperbo_service.logs import LogFormat, start_logs

TOKEN = "hbo_" + "t" * 43


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """That it is one."""
        return True


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    """Takes the log as JSON, from level `info`."""
    stream = io.StringIO()
    stop = start_logs("info", LogFormat.JSON, stream)
    yield stream
    stop()


def _log(event: str, /, **facts: Any) -> None:
    logging.getLogger("hyperbo.calls").info(event, extra={"facts": facts})


def test_a_line_is_one_json_object(out: io.StringIO) -> None:
    """Time, level, event and the facts stand in one object; what is empty is left out."""
    _log("call", method="GetStudy", code="OK", request_id="", milliseconds=1.5)

    (line,) = out.getvalue().splitlines()
    document = json.loads(line)
    assert document.pop("time").endswith("+00:00")
    assert document == {
        "level": "info",
        "event": "call",
        "method": "GetStudy",
        "code": "OK",
        "milliseconds": 1.5,
    }


@pytest.mark.parametrize("form", [LogFormat.JSON, LogFormat.TEXT])
def test_a_token_is_never_written(form: LogFormat) -> None:
    """Wherever a token got into a record, it does not get into the log."""
    stream = io.StringIO()
    stop = start_logs("debug", form, stream)
    logging.getLogger("hyperbo").error(
        "bad %s",
        TOKEN,
        exc_info=ValueError(TOKEN),
        extra={"facts": {"resource": f"x/{TOKEN}"}},
    )
    stop()

    assert TOKEN[4:] not in stream.getvalue()
    assert stream.getvalue().count("hbo_***") >= 3


@pytest.mark.parametrize("form", [LogFormat.JSON, LogFormat.TEXT])
def test_a_line_cannot_be_forged(form: LogFormat) -> None:
    """A fact that holds the end of a line, or what looks like another fact, stays one value."""
    stream = io.StringIO()
    stop = start_logs("info", form, stream)
    _log("call", resource="a\n12:00:00 info call  code=OK", principal="ann code=OK")
    stop()

    assert len(stream.getvalue().splitlines()) == 1
    assert "principal=ann code" not in stream.getvalue()


def test_facts_do_not_replace_time_and_level(out: io.StringIO) -> None:
    """What a caller sends cannot change a record's level or event."""
    _log("call", level="error", event="forged")

    document = json.loads(out.getvalue())
    assert (document["level"], document["event"]) == ("info", "call")


def test_a_fault_comes_with_its_trace(out: io.StringIO) -> None:
    """The stack trace is a field of the same line."""
    logging.getLogger("hyperbo").error("fault", exc_info=ZeroDivisionError("by zero"))

    (line,) = out.getvalue().splitlines()
    assert "ZeroDivisionError: by zero" in json.loads(line)["exception"]


def test_only_what_matters_is_written(out: io.StringIO) -> None:
    """Below the level nothing of ours is written, and of other libraries only warnings are."""
    logging.getLogger("hyperbo.calls").debug("quiet")
    logging.getLogger("other").info("quiet")
    logging.getLogger("other").warning("loud")

    (line,) = out.getvalue().splitlines()
    assert json.loads(line)["logger"] == "other"


def test_people_get_text() -> None:
    """On a terminal, and only there, a line is plain text unless told otherwise."""
    terminal, pipe = Terminal(), io.StringIO()
    stops = [start_logs("info", LogFormat.AUTO, stream) for stream in (terminal, pipe)]
    _log("call", method="GetStudy", code="OK")
    for stop in stops:
        stop()

    assert terminal.getvalue().endswith("info    call  method=GetStudy code=OK\n")
    assert json.loads(pipe.getvalue())["method"] == "GetStudy"


def test_stopping_puts_back_what_was() -> None:
    """After stopping, nothing is written and levels are as before."""
    before = logging.getLogger("hyperbo").level
    stream = io.StringIO()
    start_logs("debug", LogFormat.JSON, stream)()

    logging.getLogger("hyperbo").error("late")

    assert stream.getvalue() == ""
    assert logging.getLogger("hyperbo").level == before
