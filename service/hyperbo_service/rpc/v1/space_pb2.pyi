from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Scale(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SCALE_UNSPECIFIED: _ClassVar[Scale]
    SCALE_LINEAR: _ClassVar[Scale]
    SCALE_LOG: _ClassVar[Scale]
    SCALE_REVERSE_LOG: _ClassVar[Scale]
SCALE_UNSPECIFIED: Scale
SCALE_LINEAR: Scale
SCALE_LOG: Scale
SCALE_REVERSE_LOG: Scale

class SearchSpace(_message.Message):
    __slots__ = ("parameters",)
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    parameters: _containers.RepeatedCompositeFieldContainer[ParameterSpec]
    def __init__(self, parameters: _Optional[_Iterable[_Union[ParameterSpec, _Mapping]]] = ...) -> None: ...

class ParameterSpec(_message.Message):
    __slots__ = ("name", "float", "integer", "discrete", "categorical", "fixed")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FLOAT_FIELD_NUMBER: _ClassVar[int]
    INTEGER_FIELD_NUMBER: _ClassVar[int]
    DISCRETE_FIELD_NUMBER: _ClassVar[int]
    CATEGORICAL_FIELD_NUMBER: _ClassVar[int]
    FIXED_FIELD_NUMBER: _ClassVar[int]
    name: str
    float: FloatRange
    integer: IntegerRange
    discrete: DiscreteValues
    categorical: Categories
    fixed: ParameterValue
    def __init__(self, name: _Optional[str] = ..., float: _Optional[_Union[FloatRange, _Mapping]] = ..., integer: _Optional[_Union[IntegerRange, _Mapping]] = ..., discrete: _Optional[_Union[DiscreteValues, _Mapping]] = ..., categorical: _Optional[_Union[Categories, _Mapping]] = ..., fixed: _Optional[_Union[ParameterValue, _Mapping]] = ...) -> None: ...

class FloatRange(_message.Message):
    __slots__ = ("low", "high", "scale")
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    low: float
    high: float
    scale: Scale
    def __init__(self, low: _Optional[float] = ..., high: _Optional[float] = ..., scale: _Optional[_Union[Scale, str]] = ...) -> None: ...

class IntegerRange(_message.Message):
    __slots__ = ("low", "high", "scale")
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    low: int
    high: int
    scale: Scale
    def __init__(self, low: _Optional[int] = ..., high: _Optional[int] = ..., scale: _Optional[_Union[Scale, str]] = ...) -> None: ...

class DiscreteValues(_message.Message):
    __slots__ = ("values", "scale")
    VALUES_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[ParameterValue]
    scale: Scale
    def __init__(self, values: _Optional[_Iterable[_Union[ParameterValue, _Mapping]]] = ..., scale: _Optional[_Union[Scale, str]] = ...) -> None: ...

class Categories(_message.Message):
    __slots__ = ("values", "children")
    VALUES_FIELD_NUMBER: _ClassVar[int]
    CHILDREN_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[ParameterValue]
    children: _containers.RepeatedCompositeFieldContainer[ConditionalParameters]
    def __init__(self, values: _Optional[_Iterable[_Union[ParameterValue, _Mapping]]] = ..., children: _Optional[_Iterable[_Union[ConditionalParameters, _Mapping]]] = ...) -> None: ...

class ConditionalParameters(_message.Message):
    __slots__ = ("category", "parameters")
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    category: ParameterValue
    parameters: _containers.RepeatedCompositeFieldContainer[ParameterSpec]
    def __init__(self, category: _Optional[_Union[ParameterValue, _Mapping]] = ..., parameters: _Optional[_Iterable[_Union[ParameterSpec, _Mapping]]] = ...) -> None: ...

class ParameterValue(_message.Message):
    __slots__ = ("number", "integer", "text", "truth")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    INTEGER_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TRUTH_FIELD_NUMBER: _ClassVar[int]
    number: float
    integer: int
    text: str
    truth: bool
    def __init__(self, number: _Optional[float] = ..., integer: _Optional[int] = ..., text: _Optional[str] = ..., truth: bool = ...) -> None: ...
