"""Handlers: how errors travel over gRPC, and what is told of each call."""

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2 as details
from grpc_status import rpc_status

from hyperbo_service.app import open_backend
from hyperbo_service.auth import OpenGate
from hyperbo_service.client.grpc_transport import GrpcTransport
from hyperbo_service.errors import (
    ERRORS_BY_REASON,
    InternalError,
    InvalidArgumentError,
    ServiceError,
)
from hyperbo_service.rpc.handlers import DOMAIN, Handlers
from hyperbo_service.rpc.methods import METHODS, Method
from hyperbo_service.rpc.v1 import prior_service_pb2 as priors
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire

GET = METHODS["GetStudy"]
UPLOAD = METHODS["UploadPrior"]


class Answering:
    """An API that does what it is told."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.asked: list[tuple[str, Any, str]] = []

    def call(self, method: str, request: Any, asker: Any) -> bytes:
        """Answer with nothing, or raise."""
        self.asked.append((method, request, asker.principal))
        if self.error is not None:
            raise self.error
        return b""

    def stream(self, method: str, request: Any, asker: Any) -> Iterator[bytes]:
        """One part, then nothing more, or an error."""
        yield self.call(method, request, asker)
        yield b""

    def upload(self, method: str, requests: Any, asker: Any) -> bytes:
        """Take all."""
        return self.call(method, list(requests), asker)


class Gate:
    """Notes who wants to come in."""

    def __init__(self) -> None:
        self.admitted: list[tuple[str, str | None, str | None]] = []

    def admit(self, method: str, token: str | None, project: str | None, size: int) -> Any:
        """Let everybody in."""
        self.admitted.append((method, token, project))
        return OpenGate("ann").admit(method, token, project, size)


class Observer:
    """Notes how calls end."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.has_heard = threading.Event()

    def on_call(self, method: str, code: str, seconds: float) -> None:
        """One has ended."""
        assert seconds >= 0.0
        self.calls.append((method, code))
        self.has_heard.set()


class Wire:
    """A server over an API, and a channel to it."""

    def __init__(self, api: Any) -> None:
        self.api, self.gate, self.observer = api, Gate(), Observer()
        handlers = Handlers(api, self.gate, self.observer, lambda name, metadata: nullcontext())  # noqa: ARG005
        self.server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
        self.server.add_generic_rpc_handlers((handlers,))
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()
        self.channel = grpc.insecure_channel(self.address)

    def close(self) -> None:
        """End both."""
        self.channel.close()
        self.server.stop(None).wait()

    def call(self, method: Method, content: bytes, **options: Any) -> bytes:
        """One unary call with raw bytes."""
        answer: bytes = self.channel.unary_unary(method.path)(content, timeout=30.0, **options)
        return answer

    def refusal(self, method: Method, content: bytes) -> Any:
        """The error that raw bytes are answered with, however the method takes them."""
        with pytest.raises(grpc.RpcError) as refused:
            self._any_call(method, content)
        return refused.value

    def _any_call(self, method: Method, content: bytes) -> None:
        if method.takes_stream:
            self.channel.stream_unary(method.path)(iter([content]), timeout=30.0)
        elif method.gives_stream:
            list(self.channel.unary_stream(method.path)(content, timeout=30.0))
        else:
            self.call(method, content)


@contextmanager
def _wired(api: Any) -> Iterator[Wire]:
    wired = Wire(api)
    try:
        yield wired
    finally:
        wired.close()


@pytest.fixture
def wired() -> Iterator[Wire]:
    """A server whose API does what it is told."""
    with _wired(Answering()) as made:
        yield made


def _details(error: Any) -> dict[str, Any]:
    status = rpc_status.from_call(error)
    assert status is not None
    found = {}
    for packed in status.details:
        name = packed.type_url.rpartition(".")[2]
        message = getattr(details, name)()
        packed.Unpack(message)
        found[name] = message
    return found


