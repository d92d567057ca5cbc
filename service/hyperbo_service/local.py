"""Studies without a server: the client's transport straight to a database in this process."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from google.protobuf.message import Message

from hyperbo.registry import Registry
from hyperbo_service.app import Backend, open_backend
from hyperbo_service.config import ServerConfig
from hyperbo_service.errors import InternalError, ServiceError
from hyperbo_service.home import database_of, registry_of
from hyperbo_service.rpc.calls import Asker
from hyperbo_service.rpc.methods import METHODS

_ASKER = Asker("local")


class LocalTransport:
    """Carries the client's messages to an API in the same process; the path a server takes too.

    Args:
        backend: The API and its database, closed with the transport.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def call(self, method: str, request: Message, *, timeout: float | None) -> Message:  # noqa: ARG002
        """Carry one request and return the answer."""
        with _faults(method):
            return self._read(method, self._backend.api.call(method, request, _ASKER))
        raise AssertionError  # a fault is raised, never swallowed

    def stream(
        self,
        method: str,
        request: Message,
        *,
        timeout: float | None,  # noqa: ARG002
    ) -> Iterator[Message]:
        """Carry one request and return the stream of answers."""
        with _faults(method):
            for answer in self._backend.api.stream(method, request, _ASKER):
                yield self._read(method, answer)

    def upload(
        self,
        method: str,
        requests: Iterable[Message],
        *,
        timeout: float | None,  # noqa: ARG002
    ) -> Message:
        """Carry a stream of requests and return the answer."""
        with _faults(method):
            return self._read(method, self._backend.api.upload(method, requests, _ASKER))
        raise AssertionError  # a fault is raised, never swallowed

    def close(self) -> None:
        """Close the database."""
        self._backend.close()

    @staticmethod
    def _read(method: str, answer: bytes) -> Message:
        return METHODS[method].response.FromString(answer)


@contextmanager
def _faults(method: str) -> Iterator[None]:
    """Raise what is no error of ours as a fault, as a server would; its cause goes with it."""
    try:
        yield
    except ServiceError:
        raise
    except Exception as error:
        raise InternalError(
            f"A fault of HyperBO in {method}: {type(error).__name__}: {error}. Please report it."
        ) from error


def open_local(path: str | None) -> LocalTransport:
    """A transport to a database file, made if there is none.

    Args:
        path: The file; by default the one that `hyperbo serve` uses.

    Raises:
        PreconditionError: If the file is of another release.
        UnavailableError: If it cannot be opened.
    """
    if path is None:
        database = database_of(ServerConfig())
    else:
        file = Path(path).absolute()
        file.parent.mkdir(parents=True, exist_ok=True)
        database = f"sqlite:///{file}"
    registry = Registry(registry_of(ServerConfig()))
    return LocalTransport(open_backend(database, registry=registry))
