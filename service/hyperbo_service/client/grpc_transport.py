"""Calls over gRPC, from threads."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

import grpc
from google.protobuf.message import Message

from hyperbo_service.client.endpoint import Endpoint
from hyperbo_service.client.forks import survive_fork
from hyperbo_service.client.grpc_errors import error_of
from hyperbo_service.errors import PreconditionError
from hyperbo_service.rpc.methods import METHODS

MESSAGE_LIMIT = 16 * 1024 * 1024
"""Bytes of the largest message that the client takes."""

_ONE_OF_THEM = '{"loadBalancingConfig": [{"pick_first": {"shuffleAddressList": true}}]}'
_IN_TURN = '{"loadBalancingConfig": [{"round_robin": {}}]}'
_ABANDONED: list[object] = []


class GrpcTransport:
    """Carries calls to a server by gRPC.

    The channel is opened at the first call, and again in a child process after a fork.

    Example:
        >>> transport = GrpcTransport("localhost:8080")
        >>> transport.close()
    """

    def __init__(self, endpoint: Endpoint | str | None = None) -> None:
        self.endpoint = endpoint if isinstance(endpoint, Endpoint) else Endpoint(endpoint)
        self._metadata = metadata_of(self.endpoint)
        self._channel: grpc.Channel | None = None
        self._is_closed = False
        self._lock = threading.Lock()
        survive_fork(self)

    def call(self, method: str, request: Message, *, timeout: float | None) -> Message:
        """Carry one request and return the answer.

        Raises:
            ServiceError: If it was refused or did not arrive.
        """
        path, answer = METHODS[method].path, METHODS[method].response
        send = self._opened().unary_unary(path, serialized, answer.FromString)
        try:
            return send(request, timeout=timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise error_of(error, self.endpoint.target, method) from error
        except ValueError as error:
            if self._is_closed:
                # So gRPC says that another thread has just closed the channel.
                raise closed() from error
            raise

    def stream(self, method: str, request: Message, *, timeout: float | None) -> Iterator[Message]:
        """Carry one request and give the parts of the answer as they come.

        Raises:
            ServiceError: If it was refused or broke.
        """
        path, answer = METHODS[method].path, METHODS[method].response
        send = self._opened().unary_stream(path, serialized, answer.FromString)
        parts = send(request, timeout=timeout, metadata=self._metadata)
        try:
            yield from parts
        except grpc.RpcError as error:
            raise error_of(error, self.endpoint.target, method) from error
        finally:
            parts.cancel()

    def upload(self, method: str, requests: Iterable[Message], *, timeout: float | None) -> Message:
        """Carry a stream of requests and return the answer.

        Raises:
            ServiceError: If it was refused or did not arrive.
        """
        path, answer = METHODS[method].path, METHODS[method].response
        send = self._opened().stream_unary(path, serialized, answer.FromString)
        try:
            return send(iter(requests), timeout=timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise error_of(error, self.endpoint.target, method) from error

    def close(self) -> None:
        """Close the channel; calls after that are refused."""
        with self._lock:
            channel, self._channel, self._is_closed = self._channel, None, True
        if channel is not None:
            channel.close()

    def renew_after_fork(self) -> None:
        """Forget the parent's channel without closing it, which would wait for its threads."""
        if self._channel is not None:
            _ABANDONED.append(self._channel)
        self._channel, self._lock = None, threading.Lock()

    def _opened(self) -> grpc.Channel:
        with self._lock:
            if self._is_closed:
                raise closed()
            if self._channel is None:
                self._channel = _open(self.endpoint)
            return self._channel


def closed() -> PreconditionError:
    """The error of a client that is used after it was closed."""
    return PreconditionError("The client is closed; make a new one.")


def metadata_of(endpoint: Endpoint) -> tuple[tuple[str, str], ...]:
    """What goes along with every call."""
    return (("authorization", f"Bearer {endpoint.token}"),) if endpoint.token else ()


def options_of(endpoint: Endpoint) -> list[tuple[str, int | str]]:
    """Options of a channel to a server."""
    return [
        ("grpc.max_receive_message_length", MESSAGE_LIMIT),
        ("grpc.max_send_message_length", MESSAGE_LIMIT),
        # The client's own retries keep the request id and know which errors pass.
        ("grpc.enable_retries", 0),
        # gRPC waits up to two minutes between two connections by itself; a server that restarts
        # should be found again at once.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 1000),
        ("grpc.max_reconnect_backoff_ms", 5000),
        # A call that waits long should notice that the other machine is gone.
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        # Each client has connections of its own, which close with it.
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.enable_http_proxy", 0 if endpoint.is_loopback else 1),
        # Replicas that are listed take calls in turn: work is shared out evenly, also just after
        # one was restarted, and each is warm before another goes. A name may stand for servers
        # that have nothing to do with each other, as localhost does where one listens on each
        # family of addresses; one of them is taken, and kept.
        ("grpc.service_config", _IN_TURN if "," in endpoint.target else _ONE_OF_THEM),
        ("grpc.dns_min_time_between_resolutions_ms", 5000),
    ]


def credentials_of(endpoint: Endpoint) -> grpc.ChannelCredentials:
    """Credentials for TLS."""
    return grpc.ssl_channel_credentials(
        endpoint.root_certificates, endpoint.private_key, endpoint.certificate_chain
    )


def _open(endpoint: Endpoint) -> grpc.Channel:
    options = options_of(endpoint)
    if endpoint.is_secure:
        return grpc.secure_channel(endpoint.target, credentials_of(endpoint), options)
    return grpc.insecure_channel(endpoint.target, options)


def serialized(message: Message) -> bytes:
    """The bytes of a request."""
    return message.SerializeToString()
