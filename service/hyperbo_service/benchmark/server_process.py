"""Server processes for benchmarks, started and killed from a process that stays light itself."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TRIVIAL = "/benchmark/Echo"
"""A method beside the service's that returns what it is sent."""


def start_server(
    database: str, port: int = 0, registry: Path | None = None
) -> subprocess.Popen[str]:
    """A server process; its first line of output is its port."""
    folder = [] if registry is None else [str(registry)]
    module = "hyperbo_service.benchmark.bench_server"
    return subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", module, database, str(port), *folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def read_port(process: subprocess.Popen[str]) -> int:
    """The port of a server process, once it takes calls."""
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    return int(process.stdout.readline())


@contextmanager
def running_server(database: str, registry: Path | None = None) -> Iterator[str]:
    """The address of a server in a process of its own."""
    process = start_server(database, registry=registry)
    try:
        yield f"127.0.0.1:{read_port(process)}"
    finally:
        process.communicate()