@pytest.mark.parametrize("kind", ERRORS_BY_REASON.values(), ids=ERRORS_BY_REASON)
def test_an_error_is_told_with_rich_details(wired: Wire, kind: type[ServiceError]) -> None:
    """Its code, its reason, the field, the resource, and when to come again."""
    wired.api.error = kind("said so", field="study.space", resource="r", retry_after=1.5)

    error = wired.refusal(GET, b"")

    assert error.code().name == kind.code
    assert error.details() == "said so"
    found = _details(error)
    assert (found["ErrorInfo"].reason, found["ErrorInfo"].domain) == (kind.reason, DOMAIN)
    (violation,) = found["BadRequest"].field_violations
    assert (violation.field, violation.description) == ("study.space", "said so")
    assert found["ResourceInfo"].resource_name == "r"
    assert found["RetryInfo"].retry_delay.ToTimedelta().total_seconds() == 1.5


@pytest.mark.parametrize("kind", ERRORS_BY_REASON.values(), ids=ERRORS_BY_REASON)
def test_the_client_raises_what_the_server_raised(wired: Wire, kind: type[ServiceError]) -> None:
    """The same class with the same words, field, resource and pause."""
    wired.api.error = kind("said so", field="f", resource="r", retry_after=0.25)
    transport = GrpcTransport(wired.address)

    with pytest.raises(kind) as raised:
        transport.call("GetStudy", wire.GetStudyRequest(), timeout=30.0)
    transport.close()

    assert type(raised.value) is kind
    assert str(raised.value) == "said so"
    assert (raised.value.field, raised.value.resource) == ("f", "r")
    assert raised.value.retry_after == 0.25


def test_an_error_says_no_more_than_it_knows(wired: Wire) -> None:
    """Without field, resource and pause there are no details of them."""
    wired.api.error = InvalidArgumentError("said so")

    assert set(_details(wired.refusal(GET, b""))) == {"ErrorInfo"}


@pytest.mark.parametrize("text", ["x", "é", "日", "😀", "%", "\n", "\0", '"\\'])
def test_a_long_text_is_cut_to_what_a_header_holds(wired: Wire, text: str) -> None:
    """Whatever it is written in, the code arrives, and the beginning of the text."""
    wired.api.error = InvalidArgumentError(text * 100_000, field="f", resource="r" * 10_000)

    error = wired.refusal(GET, b"")

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert _details(error)["BadRequest"].field_violations[0].field == "f"
    assert len(error.details()) > 40


def test_a_short_text_is_not_cut(wired: Wire) -> None:
    """Whatever it is written in."""
    text = 'The study 日本 has 😀 characters: "it\'s" 100% so.'
    wired.api.error = InvalidArgumentError(text)

    assert wired.refusal(GET, b"").details() == text


def test_a_fault_is_logged_and_not_told(wired: Wire, caplog: pytest.LogCaptureFixture) -> None:
    """The caller learns that it is a fault of ours, and nothing of the inside."""
    wired.api.error = ZeroDivisionError("a secret of the inside")

    with caplog.at_level(logging.ERROR, logger="hyperbo.calls"):
        error = wired.refusal(GET, wire.GetStudyRequest(name="n").SerializeToString())

    assert error.code() is grpc.StatusCode.INTERNAL
    assert _details(error)["ErrorInfo"].reason == InternalError.reason
    assert "secret" not in error.details()
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError
    assert wired.observer.calls == [("GetStudy", "INTERNAL")]


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_bytes_that_are_no_message_are_refused(method: Method) -> None:
    """By every method, with a word on which message was wanted; nobody is asked for an answer."""
    with _wired(Answering()) as wired:
        error = wired.refusal(method, b"\xff\xff\xff\xff no message")

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert method.request.DESCRIPTOR.full_name in error.details()
    assert wired.api.asked == []
    assert wired.observer.calls == [(method.name, "INVALID_ARGUMENT")]


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_an_empty_message_is_refused_by_the_service(method: Method) -> None:
    """Every method misses something in it, and says what; none breaks."""
    backend = open_backend("sqlite://")
    with _wired(backend.api) as wired:
        error = wired.refusal(method, b"")
    backend.close()

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert _details(error)["ErrorInfo"].reason == "INVALID_ARGUMENT"
    assert "BadRequest" in _details(error)


