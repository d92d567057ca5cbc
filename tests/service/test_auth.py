"""Who may call what: scopes, projects, expiry, revocation, and limits of rate and size."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from hyperbo_service.auth import (
    CACHE_SECONDS,
    REQUIRED_SCOPE,
    OpenGate,
    Scope,
    TokenGate,
    digest_of,
    new_token,
)
from hyperbo_service.errors import (
    InvalidArgumentError,
    PermissionDeniedError,
    RateLimitedError,
    TooLargeError,
    UnauthenticatedError,
)
from hyperbo_service.rpc.methods import METHODS
from hyperbo_service.storage import Reader
from hyperbo_service.storage.engines import MEMORY, parse_url
from hyperbo_service.storage.sql import SqlStore
from tests.service.clocks import START, StillClock


class CountingStore:
    """A store that counts how often it is read."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.reads = 0

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """As the store's own."""
        self.reads += 1
        with self.store.read() as reader:
            yield reader

    def issue(self, name: str = "ann", scope: Scope = Scope.ADMIN, **limits: Any) -> str:
        """The text of a new token of project `red`."""
        text, token = new_token(name, "red", scope, now=START, **limits)
        self.store.change(lambda writer: writer.add_token(token))
        return text


@pytest.fixture
def clock() -> StillClock:
    """A clock for the gate."""
    return StillClock()


@pytest.fixture
def store() -> Iterator[CountingStore]:
    """An empty database in memory."""
    opened = SqlStore(parse_url(MEMORY))
    yield CountingStore(opened)
    opened.close()


@pytest.fixture
def gate(store: CountingStore, clock: StillClock) -> TokenGate:
    """A gate that allows ten calls per second and messages of 1,000 bytes."""
    return _gate(store, clock)


def _gate(store: Any, clock: StillClock) -> TokenGate:
    return TokenGate(store, clock, calls_per_second=10, largest_message=1000, ticks=clock.ticks)


def test_every_method_has_a_scope() -> None:
    """No method of the services is without its scope, and there is no scope without its method."""
    assert set(REQUIRED_SCOPE) == set(METHODS)


def test_what_changes_anything_needs_more_than_to_read() -> None:
    """A method whose calls carry a request id is never open to a token that only reads."""
    mutating = {name for name, method in METHODS.items() if method.is_mutating}

    assert {name for name in mutating if REQUIRED_SCOPE[name] is Scope.READ} == set()


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("method", METHODS)
def test_scopes_include_those_before(
    store: CountingStore, clock: StillClock, scope: Scope, method: str
) -> None:
    """A token may call exactly the methods that ask for its scope or for a lesser one."""
    text = store.issue(scope=scope)

    if scope >= REQUIRED_SCOPE[method]:
        assert _gate(store, clock).admit(method, text, "red", 0).scope is scope
    else:
        with pytest.raises(PermissionDeniedError, match=REQUIRED_SCOPE[method].word):
            _gate(store, clock).admit(method, text, "red", 0)


def test_an_unknown_method_needs_admin(store: CountingStore, gate: TokenGate) -> None:
    """A method that the table has forgotten is not open to all."""
    with pytest.raises(PermissionDeniedError):
        gate.admit("Newest", store.issue(scope=Scope.REPORT), "red", 0)


def test_the_audit_log_learns_the_tokens_name(store: CountingStore, gate: TokenGate) -> None:
    """The principal of a call is the name of its token."""
    assert gate.admit("GetStudy", store.issue("ci-runner"), "red", 0).principal == "ci-runner"


@pytest.mark.parametrize("text", [None, "", "hbo_", "hbo_" + "x" * 43, "x" * 10**6, "hbo_\udc80"])
def test_what_is_no_token_is_refused(gate: TokenGate, text: str | None) -> None:
    """Neither a missing nor a malformed nor a made-up token is let in."""
    with pytest.raises(UnauthenticatedError):
        gate.admit("GetStudy", text, "red", 0)


