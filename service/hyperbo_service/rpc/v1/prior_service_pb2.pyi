import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Prior(_message.Message):
    __slots__ = ("name", "state", "manifest", "space_digest", "content_digest", "size_bytes", "create_time")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Prior.State]
        STATE_ACTIVE: _ClassVar[Prior.State]
        STATE_RETIRED: _ClassVar[Prior.State]
    STATE_UNSPECIFIED: Prior.State
    STATE_ACTIVE: Prior.State
    STATE_RETIRED: Prior.State
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    MANIFEST_FIELD_NUMBER: _ClassVar[int]
    SPACE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    CONTENT_DIGEST_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    state: Prior.State
    manifest: str
    space_digest: str
    content_digest: str
    size_bytes: int
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., state: _Optional[_Union[Prior.State, str]] = ..., manifest: _Optional[str] = ..., space_digest: _Optional[str] = ..., content_digest: _Optional[str] = ..., size_bytes: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class UploadPriorRequest(_message.Message):
    __slots__ = ("header", "manifest_chunk", "weights_chunk")
    class Header(_message.Message):
        __slots__ = ("parent", "prior_id", "request_id")
        PARENT_FIELD_NUMBER: _ClassVar[int]
        PRIOR_ID_FIELD_NUMBER: _ClassVar[int]
        REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
        parent: str
        prior_id: str
        request_id: str
        def __init__(self, parent: _Optional[str] = ..., prior_id: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...
    HEADER_FIELD_NUMBER: _ClassVar[int]
    MANIFEST_CHUNK_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_CHUNK_FIELD_NUMBER: _ClassVar[int]
    header: UploadPriorRequest.Header
    manifest_chunk: bytes
    weights_chunk: bytes
    def __init__(self, header: _Optional[_Union[UploadPriorRequest.Header, _Mapping]] = ..., manifest_chunk: _Optional[bytes] = ..., weights_chunk: _Optional[bytes] = ...) -> None: ...

class DownloadPriorRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DownloadPriorResponse(_message.Message):
    __slots__ = ("manifest_chunk", "weights_chunk")
    MANIFEST_CHUNK_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_CHUNK_FIELD_NUMBER: _ClassVar[int]
    manifest_chunk: bytes
    weights_chunk: bytes
    def __init__(self, manifest_chunk: _Optional[bytes] = ..., weights_chunk: _Optional[bytes] = ...) -> None: ...

class GetPriorRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListPriorsRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token", "filter")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    filter: str
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ...) -> None: ...

class ListPriorsResponse(_message.Message):
    __slots__ = ("priors", "next_page_token")
    PRIORS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    priors: _containers.RepeatedCompositeFieldContainer[Prior]
    next_page_token: str
    def __init__(self, priors: _Optional[_Iterable[_Union[Prior, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class VerifyPriorRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class VerifyPriorResponse(_message.Message):
    __slots__ = ("is_sound", "problem")
    IS_SOUND_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    is_sound: bool
    problem: str
    def __init__(self, is_sound: bool = ..., problem: _Optional[str] = ...) -> None: ...

class RetirePriorRequest(_message.Message):
    __slots__ = ("name", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...