def test_an_unknown_method_is_not_there(wired: Wire) -> None:
    """Nor is one of a service of another name."""
    for path in ("/hyperbo.v1.TuningService/Nothing", "/other.Service/GetStudy"):
        with pytest.raises(grpc.RpcError) as refused:
            wired.channel.unary_unary(path)(b"", timeout=30.0)
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED  # type: ignore[attr-defined]


NAMES: dict[str, bytes] = {
    "GetStudy": wire.GetStudyRequest(name="projects/red/studies/s").SerializeToString(),
    "ListStudies": wire.ListStudiesRequest(parent="projects/red").SerializeToString(),
    "CreateStudy": wire.CreateStudyRequest(
        parent="projects/red", study={"name": "projects/blue/studies/s"}
    ).SerializeToString(),
    "UpdateStudy": wire.UpdateStudyRequest(
        study={"name": "projects/red/studies/s"}
    ).SerializeToString(),
    "Heartbeat": wire.HeartbeatRequest(
        parent="projects/red/studies/s", leases=[{"name": "projects/blue/studies/s/trials/1"}]
    ).SerializeToString(),
}


@pytest.mark.parametrize("name", NAMES)
def test_who_wants_in_is_told_by_the_project_it_names(wired: Wire, name: str) -> None:
    """The gate hears the method, the token and the project of the resource that is spoken of."""
    metadata = (("authorization", "Bearer abc"),)
    wired.call(METHODS[name], NAMES[name], metadata=metadata)

    assert wired.gate.admitted == [(name, "abc", "red")]
    assert wired.api.asked[0][2] == "ann"


@pytest.mark.parametrize(
    ("header", "token"),
    [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", ""), ("abc", ""), ("", "")],
)
def test_a_token_is_read_from_its_header(wired: Wire, header: str, token: str) -> None:
    """Of any other kind it counts as a wrong one, not as none."""
    wired.call(GET, b"", metadata=(("authorization", header),))
    wired.call(GET, b"")

    assert [each[1] for each in wired.gate.admitted] == [token, None]


def test_every_call_is_observed(wired: Wire) -> None:
    """By its method and how it ended: unary, streamed and uploaded."""
    wired.call(GET, b"")
    list(wired.channel.unary_stream(METHODS["ExportStudy"].path)(b"", timeout=30.0))
    wired.channel.stream_unary(UPLOAD.path)(iter([b"", b""]), timeout=30.0)
    wired.api.error = InvalidArgumentError("no")
    wired.refusal(METHODS["ExportStudy"], b"")

    assert wired.observer.calls == [
        ("GetStudy", "OK"),
        ("ExportStudy", "OK"),
        ("UploadPrior", "OK"),
        ("ExportStudy", "INVALID_ARGUMENT"),
    ]


class Waiting(Answering):
    """An API that reads on when nobody listens any more.

    gRPC may tell that a stream has ended before it tells that the client broke it off; whoever
    reads in between cannot know, and only the checks of what came can.
    """

    def __init__(self) -> None:
        super().__init__()
        self.has_begun = threading.Event()

    def upload(self, method: str, requests: Any, asker: Any) -> bytes:
        """Take the first, and the rest once the client has gone."""
        first = next(requests)
        self.has_begun.set()
        while asker.is_listening():
            time.sleep(0.01)
        return self.call(method, [first, *requests], asker)


def test_an_upload_that_is_broken_off_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    """It counts as cancelled, and nobody is called to the server."""
    api, is_over = Waiting(), threading.Event()

    def parts() -> Iterator[bytes]:
        yield priors.UploadPriorRequest().SerializeToString()
        is_over.wait(30.0)

    with _wired(api) as wired, caplog.at_level(logging.ERROR, logger="hyperbo.calls"):
        upload = wired.channel.stream_unary(UPLOAD.path).future(parts(), timeout=30.0)
        assert api.has_begun.wait(30.0)
        upload.cancel()
        assert wired.observer.has_heard.wait(30.0)
        is_over.set()

    assert wired.observer.calls == [("UploadPrior", "CANCELLED")]
    assert caplog.records == []