def test_an_error_never_tells_the_token(gate: TokenGate) -> None:
    """What a caller is told, and a log may keep, does not hold the token."""
    text = "hbo_" + "s" * 43

    with pytest.raises(UnauthenticatedError) as refused:
        gate.admit("GetStudy", text, "red", 0)

    assert text[4:] not in str(refused.value)
    assert digest_of(text) not in str(refused.value)


def test_another_project_is_refused_whether_it_exists_or_not(
    store: CountingStore, gate: TokenGate
) -> None:
    """The refusal is the same for every project, so that it does not tell which there are."""
    said = set()
    for project in ("blue", "nothing"):
        with pytest.raises(PermissionDeniedError) as refused:
            gate.admit("GetStudy", store.issue(project), project, 0)
        said.add(str(refused.value).replace(project, "?"))

    assert len(said) == 1


def test_a_project_that_comes_later_is_checked_then(store: CountingStore, gate: TokenGate) -> None:
    """A call that names no project yet is let in; its caller knows which one it reaches."""
    caller = gate.admit("UploadPrior", store.issue(), None, 0)

    caller.check_project("red")
    with pytest.raises(PermissionDeniedError):
        caller.check_project("blue")


def test_a_token_expires(store: CountingStore, gate: TokenGate, clock: StillClock) -> None:
    """A token is refused from the moment that it ends, though it is remembered."""
    text = store.issue(expires=START + timedelta(seconds=1))
    gate.admit("GetStudy", text, "red", 0)

    clock.pass_by(1.0)

    with pytest.raises(UnauthenticatedError, match="expired"):
        gate.admit("GetStudy", text, "red", 0)


def test_a_revoked_token_is_refused_within_seconds(
    store: CountingStore, gate: TokenGate, clock: StillClock
) -> None:
    """After a revocation a token lives at most as long as it is remembered."""
    text = store.issue()
    gate.admit("GetStudy", text, "red", 0)
    store.store.change(lambda writer: writer.revoke_token("ann", START))

    clock.pass_by(CACHE_SECONDS)

    assert CACHE_SECONDS <= 5.0
    with pytest.raises(UnauthenticatedError, match="revoked"):
        gate.admit("GetStudy", text, "red", 0)


def test_a_new_token_works_within_seconds(
    store: CountingStore, gate: TokenGate, clock: StillClock
) -> None:
    """That a token was not known is forgotten as soon."""
    text, token = new_token("late", "red", Scope.READ, now=START)
    with pytest.raises(UnauthenticatedError):
        gate.admit("GetStudy", text, "red", 0)
    store.store.change(lambda writer: writer.add_token(token))

    clock.pass_by(CACHE_SECONDS)

    assert gate.admit("GetStudy", text, "red", 0).principal == "late"


def test_the_database_is_asked_once_in_a_while(store: CountingStore, gate: TokenGate) -> None:
    """Calls that follow each other read the token once, and so do guesses of one wrong token."""
    text = store.issue()
    for _ in range(5):
        gate.admit("GetStudy", text, "red", 0)
    for _ in range(5):
        with pytest.raises(UnauthenticatedError):
            gate.admit("GetStudy", "hbo_" + "x" * 43, "red", 0)

    assert store.reads == 2


