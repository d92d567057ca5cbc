import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from hyperbo_service.rpc.v1 import space_pb2 as _space_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Study(_message.Message):
    __slots__ = ("name", "display_name", "space", "metrics", "constraints", "prior", "budget", "early_stopping", "seed", "labels", "state", "stop_reason", "resolved_prior", "prior_note", "space_digest", "create_time", "update_time", "end_time", "trial_counts")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Study.State]
        STATE_ACTIVE: _ClassVar[Study.State]
        STATE_PAUSED: _ClassVar[Study.State]
        STATE_COMPLETED: _ClassVar[Study.State]
    STATE_UNSPECIFIED: Study.State
    STATE_ACTIVE: Study.State
    STATE_PAUSED: Study.State
    STATE_COMPLETED: Study.State
    class StopReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STOP_REASON_UNSPECIFIED: _ClassVar[Study.StopReason]
        STOP_REASON_MAX_TRIALS: _ClassVar[Study.StopReason]
        STOP_REASON_MAX_DURATION: _ClassVar[Study.StopReason]
        STOP_REASON_TARGET_REACHED: _ClassVar[Study.StopReason]
        STOP_REASON_SPACE_EXHAUSTED: _ClassVar[Study.StopReason]
        STOP_REASON_REQUESTED: _ClassVar[Study.StopReason]
    STOP_REASON_UNSPECIFIED: Study.StopReason
    STOP_REASON_MAX_TRIALS: Study.StopReason
    STOP_REASON_MAX_DURATION: Study.StopReason
    STOP_REASON_TARGET_REACHED: Study.StopReason
    STOP_REASON_SPACE_EXHAUSTED: Study.StopReason
    STOP_REASON_REQUESTED: Study.StopReason
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    SPACE_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    PRIOR_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    EARLY_STOPPING_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STOP_REASON_FIELD_NUMBER: _ClassVar[int]
    RESOLVED_PRIOR_FIELD_NUMBER: _ClassVar[int]
    PRIOR_NOTE_FIELD_NUMBER: _ClassVar[int]
    SPACE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    TRIAL_COUNTS_FIELD_NUMBER: _ClassVar[int]
    name: str
    display_name: str
    space: _space_pb2.SearchSpace
    metrics: _containers.RepeatedCompositeFieldContainer[MetricSpec]
    constraints: _containers.RepeatedCompositeFieldContainer[OutcomeConstraint]
    prior: str
    budget: Budget
    early_stopping: EarlyStopping
    seed: int
    labels: _containers.ScalarMap[str, str]
    state: Study.State
    stop_reason: Study.StopReason
    resolved_prior: str
    prior_note: str
    space_digest: str
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    trial_counts: TrialCounts
    def __init__(self, name: _Optional[str] = ..., display_name: _Optional[str] = ..., space: _Optional[_Union[_space_pb2.SearchSpace, _Mapping]] = ..., metrics: _Optional[_Iterable[_Union[MetricSpec, _Mapping]]] = ..., constraints: _Optional[_Iterable[_Union[OutcomeConstraint, _Mapping]]] = ..., prior: _Optional[str] = ..., budget: _Optional[_Union[Budget, _Mapping]] = ..., early_stopping: _Optional[_Union[EarlyStopping, _Mapping]] = ..., seed: _Optional[int] = ..., labels: _Optional[_Mapping[str, str]] = ..., state: _Optional[_Union[Study.State, str]] = ..., stop_reason: _Optional[_Union[Study.StopReason, str]] = ..., resolved_prior: _Optional[str] = ..., prior_note: _Optional[str] = ..., space_digest: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., trial_counts: _Optional[_Union[TrialCounts, _Mapping]] = ...) -> None: ...

class MetricSpec(_message.Message):
    __slots__ = ("name", "goal")
    class Goal(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        GOAL_UNSPECIFIED: _ClassVar[MetricSpec.Goal]
        GOAL_MAXIMIZE: _ClassVar[MetricSpec.Goal]
        GOAL_MINIMIZE: _ClassVar[MetricSpec.Goal]
    GOAL_UNSPECIFIED: MetricSpec.Goal
    GOAL_MAXIMIZE: MetricSpec.Goal
    GOAL_MINIMIZE: MetricSpec.Goal
    NAME_FIELD_NUMBER: _ClassVar[int]
    GOAL_FIELD_NUMBER: _ClassVar[int]
    name: str
    goal: MetricSpec.Goal
    def __init__(self, name: _Optional[str] = ..., goal: _Optional[_Union[MetricSpec.Goal, str]] = ...) -> None: ...

class OutcomeConstraint(_message.Message):
    __slots__ = ("metric", "lower_bound", "upper_bound")
    METRIC_FIELD_NUMBER: _ClassVar[int]
    LOWER_BOUND_FIELD_NUMBER: _ClassVar[int]
    UPPER_BOUND_FIELD_NUMBER: _ClassVar[int]
    metric: str
    lower_bound: float
    upper_bound: float
    def __init__(self, metric: _Optional[str] = ..., lower_bound: _Optional[float] = ..., upper_bound: _Optional[float] = ...) -> None: ...

class Budget(_message.Message):
    __slots__ = ("max_trials", "max_duration", "target")
    MAX_TRIALS_FIELD_NUMBER: _ClassVar[int]
    MAX_DURATION_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    max_trials: int
    max_duration: _duration_pb2.Duration
    target: float
    def __init__(self, max_trials: _Optional[int] = ..., max_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., target: _Optional[float] = ...) -> None: ...

class EarlyStopping(_message.Message):
    __slots__ = ("median", "successive_halving")
    MEDIAN_FIELD_NUMBER: _ClassVar[int]
    SUCCESSIVE_HALVING_FIELD_NUMBER: _ClassVar[int]
    median: MedianRule
    successive_halving: SuccessiveHalving
    def __init__(self, median: _Optional[_Union[MedianRule, _Mapping]] = ..., successive_halving: _Optional[_Union[SuccessiveHalving, _Mapping]] = ...) -> None: ...

class MedianRule(_message.Message):
    __slots__ = ("min_trials", "min_step")
    MIN_TRIALS_FIELD_NUMBER: _ClassVar[int]
    MIN_STEP_FIELD_NUMBER: _ClassVar[int]
    min_trials: int
    min_step: int
    def __init__(self, min_trials: _Optional[int] = ..., min_step: _Optional[int] = ...) -> None: ...

class SuccessiveHalving(_message.Message):
    __slots__ = ("min_step", "reduction_factor")
    MIN_STEP_FIELD_NUMBER: _ClassVar[int]
    REDUCTION_FACTOR_FIELD_NUMBER: _ClassVar[int]
    min_step: int
    reduction_factor: int
    def __init__(self, min_step: _Optional[int] = ..., reduction_factor: _Optional[int] = ...) -> None: ...

class TrialCounts(_message.Message):
    __slots__ = ("waiting", "running", "completed", "infeasible", "failed", "abandoned")
    WAITING_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    INFEASIBLE_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    ABANDONED_FIELD_NUMBER: _ClassVar[int]
    waiting: int
    running: int
    completed: int
    infeasible: int
    failed: int
    abandoned: int
    def __init__(self, waiting: _Optional[int] = ..., running: _Optional[int] = ..., completed: _Optional[int] = ..., infeasible: _Optional[int] = ..., failed: _Optional[int] = ..., abandoned: _Optional[int] = ...) -> None: ...
