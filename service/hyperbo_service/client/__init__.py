"""The client library: studies, trials and priors of a tuning service, from any training loop."""

from hyperbo_service.client.aio import (
    AsyncClient,
    AsyncGrpcTransport,
    AsyncStudy,
    AsyncTrial,
    ThreadedTransport,
)
from hyperbo_service.client.answers import (
    Measurement,
    Prediction,
    PriorFiles,
    PriorRecord,
    PriorReport,
    StudyChange,
    StudyExport,
    StudyRecord,
    TrialRecord,
)
from hyperbo_service.client.client import Client
from hyperbo_service.client.endpoint import Endpoint
from hyperbo_service.client.grpc_transport import GrpcTransport
from hyperbo_service.client.mock import MockCall, MockTransport
from hyperbo_service.client.outcomes import Infeasible
from hyperbo_service.client.retry import Clock
from hyperbo_service.client.settings import UNCHANGED
from hyperbo_service.client.spaces import Categorical, Discrete, Fixed, Float, Integer, Parameter
from hyperbo_service.client.study import Study
from hyperbo_service.client.transport import AsyncTransport, Transport
from hyperbo_service.client.trial import Trial

__all__ = [
    "UNCHANGED",
    "AsyncClient",
    "AsyncGrpcTransport",
    "AsyncStudy",
    "AsyncTransport",
    "AsyncTrial",
    "Categorical",
    "Client",
    "Clock",
    "Discrete",
    "Endpoint",
    "Fixed",
    "Float",
    "GrpcTransport",
    "Infeasible",
    "Integer",
    "Measurement",
    "MockCall",
    "MockTransport",
    "Parameter",
    "Prediction",
    "PriorFiles",
    "PriorRecord",
    "PriorReport",
    "Study",
    "StudyChange",
    "StudyExport",
    "StudyRecord",
    "ThreadedTransport",
    "Transport",
    "Trial",
    "TrialRecord",
]
