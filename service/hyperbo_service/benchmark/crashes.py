"""Servers and workers killed while they tune: nothing lost, nothing counted twice; a command.

`python -m hyperbo_service.benchmark.crashes` runs 128 worker processes on studies of 2,560 trials
in all, through three server processes over one PostgreSQL. A server is killed with SIGKILL and
started again, a few seconds later the next, and a tenth of the workers are killed at random. With
`--restart-database` the database is stopped and started in the middle too. It prints what it
counted, and ends with status 1 if anything is not as it must be.
"""

import argparse
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path

from hyperbo_service.benchmark.crash_worker import curve, run_worker
from hyperbo_service.benchmark.postgres import PostgresServer, free_port, new_postgres
from hyperbo_service.benchmark.server_process import read_port, start_server
from hyperbo_service.client import Client, Float, TrialRecord


@dataclass(frozen=True)
class Plan:
    """What is run, and what is done to it.

    Attributes:
        workers: Worker processes.
        trials: Trials in all, shared evenly among the studies.
        studies: Number of studies; workers go round them.
        servers: Server processes.
        killed_workers: How many workers are killed.
        kill_every: Seconds between a server's being up again and the next kill.
        pause: Seconds that a worker takes for each step of a trial.
        restart_database: Whether the database is stopped and started in the middle.
        patience: Seconds after which a worker that has not ended counts as wedged.
    """

    workers: int = 128
    trials: int = 2560
    studies: int = 4
    servers: int = 3
    killed_workers: int = 12
    kill_every: float = 4.0
    pause: float = 0.05
    restart_database: bool = False
    patience: float = 1800.0


class Replicas:
    """Server processes over one database, each with a port of its own."""

    def __init__(self, database: str, count: int) -> None:
        self._database = database
        self.ports = [free_port() for _ in range(count)]
        self._processes = [start_server(database, port) for port in self.ports]
        for process in self._processes:
            read_port(process)
        self.kills = 0
        self.failed_starts = 0

    @property
    def target(self) -> str:
        """Where clients find any of them."""
        return "ipv4:" + ",".join(f"127.0.0.1:{port}" for port in self.ports)

    def kill_one(self, place: int) -> None:
        """Kill a server, and start it again on its port until it runs, as a supervisor would."""
        process = self._processes[place]
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.kills += 1
        while not self._starts(place):
            self.failed_starts += 1

    def _starts(self, place: int) -> bool:
        """Start a server; false if it gives up, as it does where its database does not answer."""
        process = self._processes[place] = start_server(self._database, self.ports[place])
        try:
            read_port(process)
        except ValueError:
            process.communicate()
            return False
        return True

    def stop(self) -> None:
        """Let them end in order."""
        for process in self._processes:
            process.communicate()


@contextmanager
def _database() -> Iterator[tuple[str, PostgresServer]]:
    server = new_postgres()
    server.start()
    try:
        yield server.create(), server
    finally:
        server.remove()


def run(plan: Plan, seed: int = 0) -> dict[str, int | float]:
    """Run a plan, and count what came of it."""
    rng = random.Random(seed)  # noqa: S311 - nothing is secret here
    with _database() as (database, postgres), tempfile.TemporaryDirectory() as folder:
        replicas = Replicas(database, plan.servers)
        try:
            names = _create_studies(replicas.target, plan)
            begun = time.monotonic()
            workers = _start_workers(replicas.target, names, plan, Path(folder))
            torment = _Torment(plan, replicas, postgres, workers, rng)
            wedged = torment.until_all_end()
            seconds = time.monotonic() - begun
            found = _count(replicas.target, names, Path(folder))
        finally:
            replicas.stop()
    return {
        "seconds": round(seconds, 1),
        "servers killed": replicas.kills,
        "servers that gave up starting": replicas.failed_starts,
        "workers killed": torment.killed,
        "database restarts": torment.restarts,
        "wedged workers": wedged,
        "trials asked for": plan.trials,
        **found,
    }


def faults(plan: Plan, counts: dict[str, int | float]) -> list[str]:
    """What is not as it must be."""
    wrong = [
        name
        for name in (
            "wedged workers",
            "acknowledged reports lost",
            "acknowledged completions lost",
            "numbers seen twice",
            "configurations seen twice",
            "trials not completed",
        )
        if counts[name]
    ]
    if counts["completed trials"] != plan.trials:
        wrong.append("completed trials")
    return wrong


def _create_studies(target: str, plan: Plan) -> list[str]:
    client = Client(target)
    space = {"x": Float(0.0, 1.0), "y": Float(0.0, 1.0)}
    names = [f"crash-{place}" for place in range(plan.studies)]
    for name in names:
        client.study(
            name,
            space=space,
            metric="value",
            goal="maximize",
            prior="none",
            early_stopping=None,
            max_trials=plan.trials // plan.studies,
        )
    client.close()
    return names


