"""Differences between search spaces are named."""

from hyperbo.space import (
    CategoricalParameter,
    FloatParameter,
    IntegerParameter,
    Log,
    Parameter,
    SearchSpace,
    describe_differences,
)

NAMES = ("A", "B")
X, Y = FloatParameter("x", 0.1, 1.0), IntegerParameter("y", 1, 4)


def differences(first: tuple[Parameter, ...], second: tuple[Parameter, ...]) -> tuple[str, ...]:
    """What makes two spaces of these parameters different."""
    return describe_differences(SearchSpace(first), SearchSpace(second), NAMES)


def test_equal_spaces_have_none() -> None:
    """A space written and read again differs in nothing."""
    space = SearchSpace((X, Y))

    assert describe_differences(space, SearchSpace.from_json(space.to_json()), NAMES) == ()


def test_missing_parameters_are_named_by_side() -> None:
    """A parameter of one space only is named with that space."""
    z = FloatParameter("z", 0.0, 1.0)

    assert differences((X, Y), (X, z)) == ("'y' is only in A", "'z' is only in B")


def test_changed_parameter_shows_both() -> None:
    """A parameter with another scale is shown as it is in either space; equal ones are not."""
    (found,) = differences((X, Y), (FloatParameter("x", 0.1, 1.0, Log()), Y))

    assert "scale=Linear()) in A" in found
    assert "scale=Log()) in B" in found


def test_order_is_a_difference() -> None:
    """The same parameters in another order make other unit coordinates, which is said."""
    assert differences((X, Y), (Y, X)) == ("their parameters are the same, but in another order",)


def test_condition_is_a_difference() -> None:
    """A child that hangs on another category is named with what it hangs on; the parent is not."""

    def space(category: str) -> tuple[Parameter, ...]:
        return (CategoricalParameter("kind", ("a", "b"), {category: (X,)}),)

    (found,) = differences(space("a"), space("b"))

    assert found.startswith("'x' is ")
    assert "when 'kind' is 'a' in A" in found
    assert "when 'kind' is 'b' in B" in found


def test_truth_value_is_no_number() -> None:
    """Categories True and 1 are different, though Python calls them equal."""
    first, second = CategoricalParameter("c", (True, "n")), CategoricalParameter("c", (1, "n"))

    (found,) = differences((first,), (second,))

    assert found.startswith("'c' is ")
