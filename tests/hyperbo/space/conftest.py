"""Search spaces that the tests of this folder share: one with everything in it, and random ones."""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import jaxtyping
import pytest
from hypothesis import strategies as st

from hyperbo.space import (
    CategoricalParameter,
    DiscreteParameter,
    FixedParameter,
    FloatParameter,
    IntegerParameter,
    Log,
    ReverseLog,
    SearchSpace,
)


@pytest.fixture(scope="session")
def tree() -> SearchSpace:
    """A space with every kind of parameter, and conditional ones two levels deep."""
    schedule = CategoricalParameter(
        "schedule",
        ("constant", "cosine"),
        {"cosine": (IntegerParameter("warmup", 0, 4), FixedParameter("cycles", 1))},
    )
    optimizer = CategoricalParameter(
        "optimizer",
        ("adam", "sgd", "none"),
        {
            "sgd": (FloatParameter("momentum", 0.0, 0.999, ReverseLog()), schedule),
            "adam": (FloatParameter("epsilon", 1e-8, 1.0, Log()),),
        },
    )
    return SearchSpace(
        (
            FloatParameter("rate", 1e-5, 10.0, Log()),
            optimizer,
            IntegerParameter("layers", 1, 5),
            DiscreteParameter("batch", (16, 32, 64, 128), Log()),
            FixedParameter("epochs", 50),
        )
    )


@pytest.fixture
def as_users_run() -> Iterator[None]:
    """Without the type checks of tests, which would refuse a wrong type before our own checks."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="session")
def draw_space() -> Callable[[st.DataObject], SearchSpace]:
    """Draws a random space: every kind of parameter and scale, children up to two levels deep."""

    # Strategies draw the JSON only: the type checks of tests use `random`, which Hypothesis forbids
    # inside of strategies.
    def draw(data: st.DataObject) -> SearchSpace:
        return SearchSpace.from_json(json.dumps({"parameters": data.draw(_documents())}))

    return draw


Entry = dict[str, Any]


@st.composite
def _documents(draw: st.DrawFn) -> list[Entry]:
    """The parameters of a space with something to tune, as JSON."""
    names = itertools.count()
    first = draw(st.one_of(_floats(), _integers(), _discretes())) | {"name": _name(draw, names)}
    return [first, *(_parameter(draw, names, depth=2) for _ in range(draw(st.integers(0, 3))))]


def _name(draw: st.DrawFn, names: Iterator[int]) -> str:
    """A new name, at times with characters that JSON must escape."""
    return f"p{next(names)}" + draw(st.sampled_from(["", '"', "é", ".x", "\n", "\ud800"]))


def _parameter(draw: st.DrawFn, names: Iterator[int], depth: int) -> Entry:
    name = {"name": _name(draw, names)}
    if not depth or draw(st.booleans()):
        return draw(st.one_of(_floats(), _integers(), _discretes(), _fixed())) | name
    category = st.text(max_size=3) | st.booleans() | st.integers(-3, 3)
    categories = draw(st.lists(category, min_size=1, max_size=4, unique=True))
    children = [
        {
            "category": each,
            "parameters": [
                _parameter(draw, names, depth - 1) for _ in range(draw(st.integers(0, 2)))
            ],
        }
        for each in categories
    ]
    return {"type": "categorical", "categories": categories, "children": children} | name


@st.composite
def _floats(draw: st.DrawFn) -> Entry:
    low, high = draw(st.floats(1e-6, 0.9)), draw(st.floats(0.91, 0.9999))
    scale = draw(st.sampled_from(["linear", "log", "reverse_log"]))
    return {"type": "float", "low": low, "high": high, "scale": scale}


@st.composite
def _integers(draw: st.DrawFn) -> Entry:
    low, scale = draw(st.sampled_from([(-5, "linear"), (1, "log"), (-2000, "reverse_log")]))
    return {"type": "integer", "low": low, "high": low + draw(st.integers(1, 999)), "scale": scale}


@st.composite
def _discretes(draw: st.DrawFn) -> Entry:
    numbers = st.integers(1, 100) | st.integers(1, 1000).map(lambda number: number / 10)
    values = draw(st.lists(numbers, min_size=1, max_size=5, unique=True).map(sorted))
    return {"type": "discrete", "values": values, "scale": draw(st.sampled_from(["linear", "log"]))}


@st.composite
def _fixed(draw: st.DrawFn) -> Entry:
    finite = st.floats(allow_nan=False, allow_infinity=False)
    value = draw(st.text(max_size=3) | st.booleans() | st.integers() | finite)
    return {"type": "fixed", "value": value}
