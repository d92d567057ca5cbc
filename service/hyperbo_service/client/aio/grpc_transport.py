"""Calls over gRPC, from asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

import grpc
import grpc.aio
from google.protobuf.message import Message

from hyperbo_service.client.endpoint import Endpoint
from hyperbo_service.client.grpc_errors import error_of
from hyperbo_service.client.grpc_transport import (
    closed,
    credentials_of,
    metadata_of,
    options_of,
    serialized,
)
from hyperbo_service.rpc.methods import METHODS


class AsyncGrpcTransport:
    """Carries calls to a server by gRPC.

    The channel is opened at the first call, and again where another event loop runs.
    """

    def __init__(self, endpoint: Endpoint | str | None = None) -> None:
        self.endpoint = endpoint if isinstance(endpoint, Endpoint) else Endpoint(endpoint)
        self._metadata = metadata_of(self.endpoint)
        self._channel: grpc.aio.Channel | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False

    async def call(self, method: str, request: Message, *, timeout: float | None) -> Message:
        """Carry one request and return the answer.

        Raises:
            ServiceError: If it was refused or did not arrive.
        """
        path, answer = METHODS[method].path, METHODS[method].response
        send = self._opened().unary_unary(path, serialized, answer.FromString)
        try:
            return await send(request, timeout=timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise error_of(error, self.endpoint.target, method) from error

    async def stream(
        self, method: str, request: Message, *, timeout: float | None
    ) -> AsyncIterator[Message]:
        """Carry one request and give the parts of the answer as they come.

        Raises:
            ServiceError: If it was refused or broke.
        """
        path, answer = METHODS[method].path, METHODS[method].response
        send = self._opened().unary_stream(path, serialized, answer.FromString)
        parts = send(request, timeout=timeout, metadata=self._metadata)
        try:
            async for part in parts:
                yield part
        except grpc.RpcError as error:
            raise error_of(error, self.endpoint.target, method) from error
        finally:
            parts.cancel()

    async def upload(
        self, method: str, requests: Iterable[Message], *, timeout: float | None
    ) -> Message:
        """Carry a stream of requests and return the answer.

        Raises:
            ServiceError: If it was refused or did not arrive.
        """
        path, answer = METHODS[method].path, METHODS[method].response
        send = self._opened().stream_unary(path, serialized, answer.FromString)
        try:
            return await send(iter(requests), timeout=timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise error_of(error, self.endpoint.target, method) from error

    async def close(self) -> None:
        """Close the channel; calls after that are refused."""
        channel, self._channel, self._is_closed = self._channel, None, True
        if channel is not None and self._loop is asyncio.get_running_loop():
            await channel.close()

    def _opened(self) -> grpc.aio.Channel:
        if self._is_closed:
            raise closed()
        loop = asyncio.get_running_loop()
        if self._channel is None or self._loop is not loop:
            self._channel, self._loop = _open(self.endpoint), loop
        return self._channel


def _open(endpoint: Endpoint) -> grpc.aio.Channel:
    options = options_of(endpoint)
    if endpoint.is_secure:
        return grpc.aio.secure_channel(endpoint.target, credentials_of(endpoint), options)
    return grpc.aio.insecure_channel(endpoint.target, options)
