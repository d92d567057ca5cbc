"""Request ids that a script chose itself, so that it may repeat a command."""

from collections.abc import Iterable, Iterator

from google.protobuf.message import Message

from hyperbo_service.client import Transport


class GivenRequestId:
    """Carries calls over another transport, those that change something under a given id.

    The first bears the id itself and the n-th the id with `.n`, so that a command that makes
    several, run again with the same id, is answered as it was at first.

    Args:
        transport: What carries the calls.
        request_id: 8 to 60 letters, digits, hyphens, underscores or dots.
    """

    def __init__(self, transport: Transport, request_id: str) -> None:
        self._transport = transport
        self._request_id = request_id
        self._ids: dict[str, str] = {}

    def call(self, method: str, request: Message, *, timeout: float | None) -> Message:
        """Carry one request and return the answer."""
        return self._transport.call(method, self._named(request), timeout=timeout)

    def stream(self, method: str, request: Message, *, timeout: float | None) -> Iterator[Message]:
        """Carry one request and return the stream of answers."""
        return self._transport.stream(method, request, timeout=timeout)

    def upload(self, method: str, requests: Iterable[Message], *, timeout: float | None) -> Message:
        """Carry a stream of requests and return the answer."""
        return self._transport.upload(method, requests, timeout=timeout)

    def close(self) -> None:
        """Close the transport."""
        self._transport.close()

    def _named(self, request: Message) -> Message:
        random_id = getattr(request, "request_id", "")
        if not random_id:
            return request
        # A call that is tried again comes with the random id of its first attempt.
        number = len(self._ids) + 1
        known = self._request_id if number == 1 else f"{self._request_id}.{number}"
        copy = type(request)()
        copy.CopyFrom(request)
        copy.request_id = self._ids.setdefault(random_id, known)  # type: ignore[attr-defined]
        return copy
