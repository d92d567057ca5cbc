"""The API: every method of both services by name, whatever carries the messages."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from google.protobuf.message import DecodeError, Message

from hyperbo_service.errors import InvalidArgumentError
from hyperbo_service.insights import Insights
from hyperbo_service.rpc.calls import Asker
from hyperbo_service.rpc.methods import METHODS
from hyperbo_service.rpc.prior_methods import PriorMethods
from hyperbo_service.rpc.stream_methods import StreamMethods
from hyperbo_service.rpc.study_methods import InsightMethods, StudyMethods
from hyperbo_service.rpc.trial_methods import TrialMethods
from hyperbo_service.suggestions import Suggester
from hyperbo_service.transactions import Transactions


@dataclass(frozen=True)
class Limits:
    """What the API grants.

    Attributes:
        lease: How long a trial is leased if the client does not say.
        watchers: How many may watch studies at once.
    """

    lease: timedelta = timedelta(seconds=60)
    watchers: int = 32


class Api:
    """Answers requests of both services.

    Args:
        transactions: Where use cases run.
        suggester: Hands out trials.
        insights: Answers questions about a study's posterior.
        limits: What is granted.
        adopt: Called for a project before a prior is looked for by its name.
    """

    def __init__(
        self,
        transactions: Transactions,
        suggester: Suggester,
        insights: Insights,
        limits: Limits,
        adopt: Callable[[str], None],
    ) -> None:
        self._closing = threading.Event()
        parts = (
            StudyMethods(transactions, adopt),
            TrialMethods(transactions, suggester, limits.lease),
            InsightMethods(insights),
            PriorMethods(transactions, adopt),
            StreamMethods(transactions, self._closing, limits.watchers),
        )
        self._methods: Mapping[str, Callable[..., Any]] = {
            name: next(getattr(part, name) for part in parts if hasattr(part, name))
            for name in METHODS
        }

    def call(self, method: str, request: Message, asker: Asker) -> bytes:
        """The answer to one request, as bytes of the method's response.

        Raises:
            ServiceError: If it is refused; then nothing was changed.
        """
        answer: bytes = self._methods[method](request, asker)
        return answer

    def upload(self, method: str, requests: Iterable[Message], asker: Asker) -> bytes:
        """The answer to a stream of requests.

        Raises:
            ServiceError: If it is refused; then nothing was changed.
        """
        answer: bytes = self._methods[method](requests, asker)
        return answer

    def stream(self, method: str, request: Message, asker: Asker) -> Iterator[bytes]:
        """The answers to one request.

        Raises:
            ServiceError: If it is refused.
        """
        answers: Iterator[bytes] = self._methods[method](request, asker)
        return answers

    def close(self) -> None:
        """End every watch."""
        self._closing.set()


def parse(method: str, content: bytes) -> Message:
    """A method's request of its bytes.

    Raises:
        InvalidArgumentError: If they are no such message.
    """
    try:
        return METHODS[method].request.FromString(content)
    except DecodeError as error:
        raise InvalidArgumentError(
            f"The request is no {METHODS[method].request.DESCRIPTOR.full_name}: {error}. Use "
            "messages of this release."
        ) from error
