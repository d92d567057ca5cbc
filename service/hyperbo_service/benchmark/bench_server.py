"""A server in a process of its own, for benchmarks that stop and kill it.

`python -m hyperbo_service.benchmark.bench_server DATABASE [PORT]` prints its port and serves until
its standard input ends. A trivial method stands beside the service, to compare with.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc

from hyperbo_service.commands.numerics import keep_compiled_programs
from hyperbo_service.config import ServerConfig
from hyperbo_service.serving import serving

TRIVIAL = "/benchmark/Echo"


class Trivial(grpc.GenericRpcHandler):
    """Returns what it is sent."""

    def service(self, handler_call_details: Any) -> Any:
        """The echo, for its one method."""
        if handler_call_details.method != TRIVIAL:
            return None
        return grpc.unary_unary_rpc_method_handler(lambda request, context: request)  # noqa: ARG005


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


def main() -> None:
    """Serve until standard input ends."""
    database, port, *folder = sys.argv[1:]
    keep_compiled_programs()
    config = ServerConfig(
        database=database, port=int(port), registry=Path(folder[0]) if folder else None
    )
    with serving(config, extra=(Trivial(),)) as running:
        print(running.server.port, flush=True)  # noqa: T201 - who started it waits for this line
        sys.stdin.read()


if __name__ == "__main__":
    main()