def test_a_flood_of_wrong_tokens_is_forgotten(
    store: CountingStore, gate: TokenGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guessing fills no memory, and does not push out the tokens that are right."""
    monkeypatch.setattr("hyperbo_service.auth._CACHE_SIZE", 8)
    text = store.issue()
    gate.admit("GetStudy", text, "red", 0)
    for number in range(40):
        with pytest.raises(UnauthenticatedError):
            gate.admit("GetStudy", f"hbo_{number:043}", "red", 0)
    before = store.reads

    gate.admit("GetStudy", text, "red", 0)

    assert store.reads == before
    assert len(gate._unknown) == 8


def test_calls_are_limited_in_rate(
    store: CountingStore, gate: TokenGate, clock: StillClock
) -> None:
    """Two seconds' worth of calls go at once; then the caller is told when the next one may."""
    text = store.issue()
    for _ in range(20):
        gate.admit("GetStudy", text, "red", 0)

    with pytest.raises(RateLimitedError) as refused:
        gate.admit("GetStudy", text, "red", 0)

    assert refused.value.retry_after == pytest.approx(0.1)
    clock.pass_by(0.1)
    gate.admit("GetStudy", text, "red", 0)


def test_a_token_may_have_its_own_limits(store: CountingStore, gate: TokenGate) -> None:
    """A token's own limits of rate and size hold in place of the server's."""
    text = store.issue(calls_per_second=0.5, largest_message=10**6)
    gate.admit("GetStudy", text, "red", 10**6)

    with pytest.raises(RateLimitedError) as refused:
        gate.admit("GetStudy", text, "red", 0)
    assert refused.value.retry_after == pytest.approx(2.0)


def test_one_tokens_calls_do_not_count_for_another(store: CountingStore, gate: TokenGate) -> None:
    """Every token has its own limit."""
    text, other = store.issue("ann", calls_per_second=1), store.issue("bob", calls_per_second=1)
    for _ in range(2):
        gate.admit("GetStudy", text, "red", 0)

    assert gate.admit("GetStudy", other, "red", 0).principal == "bob"


def test_the_rate_holds_under_many_threads(store: CountingStore, gate: TokenGate) -> None:
    """Of many calls at once exactly as many are let in as the limit allows."""
    text = store.issue()

    def call(_: int) -> bool:
        try:
            gate.admit("GetStudy", text, "red", 0)
        except RateLimitedError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        admitted = list(pool.map(call, range(100)))

    assert sum(admitted) == 20


def test_messages_are_limited_in_size(store: CountingStore, gate: TokenGate) -> None:
    """A message at the limit is let in, one above is refused; so is a stream that grows above."""
    text = store.issue()
    caller = gate.admit("GetStudy", text, "red", 1000)

    with pytest.raises(TooLargeError, match=r"1,001 bytes.*1,000"):
        gate.admit("GetStudy", text, "red", 1001)
    with pytest.raises(TooLargeError):
        caller.check_size(1001)


def test_the_open_gate_lets_in_all_but_the_large() -> None:
    """Without tokens everybody is anonymous, may do everything everywhere, and has one limit."""
    gate = OpenGate(largest_message=10)

    caller = gate.admit("DeleteStudy", None, "red", 10)

    caller.check_project("blue")
    assert (caller.principal, caller.scope) == ("anonymous", Scope.ADMIN)
    with pytest.raises(TooLargeError):
        gate.admit("GetStudy", None, "red", 11)


def test_only_the_digest_is_stored() -> None:
    """What is stored of a token does not hold its text."""
    text, token = new_token("ann", "red", Scope.READ, now=START)

    assert text.startswith("hbo_")
    assert len(text) == 47
    assert text[4:] not in repr(token)
    assert token.digest == digest_of(text)


def test_no_two_tokens_are_alike() -> None:
    """Tokens are random."""
    texts = {new_token("ann", "red", Scope.READ, now=START)[0] for _ in range(100)}
    assert len(texts) == 100


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": "a b"}, "name"),
        ({"name": ""}, "name"),
        ({"project": "../x"}, "project"),
        ({"expires": START}, "expired"),
        ({"calls_per_second": 0.0}, "calls_per_second"),
        ({"calls_per_second": float("nan")}, "calls_per_second"),
        ({"largest_message": -1}, "largest_message"),
    ],
)
def test_a_token_that_could_not_work_is_not_made(wrong: dict[str, Any], said: str) -> None:
    """Names that are not well formed and limits that let nothing through are refused."""
    settings = {"name": "ann", "project": "red", "scope": Scope.READ, "now": START} | wrong

    with pytest.raises(InvalidArgumentError, match=said):
        new_token(**settings)


def test_an_unknown_scope_names_those_there_are() -> None:
    """A misspelt scope is answered with the right ones."""
    with pytest.raises(InvalidArgumentError, match="read, report or admin"):
        Scope.parse("write")
