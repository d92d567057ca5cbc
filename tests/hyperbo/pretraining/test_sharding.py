"""Tasks spread over four devices give the numbers of one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """What a process with four devices found; this one has a single device for good."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=4"
    environment = os.environ | {"XLA_FLAGS": flags}
    script = Path(__file__).with_name("sharded_run.py")
    done = subprocess.run(
        [sys.executable, str(script)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_tasks_are_spread_evenly(report: dict[str, Any]) -> None:
    """Six tasks become eight, two of them empty, and each of four devices holds two."""
    assert (report["devices"], report["tasks"], report["tasks_here"]) == (4, 8, 2)


def test_loss_and_gradient_are_one_devices(report: dict[str, Any]) -> None:
    """On the same minibatch, sums over devices differ by rounding only."""
    assert report["loss_gap"] < 1e-12
    assert report["slope_gap"] < 1e-10


def test_training_is_one_devices(report: dict[str, Any]) -> None:
    """The whole run takes the same losses, and its result lies on one device again."""
    assert report["fit_gap"] < 1e-9
    assert report["devices_of_result"] == 1


def test_devices_keep_to_their_tasks(report: dict[str, Any]) -> None:
    """Each device factorises the covariances of its own two tasks only; the loop compiles once."""
    assert report["factorisations"] == ["f64[2,5,5]"]
    assert report["compilations"] == 1
