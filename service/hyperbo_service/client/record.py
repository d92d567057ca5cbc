"""Immutable records that cost nothing to define, as all of them are defined at every import."""

from __future__ import annotations

from typing import ClassVar, NoReturn, dataclass_transform


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Record:
    """What a frozen dataclass is, but for its methods, which are not generated for each class.

    A dataclass takes about a millisecond of every import of the client; there are several.

    Example:
        >>> class Point(Record):
        ...     x: float
        ...     y: float
        >>> Point(x=1.0, y=2.0)
        Point(x=1.0, y=2.0)
        >>> Point(x=1.0, y=2.0) == Point(x=1.0, y=2.0)
        True
    """

    _names: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls) -> None:
        cls._names = frozenset(cls.__annotations__)

    def __init__(self, **fields: object) -> None:
        if fields.keys() != self._names:
            wrong = sorted(fields.keys() ^ self._names)
            raise TypeError(f"{type(self).__name__}: fields missing or unknown: {wrong}.")
        self.__dict__.update(fields)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} does not change; cannot set {name}.")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} does not change; cannot delete {name}.")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__

    __hash__ = None  # type: ignore[assignment]  # its mappings have none

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}({fields})"
