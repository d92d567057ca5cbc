"""Search spaces as a client writes them down, and the message that goes to the server.

A space may be given in any of these forms:

- a mapping of names to parameters, `{"lr": Float(1e-5, 0.1, "log"), "layers": Integer(1, 8)}`;
- the JSON object `{"parameters": [...]}`, its text, or the list of parameters alone;
- a path to a file that holds that text;
- an object with a method `to_json()`, such as `hyperbo.space.SearchSpace`.

The order of the parameters is part of the space.
"""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

from hyperbo_service.errors import InvalidArgumentError
from hyperbo_service.rpc.spaces import Value, space_to_wire
from hyperbo_service.rpc.v1.space_pb2 import SearchSpace

Scale = Literal["linear", "log", "reverse_log"]


@runtime_checkable
class HasJson(Protocol):
    """Writes itself as a search space's JSON text."""

    def to_json(self) -> str:
        """The text."""
        ...


class Parameter(ABC):
    """One hyperparameter, still without its name."""

    @abstractmethod
    def entry(self, name: str) -> dict[str, Any]:
        """The parameter as an object of a search space's JSON."""

    def __repr__(self) -> str:
        fields = ", ".join(f"{key}={value!r}" for key, value in self.entry("").items())
        return f"{type(self).__name__}({fields})"


class Float(Parameter):
    """A float between two bounds, both included.

    `scale` is `linear`, `log`, or `reverse_log` for values close to one such as momenta.
    """

    def __init__(self, low: float, high: float, scale: Scale = "linear") -> None:
        self.low, self.high, self.scale = float(low), float(high), scale

    def entry(self, name: str) -> dict[str, Any]:
        """The parameter as an object of a search space's JSON."""
        return {
            "type": "float",
            "name": name,
            "low": self.low,
            "high": self.high,
            "scale": self.scale,
        }


class Integer(Parameter):
    """An integer between two bounds, both included."""

    def __init__(self, low: int, high: int, scale: Scale = "linear") -> None:
        self.low, self.high, self.scale = low, high, scale

    def entry(self, name: str) -> dict[str, Any]:
        """The parameter as an object of a search space's JSON."""
        return {
            "type": "integer",
            "name": name,
            "low": self.low,
            "high": self.high,
            "scale": self.scale,
        }


class Discrete(Parameter):
    """One of some numbers, given in increasing order."""

    def __init__(self, values: Sequence[float], scale: Scale = "linear") -> None:
        self.values, self.scale = list(values), scale

    def entry(self, name: str) -> dict[str, Any]:
        """The parameter as an object of a search space's JSON."""
        return {"type": "discrete", "name": name, "values": self.values, "scale": self.scale}


class Categorical(Parameter):
    """One of some categories: strings, truth values or integers.

    `children` maps a category to the parameters that exist only while it is chosen.

    Example:
        >>> optimizer = Categorical(["adam", "sgd"], {"sgd": {"momentum": Float(0.0, 0.99)}})
        >>> optimizer.entry("optimizer")["children"][0]["category"]
        'sgd'
    """

    def __init__(
        self,
        categories: Sequence[str | bool | int],
        children: Mapping[Any, Mapping[str, Parameter]] | None = None,
    ) -> None:
        self.categories, self.children = list(categories), dict(children or {})

    def entry(self, name: str) -> dict[str, Any]:
        """The parameter as an object of a search space's JSON."""
        entry = {"type": "categorical", "name": name, "categories": self.categories}
        children = [
            {"category": category, "parameters": _entries(parameters)}
            for category, parameters in self.children.items()
        ]
        return entry | {"children": children} if children else entry


class Fixed(Parameter):
    """Takes one value and no other."""

    def __init__(self, value: Value) -> None:
        self.value = value

    def entry(self, name: str) -> dict[str, Any]:
        """The parameter as an object of a search space's JSON."""
        return {"type": "fixed", "name": name, "value": self.value}


Space = (
    Mapping[str, Parameter]
    | Mapping[str, Any]
    | Sequence[Mapping[str, Any]]
    | str
    | os.PathLike[str]
    | HasJson
)


def read_space(space: Space) -> SearchSpace:
    """The message of a search space in any of its forms.

    Raises:
        InvalidArgumentError: If it is in none of them.

    Example:
        >>> read_space({"lr": Float(1e-5, 0.1, scale="log")}).parameters[0].name
        'lr'
    """
    return space_to_wire(_document(space))


def _document(space: Space) -> Mapping[str, Any]:
    match space:
        case HasJson():
            return _parsed(space.to_json(), "what to_json() gave")
        case str() if space.lstrip().startswith(("{", "[")):
            return _parsed(space, "the text")
        case str() | os.PathLike():
            return _parsed(_read(space), f"the file {os.fspath(space)!r}")
        case Mapping() if isinstance(space.get("parameters"), list | tuple):
            return space
        case Mapping():
            return {"parameters": _entries(space)}
        case Sequence():
            return {"parameters": space}
    raise InvalidArgumentError(
        f"The search space is a {type(space).__name__}; wanted a mapping of names to Float, "
        "Integer, Discrete, Categorical or Fixed, a space's JSON, or a path to it.",
        field="study.space",
    )


def _entries(parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    entries = []
    for name, parameter in parameters.items():
        if not isinstance(parameter, Parameter):
            raise InvalidArgumentError(
                f"Parameter {name!r} is {parameter!r}; wanted a Float, Integer, Discrete, "
                "Categorical or Fixed.",
                field="study.space",
            )
        entries.append(parameter.entry(name))
    return entries


def _parsed(text: str, source: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidArgumentError(
            f"The search space is no JSON: {error}, in {source}.", field="study.space"
        ) from error
    if isinstance(document, list):
        return {"parameters": document}
    if isinstance(document, dict):
        return document
    raise InvalidArgumentError(
        f"The search space is {document!r}, in {source}; wanted an object with `parameters`.",
        field="study.space",
    )


def _read(path: str | os.PathLike[str]) -> str:
    try:
        # Importing pathlib would cost more than all of this module.
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            return file.read()
    except (OSError, ValueError) as error:
        raise InvalidArgumentError(
            f"The search space cannot be read from {os.fspath(path)!r}: {error}. A text that is "
            "no JSON is taken for a path.",
            field="study.space",
        ) from error
