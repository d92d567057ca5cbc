"""A server in a process of its own, for benchmarks that stop and kill it.

`python -m hyperbo_service.benchmark.bench_server DATABASE [PORT]` prints its port and serves until
its standard input ends. A trivial method stands beside the service, to compare with.
"""

import sys
from pathlib import Path
from typing import Any

import grpc

from hyperbo_service.benchmark.server_process import TRIVIAL
from hyperbo_service.commands.numerics import keep_compiled_programs
from hyperbo_service.config import ServerConfig


class Trivial(grpc.GenericRpcHandler):
    """Returns what it is sent."""

    def service(self, handler_call_details: Any) -> Any:
        """The echo, for its one method."""
        if handler_call_details.method != TRIVIAL:
            return None
        return grpc.unary_unary_rpc_method_handler(lambda request, context: request)  # noqa: ARG005


def main() -> None:
    """Serve until standard input ends."""
    database, port, *folder = sys.argv[1:]
    keep_compiled_programs()
    # Only now: what JAX is told before it is imported stands.
    from hyperbo_service.serving import serving  # noqa: PLC0415

    config = ServerConfig(
        database=database, port=int(port), registry=Path(folder[0]) if folder else None
    )
    with serving(config, extra=(Trivial(),)) as running:
        print(running.server.port, flush=True)  # noqa: T201 - who started it waits for this line
        sys.stdin.read()


if __name__ == "__main__":
    main()
