"""Who may call what: bearer tokens with a scope and a project, and their limits of rate and size.

A token is `hbo_` and 43 random characters; the database holds only its SHA-256. What a token allows
is remembered for a few seconds, so one that is revoked is refused everywhere soon after.
"""

import hashlib
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any, Protocol, Self

from hyperbo_service.config import CALLS_PER_SECOND, LARGEST_MESSAGE
from hyperbo_service.domain import Clock
from hyperbo_service.errors import (
    InvalidArgumentError,
    PermissionDeniedError,
    RateLimitedError,
    TooLargeError,
    UnauthenticatedError,
)
from hyperbo_service.resources import is_id
from hyperbo_service.storage import Store, Token

ANONYMOUS = "anonymous"
CACHE_SECONDS = 3.0
"""How long what a token allows is remembered, and that there is no such token."""

_PREFIX = "hbo_"
_TOKEN = re.compile(rf"{_PREFIX}[A-Za-z0-9_-]{{43}}")
_CACHE_SIZE = 4096
_BURST_SECONDS = 2.0


class Scope(IntEnum):
    """What a token is for; each includes those before it."""

    READ = 1
    REPORT = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """As it is written: `read`, `report` or `admin`."""
        return self.name.lower()

    @classmethod
    def parse(cls, word: str) -> Self:
        """The scope of a word.

        Raises:
            InvalidArgumentError: If it is none.
        """
        try:
            return cls[word.upper()]
        except KeyError:
            raise InvalidArgumentError(
                f"The scope is {word!r}; wanted read, report or admin.", field="scope"
            ) from None


REQUIRED_SCOPE: Mapping[str, Scope] = {
    **dict.fromkeys(
        (
            "CheckEarlyStopping",
            "DownloadPrior",
            "ExportStudy",
            "GetPrior",
            "GetPriorReport",
            "GetStudy",
            "GetTrial",
            "ListBestTrials",
            "ListPriors",
            "ListStudies",
            "ListTrials",
            "Predict",
            "VerifyPrior",
            "WatchStudy",
        ),
        Scope.READ,
    ),
    **dict.fromkeys(
        (
            "AbandonTrial",
            "CompleteTrial",
            "CreateStudy",
            "CreateTrial",
            "FailTrial",
            "Heartbeat",
            "MarkTrialInfeasible",
            "ReportMeasurement",
            "SuggestTrials",
        ),
        Scope.REPORT,
    ),
    **dict.fromkeys(
        (
            "DeleteStudy",
            "DeleteTrial",
            "ImportTrials",
            "RetirePrior",
            "UpdateStudy",
            "UploadPrior",
        ),
        Scope.ADMIN,
    ),
}
"""The least scope that each method asks for."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a call, and how far it reaches.

    Attributes:
        principal: Name for the audit log.
        project: The only project within reach; None for all.
        scope: What it may do.
        largest_message: Limit of a message, also of each in a stream, in bytes.
    """

    principal: str
    project: str | None
    scope: Scope
    largest_message: int

    def check_project(self, project: str) -> None:
        """Refuse a project out of reach, whether or not there is one of that name.

        Raises:
            PermissionDeniedError: If it is.
        """
        if self.project is not None and project != self.project:
            raise PermissionDeniedError(
                f"The token is not for project {project!r}. Use a token of that project."
            )

    def check_size(self, size: int) -> None:
        """Refuse a message that is too large.

        Raises:
            TooLargeError: If it is.
        """
        if size > self.largest_message:
            raise TooLargeError(
                f"The message has {size:,} bytes; this caller may send {self.largest_message:,}. "
                "Send less at a time."
            )


class Gate(Protocol):
    """Decides which calls are let in."""

    def admit(self, method: str, token: str | None, project: str | None, size: int) -> Caller:
        """Let a call in, or refuse it.

        Args:
            method: Name of the method, e.g. `GetStudy`.
            token: The bearer token; None if there is none.
            project: The project of the request; None if it names none, or is not known yet.
            size: Size of the message in bytes.

        Raises:
            UnauthenticatedError: If a token is needed, and this is none that is valid.
            PermissionDeniedError: If the token is not for this project, or not for this method.
            RateLimitedError: If the token has used up its calls for now.
            TooLargeError: If the message is above its limit.
        """


@dataclass(frozen=True)
class OpenGate:
    """Lets everybody do everything: for a server on loopback, or one that is told to be insecure.

    Attributes:
        principal: Name for the audit log.
        largest_message: Limit of a message in bytes.
    """

    principal: str = ANONYMOUS
    largest_message: int = LARGEST_MESSAGE

    def admit(self, method: str, token: str | None, project: str | None, size: int) -> Caller:  # noqa: ARG002
        """Let a call in, if it is not too large."""
        caller = Caller(self.principal, None, Scope.ADMIN, self.largest_message)
        caller.check_size(size)
        return caller


