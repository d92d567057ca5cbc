"""Categorical parameters: one coordinate per category, and children that hang on a category."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int

from hyperbo.errors import SpaceError
from hyperbo.space.columns import as_native, as_natives
from hyperbo.space.parameter import Parameter, Value, check_name, checked_items, equal_bins

Category = str | bool | int


@dataclass(frozen=True)
class CategoricalParameter(Parameter):
    """A choice among unordered categories, laid out as one coordinate per category.

    A point decodes to the category of its largest coordinate, the first of them on a tie, so that
    independent uniform coordinates give every category the same probability. A category encodes to
    one in its own coordinate and zero in the others. Quantiles are shared out in equal bins.

    A truth value is no number here: `True` and `1` are different values, and a parameter may not
    hold both.

    Attributes:
        name: Unique within a search space.
        categories: The choices, all different.
        children: Parameters that exist only when this one has a given category.

    Raises:
        SpaceError: If there is no category, one repeats or is of another type, or children hang on
            a category that is not there.
    """

    name: str
    categories: tuple[Category, ...]
    children: Mapping[Category, tuple[Parameter, ...]] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        check_name(self.name)
        listed = checked_items(self.name, "categories", self.categories)
        categories = tuple(_checked_category(self.name, each) for each in listed)
        if len(set(categories)) < len(categories):
            raise SpaceError(
                f"Parameter {self.name!r} repeats a category in {categories!r} (True counts as 1, "
                "False as 0); leave one of them out."
            )
        object.__setattr__(self, "categories", categories)
        object.__setattr__(self, "children", self._ordered_children())

    @property
    def width(self) -> int:
        """One coordinate per category."""
        return len(self.categories)

    @property
    def is_continuous(self) -> bool:
        """Never."""
        return False

    @property
    def wanted(self) -> str:
        """The values admitted, in words for error messages."""
        return f"one of {list(self.categories)!r}"

    def admits(self, column: np.ndarray) -> Bool[np.ndarray, " N"]:
        """Which native values are categories; 3.0 is taken for the category 3."""
        return self._positions(column) >= 0

    def encode(self, column: np.ndarray) -> Float[np.ndarray, "N W"]:
        """One in the category's own coordinate, zero in the others."""
        return self._one_hot(self._positions(column))

    def decode(self, units: Float[np.ndarray, "N W"]) -> list[Value]:
        """The category of the largest coordinate."""
        return [self.categories[position] for position in self.choose(units).tolist()]

    def choose(self, units: Float[np.ndarray, "N W"]) -> Int[np.ndarray, " N"]:
        """Position of the category each row decodes to; the first of the largest coordinates."""
        return np.argmax(units, axis=1)

    def snap(self, units: Float[np.ndarray, "N W"]) -> Float[np.ndarray, "N W"]:
        """One in the largest coordinate, zero in the others."""
        return self._one_hot(self.choose(units))

    def at_quantiles(self, quantiles: Float[np.ndarray, " N"]) -> Float[np.ndarray, "N W"]:
        """Every category takes the same share of the quantiles, in order."""
        return self._one_hot(equal_bins(quantiles, self.width))

    def steps(self, unit: Float[np.ndarray, " W"]) -> Float[np.ndarray, "K W"]:
        """Every other category."""
        return np.delete(np.eye(self.width), int(np.argmax(unit)), axis=0)

    def _one_hot(self, positions: Int[np.ndarray, " N"]) -> Float[np.ndarray, "N W"]:
        return np.eye(self.width)[positions]

    def _positions(self, column: np.ndarray) -> Int[np.ndarray, " N"]:
        """Position of each value among the categories, -1 where it is none of them."""
        table = {_key(category): position for position, category in enumerate(self.categories)}
        found = [table.get(_key(value), -1) for value in as_natives(column)]
        return np.array(found, dtype=np.int64)

    def _ordered_children(self) -> dict[Category, tuple[Parameter, ...]]:
        """The children in the order of their categories, so that equal trees are laid out alike."""
        if not isinstance(self.children, Mapping):
            raise SpaceError(
                f"Parameter {self.name!r} has children {self.children!r}; wanted a mapping from "
                "categories to tuples of parameters."
            )
        known = {_key(category) for category in self.categories}
        stray = [category for category in self.children if _key(as_native(category)) not in known]
        if stray:
            raise SpaceError(
                f"Parameter {self.name!r} has children under {stray!r}, which are none of its "
                f"categories {list(self.categories)!r}; add the category or move the children."
            )
        ordered: dict[Category, tuple[Parameter, ...]] = {}
        for category in self.categories:
            children = self.children.get(category, ())
            if isinstance(children, Parameter):
                raise SpaceError(
                    f"Parameter {self.name!r} has a bare parameter under {category!r}; put it into "
                    "a tuple."
                )
            if not all(isinstance(child, Parameter) for child in children):
                raise SpaceError(
                    f"Parameter {self.name!r} has under {category!r} the children {children!r}; "
                    "wanted a tuple of parameters."
                )
            if len(children):
                ordered[category] = tuple(children)
        return ordered


def _checked_category(name: str, category: object) -> Category:
    """The category as a Python value.

    Raises:
        SpaceError: If it is no string, integer or truth value.
    """
    native = as_native(category)
    if not isinstance(native, str | bool | int):
        raise SpaceError(
            f"Parameter {name!r} has the category {native!r}; wanted strings, integers or truth "
            "values. Numbers with an order belong into a DiscreteParameter."
        )
    return native


def _key(value: object) -> tuple[type, object] | None:
    """What a value is looked up by: its kind too, because Python holds `True` and `1` equal."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # pandas makes floats of integer columns with gaps
    for kind in (bool, int, str):
        if isinstance(value, kind):
            return kind, value
    return None
