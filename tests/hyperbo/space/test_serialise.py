"""Search spaces as JSON."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperbo.errors import SpaceError
from hyperbo.space import (
    CategoricalParameter,
    DiscreteParameter,
    FixedParameter,
    FloatParameter,
    IntegerParameter,
    Linear,
    Log,
    ReverseLog,
    SearchSpace,
)

DrawSpace = Callable[[st.DataObject], SearchSpace]

FLOAT = {"type": "float", "name": "x", "low": 0, "high": 1}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_round_trip(data: st.DataObject, draw_space: DrawSpace) -> None:
    """A random space comes back from its text, which is canonical: written again it is the same."""
    space = draw_space(data)
    text = space.to_json()

    again = SearchSpace.from_json(text)

    assert again.parameters == space.parameters
    assert again.to_json() == text
    assert json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")) == text


def test_the_format_is_stable() -> None:
    """The canonical text of one space of everything, letter by letter, and its digest."""
    children = {"b": (DiscreteParameter("d", (1, 2), Log()), FixedParameter("f", "on"))}
    space = SearchSpace(
        (
            FloatParameter("x", 1e-5, 0.5, ReverseLog()),
            IntegerParameter("n", 1, 3),
            CategoricalParameter("c", ("b", True, 2), children),
        )
    )
    text = (
        '{"parameters":['
        '{"high":0.5,"low":1e-05,"name":"x","scale":"reverse_log","type":"float"},'
        '{"high":3,"low":1,"name":"n","scale":"linear","type":"integer"},'
        '{"categories":["b",true,2],"children":[{"category":"b","parameters":['
        '{"name":"d","scale":"log","type":"discrete","values":[1,2]},'
        '{"name":"f","type":"fixed","value":"on"}]}],"name":"c","type":"categorical"}'
        '],"version":1}'
    )

    assert space.to_json() == text
    assert space.digest() == hashlib.sha256(text.encode()).hexdigest()


def test_what_goes_without_saying_may_be_left_out() -> None:
    """A hand-made text need not give the version, a linear scale or empty children."""
    short = SearchSpace.from_json(
        json.dumps(
            {"parameters": [FLOAT, {"type": "categorical", "name": "c", "categories": ["a"]}]}
        )
    )

    assert short == SearchSpace((FloatParameter("x", 0.0, 1.0), CategoricalParameter("c", ("a",))))


@pytest.mark.parametrize(
    "other",
    [
        FloatParameter("x", 0.0, 2.0),
        FloatParameter("y", 0.0, 1.0),
        FloatParameter("x", 0.0, 1.0 - 1e-16, ReverseLog()),
        IntegerParameter("x", 0, 1),
        DiscreteParameter("x", (0, 1)),
        DiscreteParameter("x", (0.0, 1.0)),
    ],
)
def test_any_difference_changes_the_digest(other: Any) -> None:
    """Name, bound, scale and kind all enter the digest."""
    one = SearchSpace((FloatParameter("x", 0.0, 1.0),))

    assert SearchSpace((other,)).digest() != one.digest()


def test_order_is_part_of_the_space() -> None:
    """The order of parameters is the order of coordinates, so it changes the digest."""
    one, two = FloatParameter("x", 0.0, 1.0), FloatParameter("y", 0.0, 1.0)

    assert SearchSpace((one, two)).digest() != SearchSpace((two, one)).digest()


def test_foreign_scales_are_not_written() -> None:
    """A scale the format does not know is refused when written, by name."""

    class Squared(Linear):
        """A scale of the user's own."""

    with pytest.raises(SpaceError, match=r"Parameter 'x' has the scale .* cannot be stored"):
        SearchSpace((FloatParameter("x", 0.0, 1.0, Squared()),)).to_json()


CATEGORICAL = {"type": "categorical", "name": "c", "categories": ["a", 1]}


