"""Rate of durable reports beside that of a trivial unary call, on one server in one run: a command.

`python -m hyperbo_service.benchmark.speed_reports [--database URL]` prints calls a second with 1,
16 and 128 clients, their ratio, and the latency of a report. Each client reports on a trial of its
own; a report is acknowledged after it was committed. Rounds of the two kinds take turns, so that
both meet the same noise; the medians over rounds are printed.
"""

import argparse
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import grpc

from hyperbo_service.benchmark.server_process import TRIVIAL, running_server
from hyperbo_service.client import Client, Float
from hyperbo_service.rpc.methods import METHODS
from hyperbo_service.rpc.v1 import trial_pb2 as trial_wire
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire

CLIENTS = (1, 16, 128)
_METRIC = "accuracy"

Send = Callable[[], None]


def measure(count: int, seconds: float, make: Callable[[int], Send]) -> tuple[float, list[float]]:
    """Calls a second of `count` clients, each in a thread, and the seconds that each call took."""
    sends = [make(place) for place in range(count)]
    for send in sends:
        send()
    latencies: list[list[float]] = [[] for _ in range(count)]
    gate = threading.Barrier(count + 1)

    def work(place: int) -> None:
        send, mine = sends[place], latencies[place]
        gate.wait()
        end = time.perf_counter() + seconds
        while True:
            begun = time.perf_counter()
            if begun > end:
                return
            send()
            mine.append(time.perf_counter() - begun)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(count)]
    for thread in threads:
        thread.start()
    gate.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    every = [latency for mine in latencies for latency in mine]
    return len(every) / (time.perf_counter() - begun), every


class Reporters:
    """Clients that report on one trial each, and say the same to a trivial method."""

    def __init__(self, address: str, count: int) -> None:
        client = Client(address)
        study = client.study(
            f"speed-{count}",
            space={"rate": Float(0.0, 1.0)},
            metric=_METRIC,
            goal="maximize",
            prior="none",
        )
        configurations = [{"rate": place / count} for place in range(count)]
        for configuration in configurations:
            study.enqueue(configuration)
        self._trials = study.ask(count, lease=86_400)
        self._steps = [0] * count
        options = [("grpc.use_local_subchannel_pool", 1)]
        self._channels = [grpc.insecure_channel(address, options) for _ in range(count)]

    def trivial(self, place: int) -> Send:
        """A client that sends the same bytes to a method that does nothing."""
        call: Any = self._channels[place].unary_unary(TRIVIAL)
        content = self._request(place, 0).SerializeToString()
        return lambda: call(content)

    def durable(self, place: int) -> Send:
        """A client that reports one more step at each call."""
        method = METHODS["ReportMeasurement"]
        call: Any = self._channels[place].unary_unary(
            method.path,
            request_serializer=method.request.SerializeToString,
            response_deserializer=method.response.FromString,
        )

        def send() -> None:
            self._steps[place] += 1
            call(self._request(place, self._steps[place]))

        return send

    def _request(self, place: int, step: int) -> wire.ReportMeasurementRequest:
        trial = self._trials[place]
        value = trial_wire.MetricValue(metric=_METRIC, value=0.5)
        return wire.ReportMeasurementRequest(
            name=trial.name,
            fencing_token=trial.fencing_token,
            measurement=trial_wire.Measurement(step=step, values=[value]),
            request_id=uuid.uuid4().hex,
        )


def compare(address: str, count: int, rounds: int, seconds: float) -> dict[str, float]:
    """One row of the table."""
    reporters = Reporters(address, count)
    trivial, durable, latencies = [], [], []
    for _ in range(rounds):
        trivial.append(measure(count, seconds, reporters.trivial)[0])
        rate, times = measure(count, seconds, reporters.durable)
        durable.append(rate)
        latencies += times
    latencies.sort()
    middle = latencies[len(latencies) // 2]
    late = latencies[int(len(latencies) * 0.99)]
    return {
        "clients": count,
        "trivial/s": median(trivial),
        "reports/s": median(durable),
        "ratio": median(mine / theirs for mine, theirs in zip(durable, trivial, strict=True)),
        "median ms": middle * 1e3,
        "p99 ms": late * 1e3,
        "p99 / median": late / middle,
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", help="Default: a SQLite file in the temporary folder.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = arguments.database or f"sqlite:///{Path(folder) / 'speed.db'}"
        with running_server(database) as address:
            rows = [
                compare(address, count, arguments.rounds, arguments.seconds) for count in CLIENTS
            ]
    print("|", " | ".join(rows[0]), "|")  # noqa: T201 - a command
    print("|", " | ".join("---:" for _ in rows[0]), "|")  # noqa: T201
    for row in rows:
        cells = (f"{value:.3g}" if value < 100 else f"{value:.0f}" for value in row.values())
        print("|", " | ".join(cells), "|")  # noqa: T201


if __name__ == "__main__":
    main()
