"""Jobs: stable keys, and failures that do not spread."""

import hashlib

import pandas as pd
import pytest

from hyperbo.errors import StudyError
from hyperbo.jobs import Failed, Finished, Job, attempt


def test_key_never_changes() -> None:
    """A study of an earlier version resumes: the key of these settings is this, in any order."""
    settings = {"method": "random", "seed": 1, "tasks": ["a", "b"]}
    backwards = dict(reversed(settings.items()))

    text = b'{"method":"random","seed":1,"tasks":["a","b"]}'
    assert Job(backwards, pd.DataFrame).key == "c92cf36f86b79fa0"
    assert hashlib.sha256(text).hexdigest().startswith("c92cf36f86b79fa0")


def test_key_tells_settings_apart() -> None:
    """A changed value is another job; changed arguments alone are not."""
    keys = {Job({"seed": seed}, pd.DataFrame, {"data": [seed]}).key for seed in (0, 1, "1")}

    assert len(keys) == 3
    assert Job({"seed": 0}, pd.DataFrame, {"data": [9]}).key in keys


def test_settings_must_be_json() -> None:
    """A value that would not compare equal later is refused at once."""
    with pytest.raises(StudyError, match="plain JSON"):
        _ = Job({"seed": object()}, pd.DataFrame).key
    with pytest.raises(StudyError, match="plain JSON"):
        _ = Job({"rate": float("nan")}, pd.DataFrame).key


def refuse_empty(table: pd.DataFrame) -> pd.DataFrame:
    """The table, with its rows numbered anew, unless it has none."""
    if table.empty:
        raise StudyError("no rows")
    return table.reset_index(drop=True)


def test_result_is_checked() -> None:
    """What is stored is what the check returns; what it refuses has failed."""
    rows = pd.DataFrame({"value": [1.0]}, index=[7])
    good = attempt(Job({}, rows.copy, check=refuse_empty))
    bad = attempt(Job({}, rows.head, {"n": 0}, refuse_empty))

    assert isinstance(good, Finished)
    assert list(good.table.index) == [0]
    assert isinstance(bad, Failed)
    assert "no rows" in bad.reason
