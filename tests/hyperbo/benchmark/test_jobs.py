"""Jobs: stable keys, and failures that do not spread."""

import hashlib

import pandas as pd
import pytest

from hyperbo.benchmark import Failed, Finished, Job
from hyperbo.benchmark.jobs import attempt
from hyperbo.errors import StudyError


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


def test_result_is_checked(study: pd.DataFrame) -> None:
    """What a job returns is a table of evaluations, or the job has failed."""
    good = attempt(Job({}, study.copy))
    bad = attempt(Job({}, study.drop, {"columns": "native"}))

    assert isinstance(good, Finished)
    assert isinstance(bad, Failed)
    assert "missing ['native']" in bad.reason
