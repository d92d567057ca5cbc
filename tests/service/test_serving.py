"""A whole server in this process: gate, TLS, metrics and the end of it, over real connections."""

import socket
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest

from hyperbo_service.auth import Scope, new_token
from hyperbo_service.client import Client, Float
from hyperbo_service.config import ServerConfig
from hyperbo_service.domain import utc_now
from hyperbo_service.errors import (
    CommandError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    SettingError,
    TooLargeError,
    UnauthenticatedError,
    UnavailableError,
)
from hyperbo_service.rpc.methods import METHODS, Method
from hyperbo_service.serving import Serving, serving
from tests.service.certificates import Certificates

SPACE = {"x": Float(0.0, 1.0)}
Issue = Callable[..., str]


@pytest.fixture
def config(tmp_path: Path) -> ServerConfig:
    """A free port, a database file and an empty folder of priors."""
    return ServerConfig(
        port=0,
        database=f"sqlite:///{tmp_path}/service.db",
        registry=tmp_path / "priors",
        drain_seconds=0.0,
    )


@pytest.fixture
def guarded(config: ServerConfig) -> Iterator[Serving]:
    """A server that asks for tokens."""
    with serving(replace(config, require_tokens=True)) as running:
        yield running


@pytest.fixture
def issue(guarded: Serving) -> Issue:
    """Makes tokens of project `red` that the server knows."""

    def issued(scope: Scope, name: str = "ann", **limits: object) -> str:
        text, token = new_token(name, "red", scope, now=utc_now(), **limits)  # type: ignore[arg-type]
        guarded.backend.store.change(lambda writer: writer.add_token(token))
        return text

    return issued


def _client(running: Serving, token: str | None = None, project: str = "red") -> Client:
    return Client(running.server.address, project=project, token=token, patience=0.0)


def _create(client: Client, name: str = "s") -> None:
    client.study(name, space=SPACE, metric="y", goal="maximize")


def test_on_loopback_no_token_is_needed(config: ServerConfig) -> None:
    """Whoever reaches an open server may do everything; the log knows them as anonymous."""
    with serving(config) as running, _client(running) as client:
        _create(client)
        with running.backend.store.read() as reader:
            (entry,) = reader.journal("red", before=None, limit=10)

    assert (entry.call.principal, entry.call.method) == ("anonymous", "CreateStudy")


def test_without_a_token_nothing_is_told(guarded: Serving) -> None:
    """No token and a wrong one are refused, and leave no trace."""
    for token in (None, "hbo_" + "x" * 43, "nonsense"):
        with _client(guarded, token) as client, pytest.raises(UnauthenticatedError):
            _create(client)
    with guarded.backend.store.read() as reader:
        assert reader.journal("red", before=None, limit=10) == []


def test_the_audit_log_names_the_token(guarded: Serving, issue: Issue) -> None:
    """What was changed stands in the journal under the name of the token."""
    with _client(guarded, issue(Scope.REPORT, "trainer")) as client:
        _create(client)
    with guarded.backend.store.read() as reader:
        (entry,) = reader.journal("red", before=None, limit=10)

    assert entry.call.principal == "trainer"
    assert entry.call.resource == "projects/red/studies/s"


def test_a_scope_that_is_too_small_changes_nothing(guarded: Serving, issue: Issue) -> None:
    """A token that reads cannot create, one that reports cannot delete."""
    with _client(guarded, issue(Scope.REPORT)) as client:
        _create(client)
        with pytest.raises(PermissionDeniedError, match="scope admin"):
            client.study("s").delete()
    with _client(guarded, issue(Scope.READ, "bob")) as client:
        with pytest.raises(PermissionDeniedError, match="scope report"):
            _create(client, "t")
        assert [study.id for study in client.studies()] == ["s"]


def test_another_project_is_out_of_reach(guarded: Serving, issue: Issue) -> None:
    """A study of another project is refused in the same words whether it exists or not."""
    token = issue(Scope.ADMIN)
    said = set()
    for project in ("blue", "green"):
        with _client(guarded, token, project) as client:
            for name in ("s", "t"):
                with pytest.raises(PermissionDeniedError) as refused:
                    client.study(name).record()
                said.add(str(refused.value).replace(project, "?"))
    with _client(guarded, token) as client, pytest.raises(NotFoundError):
        client.study("s").record()

    assert len(said) == 1


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_no_method_reaches_another_project(guarded: Serving, issue: Issue, method: Method) -> None:
    """What lies in another project is out of reach of every method, and so is nothing at all."""
    metadata = (("authorization", f"Bearer {issue(Scope.ADMIN)}"),)
    with grpc.insecure_channel(guarded.server.address) as channel:
        blue, nothing = (
            _status(channel, method, request, metadata)
            for request in (_about(method, "projects/blue"), method.request())
        )

    assert blue is grpc.StatusCode.PERMISSION_DENIED
    assert nothing is grpc.StatusCode.INVALID_ARGUMENT


def _about(method: Method, project: str) -> Any:
    """A request that speaks of something in a project."""
    request: Any = method.request()
    below = f"{project}/priors/p@1" if "Prior" in method.path else f"{project}/studies/s"
    if hasattr(request, "name"):
        request.name = below
    elif hasattr(request, "parent"):
        request.parent = below
    elif hasattr(request, "study"):
        request.study.name = below
    else:
        request.header.parent = project
    return request


