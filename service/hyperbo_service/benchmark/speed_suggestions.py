"""What the service adds to the core's own time for a suggestion, and 64 clients at once: a command.

`python -m hyperbo_service.benchmark.speed_suggestions` pre-trains a small prior on LCBench, serves
it on SQLite over gRPC on loopback, and asks one suggestion after the other in a study of 100 trials
that starts from that prior. The overhead is what a client waits less what the core took for the
same suggestion. Then 64 clients ask at once in one study.
"""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from statistics import median

import numpy as np

from hyperbo.registry import Registry
from hyperbo.space import SearchSpace, sample_uniform
from hyperbo_service.app import Observers, open_backend
from hyperbo_service.auth import OpenGate
from hyperbo_service.client import Client
from hyperbo_service.commands.numerics import keep_compiled_programs
from hyperbo_service.config import ServerConfig
from hyperbo_service.metrics import Metrics
from hyperbo_service.rpc.handlers import Handlers
from hyperbo_service.server import Server

_METRIC = "val_accuracy"
_PRIOR = "speed"


def train_prior(folder: Path, steps: int) -> Registry:
    """A registry with a prior that was trained for a few steps on LCBench."""
    options = ["--name", _PRIOR, "--steps", str(steps), "--registry", str(folder)]
    command = [sys.executable, "-m", "hyperbo_service.cli", "pretrain", "lcbench", *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
    return Registry(folder)


@contextmanager
def _serving(folder: Path, registry: Registry) -> Iterator[tuple[str, list[float]]]:
    """A server's address, and the core's seconds for each batch of points it made."""
    core: list[float] = []
    observers = Observers(on_suggested=lambda seconds, count: core.append(seconds))  # noqa: ARG005
    backend = open_backend(
        f"sqlite:///{folder / 'speed.db'}", registry=registry, observers=observers
    )
    handlers = Handlers(backend.api, OpenGate(), Metrics(), lambda *_: nullcontext())
    server = Server(ServerConfig(port=0), (handlers,), backend.api.close)
    server.start()
    try:
        yield server.address, core
    finally:
        server.stop()
        backend.close()


def fill(client: Client, name: str, space: SearchSpace, count: int) -> None:
    """Make a study with random completed trials."""
    study = client.study(
        name, space=space, metric=_METRIC, goal="maximize", prior=f"{_PRIOR}@latest"
    )
    rng = np.random.default_rng(0)
    configurations = space.decode(sample_uniform(space, count, rng))
    values = 60.0 + 20.0 * rng.random(count)
    study.import_trials(
        {"parameters": configuration, "value": float(value)}
        for configuration, value in zip(configurations, values, strict=True)
    )


def overheads(client: Client, name: str, core: list[float], repeats: int) -> list[float]:
    """Seconds that a client waits beyond the core's own, for one suggestion after the other."""
    study, found = client.study(name), []
    for place in range(repeats + 3):
        core.clear()
        begun = time.perf_counter()
        trial = study.ask()
        waited = time.perf_counter() - begun
        if place >= 3:
            found.append(waited - sum(core))
        trial.complete(70.0)
    return found


def ask_at_once(address: str, name: str, count: int) -> tuple[float, int]:
    """Seconds until all of `count` clients have a trial, and how many different ones they got."""
    gate = threading.Barrier(count + 1)
    points: list[tuple[tuple[str, object], ...]] = []

    def work() -> None:
        study = Client(address).study(name)
        gate.wait()
        points.append(tuple(sorted(study.ask().parameters.items())))

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    gate.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begun, len(set(points))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--steps", type=int, default=300, help="Steps of pre-training.")
    given = parser.parse_args()
    keep_compiled_programs()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        registry = train_prior(folder / "priors", given.steps)
        space = registry.verify(_PRIOR).space
        assert space is not None  # noqa: S101 - a table's prior serves its space
        with _serving(folder, registry) as (address, core):
            client = Client(address)
            fill(client, "overhead", space, given.trials)
            found = sorted(overheads(client, "overhead", core, given.repeats))
            late = found[int(0.9 * len(found))]
            print(  # noqa: T201 - a command
                f"overhead at {given.trials} trials: median {median(found) * 1e3:.1f} ms, "
                f"90 % below {late * 1e3:.1f} ms"
            )
            for attempt in ("first", "warm"):
                fill(client, f"crowd-{attempt}", space, given.trials)
                seconds, different = ask_at_once(address, f"crowd-{attempt}", given.clients)
                print(  # noqa: T201 - a command
                    f"{given.clients} clients at once ({attempt}): {different} different points "
                    f"in {seconds:.2f} s"
                )


if __name__ == "__main__":
    main()