class TokenGate:
    """Lets in calls that bear a valid token; may be used by many threads.

    Args:
        store: Where the tokens are.
        clock: Says what time it is.
        calls_per_second: Limit of tokens that name none.
        largest_message: Likewise, in bytes.
        ticks: Seconds that only go forward.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        calls_per_second: float = CALLS_PER_SECOND,
        largest_message: int = LARGEST_MESSAGE,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._clock = clock
        self._calls_per_second = calls_per_second
        self._largest_message = largest_message
        self._ticks = ticks
        self._lock = threading.Lock()
        # Apart, so that a flood of wrong tokens does not push out the right ones.
        self._known: OrderedDict[str, tuple[float, Token | None]] = OrderedDict()
        self._unknown: OrderedDict[str, tuple[float, Token | None]] = OrderedDict()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def admit(self, method: str, token: str | None, project: str | None, size: int) -> Caller:
        """Let a call in, or refuse it; a refused call counts against the rate too."""
        allowed = self._authenticate(token)
        self._count(allowed)
        caller = Caller(
            allowed.name,
            allowed.project,
            Scope.parse(allowed.scope),
            allowed.largest_message or self._largest_message,
        )
        caller.check_size(size)
        if project is not None:
            caller.check_project(project)
        needed = REQUIRED_SCOPE.get(method, Scope.ADMIN)
        if caller.scope < needed:
            raise PermissionDeniedError(
                f"{method} needs a token with scope {needed.word}; this one has "
                f"{caller.scope.word}. Ask for one with `hyperbo token create --scope "
                f"{needed.word}`."
            )
        return caller

    def _authenticate(self, text: str | None) -> Token:
        if not text:
            raise UnauthenticatedError(
                "The call bears no token. Give the client one that `hyperbo token create` printed."
            )
        found = self._look_up(digest_of(text)) if _TOKEN.fullmatch(text) else None
        if found is None:
            raise UnauthenticatedError(
                "The token is not known here. Give the client one that `hyperbo token create` "
                "printed."
            )
        if found.revoked is not None:
            raise UnauthenticatedError("The token was revoked. Ask for a new one.")
        if found.expires is not None and found.expires <= self._clock():
            raise UnauthenticatedError(
                f"The token expired at {found.expires:%Y-%m-%d %H:%M} UTC. Ask for a new one."
            )
        return found

    def _look_up(self, digest: str) -> Token | None:
        """The token of a digest, from the database or as it was a moment ago."""
        with self._lock:
            now = self._ticks()
            for cache in (self._known, self._unknown):
                at, token = cache.get(digest, (now - CACHE_SECONDS, None))
                if now - at < CACHE_SECONDS:
                    return token
        # The moment before the read counts, lest a revocation meanwhile be missed for longer.
        with self._store.read() as reader:
            token = reader.token(digest)
        with self._lock:
            for cache in (self._known, self._unknown):
                cache.pop(digest, None)
            cache = self._unknown if token is None else self._known
            cache[digest] = (now, token)
            _shrink(cache)
        return token

    def _count(self, token: Token) -> None:
        rate = token.calls_per_second or self._calls_per_second
        with self._lock:
            bucket = self._buckets.pop(token.digest, None)
            if bucket is None or bucket.rate != rate:
                bucket = _Bucket(rate, self._ticks())
            self._buckets[token.digest] = bucket
            _shrink(self._buckets)
            wait = bucket.take(self._ticks())
        if wait > 0.0:
            raise RateLimitedError(
                f"The token allows {rate:g} calls per second. Try again in {wait:.2g} s.",
                retry_after=wait,
            )


def new_token(
    name: str,
    project: str,
    scope: Scope,
    *,
    now: datetime,
    expires: datetime | None = None,
    calls_per_second: float | None = None,
    largest_message: int | None = None,
) -> tuple[str, Token]:
    """A new token: its text, which is told once, and what is stored of it.

    Args:
        name: Says in the audit log who it was.
        project: The only project that it reaches.
        scope: What it may do.
        now: The time.
        expires: When it ends; None for never.
        calls_per_second: Its limit; None for the server's.
        largest_message: Its limit in bytes; None for the server's.

    Raises:
        InvalidArgumentError: If a name is not well formed, or a limit is not positive.
    """
    for field, text in (("name", name), ("project", project)):
        if not is_id(text):
            raise InvalidArgumentError(
                f"The token's {field} is {text[:80]!r}; wanted a letter or digit, then up to 62 "
                "letters, digits, dots, underscores or hyphens.",
                field=field,
            )
    if expires is not None and expires <= now:
        raise InvalidArgumentError(
            "The token would have expired already; name a time to come.", field="expires"
        )
    limits = {"calls_per_second": calls_per_second, "largest_message": largest_message}
    for field, limit in limits.items():
        if limit is not None and not 0 < limit < 2**53:
            raise InvalidArgumentError(
                f"{field} is {limit}; wanted a positive number.", field=field
            )
    text = _PREFIX + secrets.token_urlsafe(32)
    stored = Token(
        name=name,
        digest=digest_of(text),
        project=project,
        scope=scope.word,
        calls_per_second=calls_per_second,
        largest_message=largest_message,
        created=now,
        expires=expires,
        revoked=None,
    )
    return text, stored


def digest_of(text: str) -> str:
    """SHA-256 of a token, under which it is stored."""
    return hashlib.sha256(text.encode()).hexdigest()


class _Bucket:
    """Calls that may still be made; it fills up steadily."""

    __slots__ = ("_at", "_left", "rate")

    def __init__(self, rate: float, now: float) -> None:
        self.rate = rate
        self._left = self._capacity
        self._at = now

    @property
    def _capacity(self) -> float:
        return max(self.rate * _BURST_SECONDS, 1.0)

    def take(self, now: float) -> float:
        """Take a call; zero, or how many seconds it is too early."""
        self._left = min(self._capacity, self._left + (now - self._at) * self.rate)
        self._at = now
        if self._left >= 1.0:
            self._left -= 1.0
            return 0.0
        return (1.0 - self._left) / self.rate


def _shrink(cache: OrderedDict[str, Any]) -> None:
    if len(cache) > _CACHE_SIZE:
        cache.popitem(last=False)
