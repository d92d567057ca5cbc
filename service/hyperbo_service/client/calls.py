"""Calls: a request, the method it goes to, and the class of its answer, as one value."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Generic, TypeVar

from google.protobuf.message import Message

Answer = TypeVar("Answer", bound=Message)

QUICK = 30.0
"""Seconds that an attempt may take where the server only reads and writes."""
SLOW = 300.0
"""Seconds that an attempt may take where the server computes, and may have to compile first."""


class Call(Generic[Answer]):
    """One call, the same at every attempt; its request id is in the request.

    Attributes:
        method: E.g. `SuggestTrials`.
        request: The message to send.
        answer: Class of the answer, or of each part of it where the method gives a stream.
        timeout: Seconds that one attempt may take; None where it may take for ever.
    """

    __slots__ = ("answer", "method", "request", "timeout")

    def __init__(
        self, method: str, request: Message, answer: type[Answer], timeout: float | None = QUICK
    ) -> None:
        self.method = method
        self.request = request
        self.answer = answer
        self.timeout = timeout

    def read(self, message: Message) -> Answer:
        """The answer, known to be of the class it should be.

        Raises:
            TypeError: If it is of another class, which is a fault of the transport.
        """
        if not isinstance(message, self.answer):
            raise TypeError(
                f"The transport answered {self.method} with a {type(message).__name__}; wanted a "
                f"{self.answer.__name__}."
            )
        return message


class Upload(Generic[Answer]):
    """A call that sends a stream of requests, the same at every attempt."""

    __slots__ = ("answer", "method", "requests", "timeout")

    def __init__(
        self,
        method: str,
        requests: Sequence[Message],
        answer: type[Answer],
        timeout: float | None = SLOW,
    ) -> None:
        self.method = method
        self.requests = requests
        self.answer = answer
        self.timeout = timeout


def new_request_id() -> str:
    """A request id that no other call bears: 128 random bits in hexadecimal."""
    return os.urandom(16).hex()
