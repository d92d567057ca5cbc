"""Jobs on Ray itself: once through, and every way not to reach it."""

import os
import socket
from collections.abc import Iterator

import pandas as pd
import pytest

from hyperbo.errors import StudyError
from hyperbo.jobs import Failed, Finished, Job
from hyperbo.jobs.ray_executor import RayExecutor


@pytest.fixture
def silent() -> Iterator[str]:
    """An address that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def job_of(seed: int) -> Job:
    """A job that workers can import, and need not import much for."""
    return Job({"seed": seed}, pd.DataFrame, {"data": {"value": [seed]}})


def test_every_job_has_one_outcome() -> None:
    """Ray is started, one job kills its workers, one raises, one never ends; then Ray is gone."""
    good = [job_of(seed) for seed in range(3)]
    dies = Job({"fails": "dies"}, os._exit, {"status": 3})
    bad = Job({"fails": "raises"}, pd.DataFrame, {"data": 3})
    slow = Job({"slow": True}, os.system, {"command": "sleep 600"})
    outcomes = RayExecutor(workers=2).run([*good, bad, dies, slow, slow])

    found = {outcome.job.key: outcome for _, outcome in zip(range(5), outcomes, strict=False)}
    outcomes.close()

    assert found.keys() == {job.key for job in (*good, dies, bad)}
    for job in good:
        outcome = found[job.key]
        assert isinstance(outcome, Finished)
        assert outcome.table.equals(pd.DataFrame(**job.arguments))
    for job, words in ((bad, "not properly called"), (dies, "lost 3 times")):
        outcome = found[job.key]
        assert isinstance(outcome, Failed)
        assert words in outcome.reason


def test_an_address_where_nobody_listens() -> None:
    """It is refused without waiting for the patience to end, and the remedy is told."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = f"127.0.0.1:{server.getsockname()[1]}"

    for address in (closed, f"ray://{closed}"):
        with pytest.raises(StudyError, match=r"No Ray cluster answers.*refused.*ray start --head"):
            list(RayExecutor(address).run([job_of(0)]))


def test_an_address_that_does_not_answer(silent: str) -> None:
    """Ray itself would ask for minutes; the patience is ours."""
    executor = RayExecutor(silent, patience=0.5)

    with pytest.raises(StudyError, match=r"No Ray cluster answers.*0\.5 seconds.*--address"):
        list(executor.run([job_of(0)]))


def test_no_jobs_need_no_cluster(silent: str) -> None:
    """Nothing to do is done at once."""
    assert list(RayExecutor(silent).run([])) == []


def test_somebody_must_work() -> None:
    """A cluster of nobody would wait for ever."""
    with pytest.raises(StudyError, match="At least one job"):
        RayExecutor(workers=0)
