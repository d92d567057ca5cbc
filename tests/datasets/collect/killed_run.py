"""Run by test_collection.py: a collector that is killed ten times, and one that is left alone.

Takes the two folders. Each collector is a process of its own, which is killed by SIGKILL at a
random moment after a random number of blocks. Prints how many blocks there were at each kill.
"""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet  # noqa: F401 - loaded once, and not by each collector
import pytest
import scipy.stats.qmc  # noqa: F401 - the same
from jax._src.xla_bridge import backends_are_initialized

from hyperbo.jobs import SerialExecutor
from hyperbo_datasets.collect.collection import collect
from tests.datasets.collect.tiny import TASKS, plan, register

KILLS, MOST_BLOCKS, MOST_SECONDS = 10, 3, 0.02


def main(killed: Path, undisturbed: Path) -> None:
    """Collect, killed again and again; and collect."""
    register(pytest.MonkeyPatch())
    rng = np.random.default_rng(0)
    for _ in range(KILLS):
        wanted = _count(killed) + int(rng.integers(1, MOST_BLOCKS + 1))
        collector = _start(killed)
        while _count(killed) < wanted:
            time.sleep(0.003)
        time.sleep(rng.uniform(0.0, MOST_SECONDS))
        os.kill(collector, signal.SIGKILL)
        _, status = os.waitpid(collector, 0)
        assert os.WIFSIGNALED(status), "the collector ended before it was killed"
        sys.stdout.write(f"{_count(killed)}\n")
    for folder in (killed, undisturbed):
        _, status = os.waitpid(_start(folder), 0)
        assert status == 0, "the collector failed"


def _start(folder: Path) -> int:
    """A collector's process."""
    # JAX cannot be forked once it has begun to work.
    assert not backends_are_initialized()
    process = os.fork()
    if process == 0:
        collect(plan(400, 200, TASKS[:1]), folder, executor=SerialExecutor())
        os._exit(0)
    return process


def _count(folder: Path) -> int:
    return len(list((folder / "runs" / "results").glob("*.parquet")))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
