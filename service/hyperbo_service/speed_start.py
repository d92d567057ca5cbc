"""Time of a fresh process's first suggestion from a stored prior: a command.

`python -m hyperbo_service.speed_start lcbench` starts `hyperbo suggest --prior lcbench` again and
again, without trials and with ten, and prints its time beyond that of `import gpjax`. The first
start of each fills the compilation cache on disk and is not counted.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hyperbo.registry import Registry, default_root
from hyperbo.space import sample_uniform

IMPORT = [sys.executable, "-c", "import gpjax"]


def time_process(command: Sequence[str], repeats: int) -> tuple[float, float]:
    """Median CPU and wall seconds of a command after one start that is not counted."""
    cpu, wall = [], []
    for _ in range(repeats + 1):
        before, begun = _children_seconds(), time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own command
        cpu.append(_children_seconds() - before)
        wall.append(time.perf_counter() - begun)
    return statistics.median(cpu[1:]), statistics.median(wall[1:])


def write_trials(reference: str, count: int, path: Path) -> None:
    """Write a file of random completed trials in the prior's space."""
    manifest = Registry(default_root()).verify(reference)
    if manifest.space is None or manifest.metric is None:
        raise SystemExit(f"error: {reference} serves any space; name a prior of one space.")
    rng = np.random.default_rng(0)
    points = sample_uniform(manifest.space, count, rng)
    name = str(manifest.metric["name"])
    values = 0.5 + 0.1 * rng.random(count)
    rows = [
        config | {name: float(value)}
        for config, value in zip(manifest.space.decode(points), values, strict=True)
    ]
    path.write_text(json.dumps(rows))


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prior", help="a stored prior's name, e.g. lcbench")
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args(arguments)
    suggest = [sys.executable, "-m", "hyperbo_service.cli", "suggest", "--prior", chosen.prior]
    with tempfile.TemporaryDirectory() as folder:
        trials = Path(folder) / "trials.json"
        write_trials(chosen.prior, 10, trials)
        imported = time_process(IMPORT, chosen.repeats)
        print(f"import gpjax: {imported[0]:.2f} CPU s, {imported[1]:.2f} s")  # noqa: T201 - a command
        for label, command in (
            ("first trial", suggest),
            ("after ten trials", [*suggest[:4], str(trials), *suggest[4:]]),
        ):
            cpu, wall = time_process(command, chosen.repeats)
            print(  # noqa: T201 - a command
                f"{label}: {cpu:.2f} CPU s, {wall:.2f} s; beyond the import "
                f"{cpu - imported[0]:.2f} CPU s, {wall - imported[1]:.2f} s"
            )


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
