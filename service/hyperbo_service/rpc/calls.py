"""Calls: who asks, and the journal's view of a request."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from google.protobuf.message import Message

from hyperbo_service.domain import Call
from hyperbo_service.resources import check_request_id


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks.

    Attributes:
        principal: Name of the token, or of the local user.
        is_listening: Whether an answer would still be heard.
    """

    principal: str
    is_listening: Callable[[], bool] = lambda: True


def call_of(asker: Asker, method: str, request: Message, project: str, resource: str) -> Call:
    """The call that a request makes.

    Raises:
        InvalidArgumentError: If its request id is not well formed.
    """
    content = request.SerializeToString(deterministic=True)
    return Call(
        project=project,
        request_id=check_request_id(request.request_id),  # type: ignore[attr-defined]
        principal=asker.principal,
        method=method,
        resource=resource,
        fingerprint=fingerprint(method, content),
    )


def fingerprint(method: str, *content: bytes) -> bytes:
    """SHA-256 over a method and what it was sent."""
    digest = hashlib.sha256(method.encode())
    for part in content:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()
