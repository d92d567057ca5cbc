import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from hyperbo_service.rpc.v1 import space_pb2 as _space_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TrialView(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRIAL_VIEW_UNSPECIFIED: _ClassVar[TrialView]
    TRIAL_VIEW_BASIC: _ClassVar[TrialView]
    TRIAL_VIEW_FULL: _ClassVar[TrialView]
TRIAL_VIEW_UNSPECIFIED: TrialView
TRIAL_VIEW_BASIC: TrialView
TRIAL_VIEW_FULL: TrialView

class Trial(_message.Message):
    __slots__ = ("name", "state", "parameters", "values", "measurements", "client_id", "lease_expire_time", "fencing_token", "reason", "origin", "create_time", "start_time", "end_time", "update_time", "measurement_count", "cost")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Trial.State]
        STATE_WAITING: _ClassVar[Trial.State]
        STATE_RUNNING: _ClassVar[Trial.State]
        STATE_COMPLETED: _ClassVar[Trial.State]
        STATE_INFEASIBLE: _ClassVar[Trial.State]
        STATE_FAILED: _ClassVar[Trial.State]
        STATE_ABANDONED: _ClassVar[Trial.State]
    STATE_UNSPECIFIED: Trial.State
    STATE_WAITING: Trial.State
    STATE_RUNNING: Trial.State
    STATE_COMPLETED: Trial.State
    STATE_INFEASIBLE: Trial.State
    STATE_FAILED: Trial.State
    STATE_ABANDONED: Trial.State
    class Origin(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ORIGIN_UNSPECIFIED: _ClassVar[Trial.Origin]
        ORIGIN_SUGGESTED: _ClassVar[Trial.Origin]
        ORIGIN_CREATED: _ClassVar[Trial.Origin]
        ORIGIN_IMPORTED: _ClassVar[Trial.Origin]
    ORIGIN_UNSPECIFIED: Trial.Origin
    ORIGIN_SUGGESTED: Trial.Origin
    ORIGIN_CREATED: Trial.Origin
    ORIGIN_IMPORTED: Trial.Origin
    class ParametersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _space_pb2.ParameterValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_space_pb2.ParameterValue, _Mapping]] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    MEASUREMENTS_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    LEASE_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    FENCING_TOKEN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    MEASUREMENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    name: str
    state: Trial.State
    parameters: _containers.MessageMap[str, _space_pb2.ParameterValue]
    values: _containers.RepeatedCompositeFieldContainer[MetricValue]
    measurements: _containers.RepeatedCompositeFieldContainer[Measurement]
    client_id: str
    lease_expire_time: _timestamp_pb2.Timestamp
    fencing_token: int
    reason: str
    origin: Trial.Origin
    create_time: _timestamp_pb2.Timestamp
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    measurement_count: int
    cost: float
    def __init__(self, name: _Optional[str] = ..., state: _Optional[_Union[Trial.State, str]] = ..., parameters: _Optional[_Mapping[str, _space_pb2.ParameterValue]] = ..., values: _Optional[_Iterable[_Union[MetricValue, _Mapping]]] = ..., measurements: _Optional[_Iterable[_Union[Measurement, _Mapping]]] = ..., client_id: _Optional[str] = ..., lease_expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., fencing_token: _Optional[int] = ..., reason: _Optional[str] = ..., origin: _Optional[_Union[Trial.Origin, str]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., measurement_count: _Optional[int] = ..., cost: _Optional[float] = ...) -> None: ...

class MetricValue(_message.Message):
    __slots__ = ("metric", "value", "stderr")
    METRIC_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    STDERR_FIELD_NUMBER: _ClassVar[int]
    metric: str
    value: float
    stderr: float
    def __init__(self, metric: _Optional[str] = ..., value: _Optional[float] = ..., stderr: _Optional[float] = ...) -> None: ...

class Measurement(_message.Message):
    __slots__ = ("step", "values", "elapsed_seconds", "cost", "create_time")
    STEP_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_SECONDS_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    step: int
    values: _containers.RepeatedCompositeFieldContainer[MetricValue]
    elapsed_seconds: float
    cost: float
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, step: _Optional[int] = ..., values: _Optional[_Iterable[_Union[MetricValue, _Mapping]]] = ..., elapsed_seconds: _Optional[float] = ..., cost: _Optional[float] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
