"""Search spaces and native values on the wire."""

import json
from typing import Any

import numpy as np
import pytest

from hyperbo.space import SearchSpace
from hyperbo_service.errors import InvalidArgumentError
from hyperbo_service.rpc.spaces import (
    space_from_wire,
    space_to_wire,
    value_from_wire,
    value_to_wire,
    values_from_wire,
    values_to_wire,
)
from hyperbo_service.rpc.v1 import space_pb2
from tests.service.storage.kept.make_kept import EVERY_KIND

EXTREMES = [
    True,
    False,
    0,
    1,
    -(2**63),
    2**63 - 1,
    0.0,
    -0.0,
    5e-324,
    1.7976931348623157e308,
    "",
    "text",
    "日本 \U0001f389 \x00 \x7f",
]


@pytest.mark.parametrize("value", EXTREMES)
def test_a_value_comes_back_the_same(value: Any) -> None:
    """In its own type, over the bytes of the wire."""
    message = space_pb2.ParameterValue.FromString(value_to_wire(value).SerializeToString())

    back = value_from_wire(message)

    assert back == value
    assert type(back) is type(value)
    assert repr(back) == repr(value)


@pytest.mark.parametrize(
    ("value", "native"),
    [
        (np.float64(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.int8(-3), -3),
        (np.bool_(1), True),
        (np.str_("x"), "x"),
    ],
)
def test_numpys_scalars_count_as_pythons(value: Any, native: Any) -> None:
    """So a configuration may come out of an array."""
    back = value_from_wire(value_to_wire(value))

    assert back == native
    assert type(back) is type(native)


@pytest.mark.parametrize("value", [None, b"x", [1], {"a": 1}, 1j, 2**63, -(2**63) - 1, object()])
def test_anything_else_is_refused(value: Any) -> None:
    """With what was wanted."""
    with pytest.raises(InvalidArgumentError, match="64 bits"):
        value_to_wire(value)


def test_a_value_that_is_not_set_is_refused() -> None:
    """It stands for nothing."""
    with pytest.raises(InvalidArgumentError, match="not set"):
        value_from_wire(space_pb2.ParameterValue())


def test_what_is_none_is_left_out() -> None:
    """As a conditional parameter that does not exist."""
    assert values_from_wire(values_to_wire({"a": 1, "b": None, "c": False})) == {
        "a": 1,
        "c": False,
    }


def test_values_come_by_name() -> None:
    """Whatever order the bytes of a map have: the same each time."""
    names = [f"x{number}" for number in range(9)]

    values = values_from_wire(values_to_wire(dict.fromkeys(reversed(names), 0.5)))

    assert list(values) == names


def test_a_space_of_every_kind_comes_back_the_same() -> None:
    """As its own text has it, over the bytes of the wire."""
    text = SearchSpace.from_json(json.dumps(EVERY_KIND)).to_json()
    message = space_to_wire(json.loads(text))

    back = space_from_wire(space_pb2.SearchSpace.FromString(message.SerializeToString()))

    assert SearchSpace.from_json(json.dumps(back)).to_json() == text


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"parameters": None},
        {"parameters": [{}]},
        {"parameters": [{"type": "float", "name": "x"}]},
        {"parameters": [{"type": "float", "name": 3, "low": 0, "high": 1}]},
        {"parameters": [{"type": "matrix", "name": "x"}]},
        {"parameters": [{"type": "float", "name": "x", "low": "a", "high": 1}]},
        {"parameters": [{"type": "float", "name": "x", "low": 0, "high": 1, "scale": "cubic"}]},
        {"parameters": [{"type": "integer", "name": "x", "low": 0, "high": 2**70}]},
        {"parameters": [{"type": "fixed", "name": "x", "value": None}]},
        {"parameters": "text"},
    ],
)
def test_a_document_that_is_no_space_is_refused(document: Any) -> None:
    """With an example of one that is."""
    with pytest.raises(InvalidArgumentError) as refused:
        space_to_wire(document)
    assert refused.value.field in ("study.space", "parameters")
