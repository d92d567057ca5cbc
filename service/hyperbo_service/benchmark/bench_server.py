"""A server process for benchmarks: the service, and a trivial method beside it to compare with.

`python -m hyperbo_service.benchmark.bench_server DATABASE` prints its port and serves until its
standard input ends.
"""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from typing import Any

import grpc

from hyperbo_service.app import open_backend
from hyperbo_service.auth import OpenGate
from hyperbo_service.rpc.handlers import Handlers

TRIVIAL = "/benchmark/Echo"
THREADS = 256


class _Trivial(grpc.GenericRpcHandler):
    """Returns what it is sent."""

    def service(self, handler_call_details: Any) -> Any:
        """The echo, for its one method."""
        if handler_call_details.method != TRIVIAL:
            return None
        return grpc.unary_unary_rpc_method_handler(lambda request, context: request)  # noqa: ARG005


class _Nobody:
    def on_call(self, method: str, code: str, seconds: float) -> None:
        pass


@contextmanager
def running_server(database: str) -> Iterator[str]:
    """The address of a server in a process of its own."""
    command = [sys.executable, "-m", "hyperbo_service.benchmark.bench_server", database]
    process = subprocess.Popen(  # noqa: S603 - our own module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        yield f"127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.communicate()


def main() -> None:
    """Serve until standard input ends."""
    backend = open_backend(sys.argv[1])
    handlers = Handlers(
        backend.api,
        OpenGate(),
        _Nobody(),
        lambda name, metadata: nullcontext(),  # noqa: ARG005
    )
    server = grpc.server(ThreadPoolExecutor(THREADS))
    server.add_generic_rpc_handlers((handlers, _Trivial()))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)  # noqa: T201 - who started it waits for this line
    sys.stdin.read()
    server.stop(1).wait()
    backend.close()


if __name__ == "__main__":
    main()
