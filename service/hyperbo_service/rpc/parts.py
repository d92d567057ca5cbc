"""Parts: lists cut so that each part fits into one message, also for clients that take 4 MiB."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from google.protobuf.message import Message

from hyperbo_service.domain import Trial

LARGEST_PART = 3 * 2**20
"""Bytes that a part may have; one message alone may have more."""

MOST_MEASUREMENTS = 20_000
"""Measurements that trials are read with at once; about two megabytes."""

_OVERHEAD = 8

AnyMessage = TypeVar("AnyMessage", bound=Message)


def in_parts(messages: Iterable[AnyMessage]) -> Iterator[list[AnyMessage]]:
    """The messages in parts that are not too large together; none is empty."""
    part: list[AnyMessage] = []
    size = 0
    for message in messages:
        more = message.ByteSize() + _OVERHEAD
        if part and size + more > LARGEST_PART:
            yield part
            part, size = [], 0
        part.append(message)
        size += more
    if part:
        yield part


def first_part(messages: Sequence[AnyMessage]) -> Sequence[AnyMessage]:
    """As many of the first messages as are not too large together; at least one."""
    return next(in_parts(messages), messages)


def readable(trials: Sequence[Trial]) -> Sequence[Trial]:
    """As many of the first trials as have not too many measurements together; at least one."""
    total = 0
    for place, trial in enumerate(trials):
        total += trial.measurement_count
        if total > MOST_MEASUREMENTS and place:
            return trials[:place]
    return trials
