"""Categories and their one-hot coordinates."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from hyperbo.errors import SpaceError
from hyperbo.space import CategoricalParameter, Category, FixedParameter, FloatParameter, Value

CHILD = FloatParameter("child", 0.0, 1.0)


def column(*values: object) -> np.ndarray:
    """A column of Python objects."""
    filled = np.empty(len(values), dtype=object)
    filled[:] = values
    return filled


def test_category_is_the_largest_coordinate() -> None:
    """A point decodes to its largest coordinate, on a tie to the first of them."""
    parameter = CategoricalParameter("c", ("a", "b", "c"))
    units = np.array([[0.1, 0.9, 0.3], [0.2, 0.7, 0.7], [0.5, 0.5, 0.5]])

    assert parameter.decode(units) == ["b", "b", "a"]


def test_encodes_one_hot() -> None:
    """A category is one in its own coordinate and zero elsewhere."""
    units = CategoricalParameter("c", ("a", "b", "c")).encode(column("c", "a"))

    assert units.tolist() == [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]


def test_uniform_coordinates_choose_alike() -> None:
    """Independent uniform coordinates make every category equally likely (chi-square)."""
    units = np.random.default_rng(3).random((50_000, 5))

    counts = np.bincount(CategoricalParameter("c", tuple("abcde")).choose(units))

    assert stats.chisquare(counts).pvalue > 1e-3


def test_truth_values_and_integers_are_told_apart() -> None:
    """`True` is not admitted for 1, nor 1 for `True`, though Python holds them equal."""
    numbers = CategoricalParameter("c", (0, 1)).admits(column(True, 1, 1.0, np.int64(0), "1"))
    truths = CategoricalParameter("c", (False, True)).admits(column(True, np.bool_(False), 1, 0.0))

    assert numbers.tolist() == [False, True, True, True, False]
    assert truths.tolist() == [True, True, False, False]


def test_typed_columns_are_read() -> None:
    """Text and integer columns of NumPy types are read like Python values, as Python values."""
    texts = CategoricalParameter("c", ("a", "b"))
    numbers = CategoricalParameter("c", (3, 5))

    assert texts.decode(texts.encode(np.array(["b", "a"]))) == ["b", "a"]
    assert numbers.decode(numbers.encode(np.array([5.0, 3.0]))) == [5, 3]


def test_unhashable_values_are_refused() -> None:
    """A list is no category, and says so instead of failing."""
    assert not CategoricalParameter("c", ("a",)).admits(column(["a"], None, {"a": 1})).any()


def test_steps_lead_to_every_other_category() -> None:
    """A category steps to each of the others, never to itself."""
    parameter = CategoricalParameter("c", ("a", "b", "c"))

    assert parameter.decode(parameter.steps(np.array([0.0, 1.0, 0.0]))) == ["a", "c"]


def test_children_are_ordered_by_category() -> None:
    """The order in which children were handed in does not matter, nor do empty ones."""
    other = FloatParameter("other", 0.0, 1.0)
    one = CategoricalParameter("c", ("a", "b", "d"), {"b": (other,), "a": (CHILD,), "d": ()})

    assert list(one.children.items()) == [("a", (CHILD,)), ("b", (other,))]


def test_children_are_copied() -> None:
    """Changing the mapping afterwards does not change the parameter."""
    children: dict[Category, Any] = {"a": (CHILD,)}
    parameter = CategoricalParameter("c", ("a",), children)

    children.clear()

    assert parameter.children == {"a": (CHILD,)}


@pytest.mark.usefixtures("as_users_run")
@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: CategoricalParameter("c", ()), "at least one"),
        (lambda: CategoricalParameter("c", "ab"), "at least one"),
        (lambda: CategoricalParameter("c", ("a", "a")), "repeats"),
        (lambda: CategoricalParameter("c", (1, True)), "True counts as 1"),
        (lambda: CategoricalParameter("c", (1.5,)), "DiscreteParameter"),
        (lambda: CategoricalParameter("c", (None,)), "wanted strings"),
        (lambda: CategoricalParameter("c", ("a",), {"b": (CHILD,)}), "none of its"),
        (lambda: CategoricalParameter("c", (0, 1), {True: (CHILD,)}), "none of its"),
        (lambda: CategoricalParameter("c", ("a",), {"a": CHILD}), "into a tuple"),
        (lambda: CategoricalParameter("c", ("a",), {"a": ("x",)}), "tuple of par"),
        (lambda: CategoricalParameter("c", ("a",), (CHILD,)), "mapping"),
    ],
)
def test_ill_defined_categories_are_refused(build: Any, words: str) -> None:
    """A categorical parameter that cannot be says so when it is built."""
    with pytest.raises(SpaceError, match="Parameter 'c'") as caught:
        build()

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("value", "good", "bad"),
    [
        (0.1, (0.1, 0.1 + 1e-12, np.float64(0.1)), (0.2, "0.1", None, True)),
        (1, (1, 1.0), (True, 2, "1")),
        (True, (True, np.bool_(True)), (1, False, "True")),
        ("a", ("a", np.str_("a")), ("b", 1)),
    ],
)
def test_fixed_value_must_agree(
    value: Value, good: tuple[object, ...], bad: tuple[object, ...]
) -> None:
    """A fixed parameter admits its own value only, numbers up to rounding."""
    parameter = FixedParameter("f", value)

    assert parameter.admits(column(*good)).all()
    assert not parameter.admits(column(*bad)).any()


@pytest.mark.usefixtures("as_users_run")
@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, (1,)])
def test_fixed_value_must_be_storable(value: Any) -> None:
    """A fixed value is a string, truth value or finite number."""
    with pytest.raises(SpaceError, match="'f' is fixed to"):
        FixedParameter("f", value)
