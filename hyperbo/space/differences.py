"""What makes two search spaces different, in words."""

import dataclasses
from collections.abc import Iterator, Sequence

from hyperbo.space.categorical import CategoricalParameter
from hyperbo.space.parameter import Parameter
from hyperbo.space.search_space import SearchSpace


def describe_differences(
    first: SearchSpace, second: SearchSpace, names: tuple[str, str]
) -> tuple[str, ...]:
    """Name the parameters in which two spaces differ, one sentence each; none for equal spaces.

    Args:
        first: A search space.
        second: Another.
        names: What to call the two in the sentences.

    Example:
        >>> from hyperbo.space import FloatParameter
        >>> small, large = (SearchSpace((FloatParameter("x", 0.0, high),)) for high in (1.0, 2.0))
        >>> print(*describe_differences(small, large, ("mine", "yours")))
        'x' is FloatParameter(name='x', low=0.0, high=1.0, scale=Linear()) in mine and
        FloatParameter(name='x', low=0.0, high=2.0, scale=Linear()) in yours
    """
    if first.digest() == second.digest():
        return ()
    left, right = dict(_flatten(first.parameters)), dict(_flatten(second.parameters))
    both = [name for name in left if name in right]
    found = (
        *(f"{name!r} is only in {names[0]}" for name in left if name not in right),
        *(f"{name!r} is only in {names[1]}" for name in right if name not in left),
        *(
            f"{name!r} is {left[name]} in {names[0]} and {right[name]} in {names[1]}"
            for name in both
            if left[name] != right[name]
        ),
    )
    return found or ("their parameters are the same, but in another order",)


def _flatten(parameters: Sequence[Parameter], condition: str = "") -> Iterator[tuple[str, str]]:
    """Name and description of every parameter in the tree."""
    for parameter in parameters:
        if not isinstance(parameter, CategoricalParameter):
            yield parameter.name, f"{parameter!r}{condition}"
            continue
        yield parameter.name, f"{dataclasses.replace(parameter, children={})!r}{condition}"
        for category, children in parameter.children.items():
            yield from _flatten(children, f" when {parameter.name!r} is {category!r}")
