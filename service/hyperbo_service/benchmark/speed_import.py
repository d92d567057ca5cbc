"""Time to import the client beside that of `import grpc`: a command.

`python -m hyperbo_service.benchmark.speed_import` starts fresh processes by turns and prints the
medians, less the time of a process that imports nothing, and their ratio. Python's compiled files
are kept in a folder of their own, whatever the environment says of them.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from statistics import median

_STATEMENTS = {"nothing": "pass", "grpc": "import grpc", "client": "import hyperbo_service.client"}


def time_starts(repeats: int) -> dict[str, float]:
    """Median seconds of a process with each statement."""
    times: dict[str, list[float]] = {name: [] for name in _STATEMENTS}
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
        } | {"PYTHONPYCACHEPREFIX": folder}
        for place in range(repeats + 1):
            for name, statement in _STATEMENTS.items():
                begun = time.perf_counter()
                subprocess.run([sys.executable, "-c", statement], check=True, env=environment)  # noqa: S603 - our own statements
                if place:  # the first start compiles
                    times[name].append(time.perf_counter() - begun)
    return {name: median(found) for name, found in times.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    found = time_starts(parser.parse_args().repeats)
    grpc, client = found["grpc"] - found["nothing"], found["client"] - found["nothing"]
    print(  # noqa: T201 - a command
        f"import grpc {grpc * 1e3:.0f} ms, the client {client * 1e3:.0f} ms, "
        f"ratio {client / grpc:.2f}"
    )


if __name__ == "__main__":
    main()
