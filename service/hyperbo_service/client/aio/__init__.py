"""The client for asyncio."""

from hyperbo_service.client.aio.client import AsyncClient
from hyperbo_service.client.aio.grpc_transport import AsyncGrpcTransport
from hyperbo_service.client.aio.study import AsyncStudy
from hyperbo_service.client.aio.threaded import ThreadedTransport
from hyperbo_service.client.aio.trial import AsyncTrial

__all__ = [
    "AsyncClient",
    "AsyncGrpcTransport",
    "AsyncStudy",
    "AsyncTrial",
    "ThreadedTransport",
]