def _start_workers(
    target: str, names: list[str], plan: Plan, folder: Path
) -> list[multiprocessing.process.BaseProcess]:
    # Workers are copies of a process that has imported all they need and holds no connection.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", "hyperbo_service.benchmark.crash_worker"])
    workers = [
        context.Process(
            target=run_worker,
            args=(target, names[place % len(names)], str(folder / f"{place}.jsonl"), plan.pause),
            daemon=True,
        )
        for place in range(plan.workers)
    ]
    for worker in workers:
        worker.start()
    return list(workers)


class _Torment:
    """Kills until all workers have ended."""

    def __init__(
        self,
        plan: Plan,
        replicas: Replicas,
        postgres: PostgresServer,
        workers: list[multiprocessing.process.BaseProcess],
        rng: random.Random,
    ) -> None:
        self._plan = plan
        self._replicas = replicas
        self._postgres = postgres
        self._workers = workers
        self._rng = rng
        self.killed = 0
        self.restarts = 0

    def until_all_end(self) -> int:
        """Number of workers that did not end in time."""
        end = time.monotonic() + self._plan.patience
        victims = self._rng.sample(range(len(self._workers)), self._plan.killed_workers)
        round_ = 0
        while time.monotonic() < end and any(worker.is_alive() for worker in self._workers):
            self._wait(self._plan.kill_every)
            round_ += 1
            self._replicas.kill_one(round_ % self._plan.servers)
            if victims and round_ > 1:
                self._kill_worker(victims.pop())
            if self._plan.restart_database and round_ == 5:
                self._restart_database()
        return sum(worker.is_alive() for worker in self._workers)

    def _wait(self, seconds: float) -> None:
        """Wait so long, or until all workers have ended."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0.0:
            alive = [worker.sentinel for worker in self._workers if worker.is_alive()]
            if not alive:
                return
            connection.wait(alive, left)

    def _kill_worker(self, place: int) -> None:
        worker = self._workers[place]
        if worker.is_alive() and worker.pid is not None:
            os.kill(worker.pid, signal.SIGKILL)
            self.killed += 1

    def _restart_database(self) -> None:
        self._postgres.stop("immediate")
        time.sleep(3.0)
        self._postgres.start()
        self.restarts += 1


def _count(target: str, names: list[str], folder: Path) -> dict[str, int | float]:
    """What stands in the database, beside what workers were told."""
    client = Client(target)
    trials = {
        (name, trial.number): trial
        for name in names
        for trial in client.study(name).history(measurements=True)
    }
    records = list(_records(folder))
    configurations = {
        (name, trial.parameters["x"], trial.parameters["y"]) for (name, _), trial in trials.items()
    }
    reports = [record for record in records if record["kind"] == "report"]
    completions = [record for record in records if record["kind"] == "complete"]
    lost_reports = sum(not _stands(trials, record) for record in reports)
    completed = {key for key, trial in trials.items() if trial.state == "completed"}
    seen = [(record["study"], record["number"]) for record in completions]
    client.close()
    return {
        "completed trials": len(completed),
        "trials not completed": len(trials) - len(completed),
        "acknowledged reports": len(reports),
        "acknowledged reports lost": lost_reports,
        "acknowledged completions": len(completions),
        "acknowledged completions lost": sum(key not in completed for key in seen),
        "numbers seen twice": len(seen) - len(set(seen)),
        "configurations seen twice": len(trials) - len(configurations),
        "handed out again": sum(trial.fencing_token > 1 for trial in trials.values()),
    }


def _records(folder: Path) -> Iterator[dict[str, object]]:
    for path in folder.glob("*.jsonl"):
        for line in path.read_text().splitlines():
            if line.endswith("}"):  # a killed worker may have begun a line
                yield json.loads(line)


def _stands(trials: dict[tuple[str, int], TrialRecord], record: dict[str, object]) -> bool:
    """Whether an acknowledged report is in the database, with its value."""
    trial = trials.get((str(record["study"]), int(str(record["number"]))))
    if trial is None:
        return False
    step = int(str(record["step"]))
    found = {point.step: point.values["value"] for point in trial.measurements}
    wanted = curve(float(trial.parameters["x"]), float(trial.parameters["y"]), step)
    return bool(abs(found.get(step, float("inf")) - wanted) < 1e-12)


def main() -> None:
    """Run, print the counts, and say by the status whether they are right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=Plan.workers)
    parser.add_argument("--trials", type=int, default=Plan.trials)
    parser.add_argument("--studies", type=int, default=Plan.studies)
    parser.add_argument("--kill-every", type=float, default=Plan.kill_every)
    parser.add_argument("--killed-workers", type=int, default=None)
    parser.add_argument("--restart-database", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    killed = given.workers // 10 if given.killed_workers is None else given.killed_workers
    plan = Plan(
        workers=given.workers,
        trials=given.trials,
        studies=given.studies,
        kill_every=given.kill_every,
        killed_workers=killed,
        restart_database=given.restart_database,
    )
    counts = run(plan, given.seed)
    for name, count in counts.items():
        print(f"{name:32} {count}")  # noqa: T201 - a command
    wrong = faults(plan, counts)
    print("wrong: " + ", ".join(wrong) if wrong else "all as it must be")  # noqa: T201
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
