"""Under which id a client asks for trials."""

from __future__ import annotations

import os
import socket

from hyperbo_service.client.forks import survive_fork
from hyperbo_service.errors import InvalidArgumentError

_LONGEST = 128


class Identity:
    """A client's id: one of its own for every client, unless a lasting one is given.

    Under the same id, a worker that starts again gets back the trials it held. Two clients must
    not use one id at the same time, so an id that was not given changes in a child process.
    """

    def __init__(self, client_id: str | None) -> None:
        if client_id is not None and not _is_id(client_id):
            raise InvalidArgumentError(
                f"The client id is {client_id!r}; wanted 1 to {_LONGEST} printable characters.",
                field="client_id",
            )
        self.client_id = client_id or _unique_id()
        if client_id is None:
            survive_fork(self)

    def renew_after_fork(self) -> None:
        """Take another id, as the parent goes on under the old one."""
        self.client_id = _unique_id()


def _unique_id() -> str:
    host = "".join(each for each in socket.gethostname() if each.isprintable())[:80]
    return f"{host or 'host'}-{os.getpid()}-{os.urandom(4).hex()}"


def _is_id(text: str) -> bool:
    return 0 < len(text) <= _LONGEST and text.isprintable()