@pytest.mark.parametrize(
    ("parameter", "words"),
    [
        ("x", 'parameters[0] is "x"; wanted an object whose type'),
        ({"name": "x"}, "wanted an object whose type"),
        ({"type": "double", "name": "x"}, "['float', 'integer', 'discrete'"),
        ({"type": ["float"]}, "wanted an object whose type"),
        ({"type": "float", "name": "x", "low": 0}, "parameters[0] lacks ['high']"),
        (FLOAT | {"hihg": 1}, "unknown keys ['hihg']"),
        (FLOAT | {"name": 3}, "parameters[0].name is 3; wanted a string"),
        (FLOAT | {"name": ""}, "not blank"),
        (FLOAT | {"low": "0"}, 'parameters[0].low is "0"; wanted a number without quotes'),
        (FLOAT | {"low": True}, "parameters[0].low is true"),
        (FLOAT | {"low": None}, "parameters[0].low is null"),
        (FLOAT | {"low": 2}, "wanted low < high"),
        (FLOAT | {"scale": "ln"}, "parameters[0].scale is \"ln\"; wanted one of ['linear'"),
        (FLOAT | {"scale": "log"}, "above 0"),
        (FLOAT | {"type": "integer", "high": 1.5}, "parameters[0].high is 1.5; wanted an integer"),
        ({"type": "discrete", "name": "d", "values": 3}, "parameters[0].values is 3; wanted a li"),
        ({"type": "discrete", "name": "d", "values": []}, "at least one"),
        ({"type": "discrete", "name": "d", "values": [1, "2"]}, "parameters[0].values[1]"),
        (CATEGORICAL | {"categories": [1.5]}, "parameters[0].categories[0] is 1.5"),
        (CATEGORICAL | {"categories": {"a": 1}}, "wanted a list"),
        (CATEGORICAL | {"children": {"a": []}}, "parameters[0].children is"),
        (CATEGORICAL | {"children": [{"category": "a"}]}, "children[0] lacks ['parameters']"),
        (
            CATEGORICAL | {"children": [{"category": "b", "parameters": [FLOAT]}]},
            "none of its categories",
        ),
        (
            CATEGORICAL | {"children": [{"category": "a", "parameters": [3]}]},
            "parameters[0].children[0].parameters[0] is 3",
        ),
        (
            CATEGORICAL | {"children": [{"category": "a", "parameters": []}] * 2},
            "repeats the category 'a'",
        ),
        ({"type": "fixed", "name": "f", "value": None}, "parameters[0].value is null"),
        ({"type": "fixed", "name": "f", "value": 1}, "nothing to tune"),
    ],
)
def test_bad_parameters_are_refused(parameter: Any, words: str) -> None:
    """A parameter not in the format is refused; the message says where and what was wanted."""
    with pytest.raises(SpaceError) as caught:
        SearchSpace.from_json(json.dumps({"parameters": [parameter]}))

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no JSON"),
        ("{", "is no JSON"),
        ("[]", "search space is []; wanted an object"),
        ("{}", "lacks ['parameters']"),
        ('{"parameters": [], "version": 2}', "format version 2"),
        ('{"parameters": [], "version": true}', "format version True"),
        ('{"parameters": {}}', "parameters is {}; wanted a list"),
        ('{"parameters": []}', "nothing to tune"),
        ('{"parameters": [], "parameters": []}', "repeats the keys ['parameters']"),
        ('{"parameters": [{"type": "float", "low": NaN}]}', "holds NaN"),
        ('{"parameters": ' + "[" * 100_000, "nested too deeply"),
        (json.dumps({"parameters": [FLOAT]}).replace("1", "1e999"), "finite number"),
        (json.dumps({"parameters": [FLOAT]}).replace("1", "1" * 5000), "is no JSON"),
    ],
)
def test_bad_texts_are_refused(text: str, words: str) -> None:
    """A text that is no search space gets one clear error."""
    with pytest.raises(SpaceError) as caught:
        SearchSpace.from_json(text)

    assert words in str(caught.value)