def _status(channel: grpc.Channel, method: Method, request: Any, metadata: Any) -> Any:
    """The status that a call ends with."""
    content, more = request.SerializeToString(), {"metadata": metadata, "timeout": 20.0}

    def call() -> None:
        if method.takes_stream:
            channel.stream_unary(method.path)(iter([content]), **more)
        elif method.gives_stream:
            next(channel.unary_stream(method.path)(content, **more))
        else:
            channel.unary_unary(method.path)(content, **more)

    with pytest.raises(grpc.RpcError) as failed:
        call()
    return failed.value.code()  # type: ignore[attr-defined]


def test_every_message_of_an_upload_is_limited(guarded: Serving, issue: Issue) -> None:
    """The limit of a token holds for each part of a stream, not for the first alone."""
    metadata = (("authorization", f"Bearer {issue(Scope.ADMIN, largest_message=200)}"),)
    upload = METHODS["UploadPrior"]
    header: Any = upload.request()
    header.header.parent = "projects/red"
    chunk: Any = upload.request()
    chunk.manifest_chunk = b"x" * 300
    parts = [header.SerializeToString(), chunk.SerializeToString()]

    with (
        grpc.insecure_channel(guarded.server.address) as channel,
        pytest.raises(grpc.RpcError, match="may send 200") as failed,
    ):
        channel.stream_unary(upload.path)(iter(parts), metadata=metadata, timeout=20.0)

    assert failed.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED  # type: ignore[attr-defined]


def test_malformed_request_of_nobody_is_unauthenticated(guarded: Serving) -> None:
    """Who has no token learns that, and not what is wrong with the message."""
    with grpc.insecure_channel(guarded.server.address) as channel:
        call: Any = channel.unary_unary(METHODS["GetStudy"].path)
        with pytest.raises(grpc.RpcError) as refused:
            call(b"\xff\xff")

    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_limits_of_a_token_hold(guarded: Serving, issue: Issue) -> None:
    """A message above the token's limit and calls above its rate are refused with the way out."""
    small = issue(Scope.ADMIN, "small", largest_message=200)
    slow = issue(Scope.ADMIN, "slow", calls_per_second=0.5)
    with _client(guarded, small) as client, pytest.raises(TooLargeError):
        client.study("s", space=SPACE, metric="y", goal="maximize", display_name="n" * 200)
    with _client(guarded, slow) as client:
        _create(client)
        with pytest.raises(RateLimitedError) as refused:
            list(client.studies())
    assert refused.value.retry_after == pytest.approx(2.0, abs=0.5)


def test_tls_and_tokens_together(config: ServerConfig, certificates: Certificates) -> None:
    """A client over TLS with a token gets through; over TLS without one it does not."""
    secure = replace(
        config,
        tls_certificate=certificates.server.certificate,
        tls_key=certificates.server.key,
        require_tokens=True,
    )
    with serving(secure) as running:
        text, token = new_token(
            "ann", "red", Scope.ADMIN, now=utc_now(), expires=utc_now() + timedelta(days=1)
        )
        running.backend.store.change(lambda writer: writer.add_token(token))
        for given in (text, None):
            client = Client(
                running.server.address,
                project="red",
                token=given,
                root_certificates=certificates.authority,
                patience=0.0,
            )
            with client:
                if given is None:
                    with pytest.raises(UnauthenticatedError):
                        _create(client)
                else:
                    _create(client)


def test_metrics_are_served(config: ServerConfig) -> None:
    """Prometheus finds what was called, by method and code."""
    with serving(replace(config, metrics_port=0)) as running, _client(running) as client:
        _create(client)
        with pytest.raises(NotFoundError):
            client.study("none").record()
        assert running.metrics_server is not None
        address = f"http://127.0.0.1:{running.metrics_server.port}/metrics"
        with urllib.request.urlopen(address) as answer:
            text = answer.read().decode()

    assert 'hyperbo_call_seconds_count{code="OK",method="CreateStudy"} 1.0' in text
    assert 'code="NOT_FOUND",method="GetStudy"' in text
    for name in ("calls_running", "calls_waiting", "changes_waiting", "prior_cache_total"):
        assert f"hyperbo_{name}" in text


def test_after_the_end_nobody_answers(config: ServerConfig) -> None:
    """When the block ends the port is free, and what was acknowledged is in the database."""
    with serving(config) as running, _client(running) as client:
        _create(client)
        port = running.server.port
    with _client(running) as client, pytest.raises(UnavailableError):
        _create(client)
    socket.create_server(("127.0.0.1", port)).close()
    with serving(config) as running, _client(running) as client:
        assert [study.id for study in client.studies()] == ["s"]


def test_what_cannot_start_leaves_nothing_open(config: ServerConfig, tmp_path: Path) -> None:
    """A taken port, a taken port of metrics, and a missing certificate end in a clear error."""
    missing = tmp_path / "none.pem"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for wrong, kind in (
            (replace(config, port=port), CommandError),
            (replace(config, metrics_port=port), CommandError),
            (replace(config, tls_certificate=missing, tls_key=missing), SettingError),
        ):
            with pytest.raises(kind), serving(wrong):
                pass
