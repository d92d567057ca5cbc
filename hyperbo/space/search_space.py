"""The search space: a tree of parameters, and the unit cube that models and optimisers work in."""

import difflib
import hashlib
import reprlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float

from hyperbo.errors import SpaceError, ValueOutsideSpaceError
from hyperbo.space.categorical import CategoricalParameter
from hyperbo.space.columns import as_native, is_absent
from hyperbo.space.fixed import FixedParameter
from hyperbo.space.parameter import Parameter, Value
from hyperbo.space.serialise import read_parameters, write_parameters

_NEUTRAL = 0.5


@dataclass(frozen=True, eq=False)
class SearchSpace:
    """The hyperparameters of a study, and their unit cube of `D` coordinates.

    The coordinates run through the tree depth first: each parameter's own, then those of its
    children, category by category. Floats, integers and listed numbers take one coordinate each, a
    categorical parameter one per category, a fixed parameter none. The coordinates of a conditional
    parameter that does not exist are 0.5.

    Configurations map names to native values. They leave out the parameters that do not exist (None
    and NaN count as left out) and may leave out fixed ones.

    Two spaces are equal if their canonical JSON is.

    Attributes:
        parameters: The parameters that always exist; conditional ones hang below them.

    Raises:
        SpaceError: If there is nothing to tune, or a name repeats anywhere in the tree.

    Example:
        >>> from hyperbo.space import FloatParameter, IntegerParameter, Log, SearchSpace
        >>> space = SearchSpace(
        ...     (FloatParameter("rate", 1e-4, 1.0, Log()), IntegerParameter("layers", 1, 4))
        ... )
        >>> space.encode([{"rate": 0.01, "layers": 4}])
        array([[0.5  , 0.875]])
        >>> space.decode(np.array([[0.0, 0.3]]))
        [{'rate': 0.0001, 'layers': 2}]
    """

    parameters: tuple[Parameter, ...]

    def __post_init__(self) -> None:
        parameters = tuple(self.parameters)
        strangers = [each for each in parameters if not isinstance(each, Parameter)]
        if strangers:
            raise SpaceError(f"A search space was given {strangers[0]!r}; wanted parameters.")
        object.__setattr__(self, "parameters", parameters)
        repeated = [name for name, count in Counter(self.names).items() if count > 1]
        if repeated:
            raise SpaceError(
                f"Parameter names repeat: {repeated!r}. Names are unique in the whole space; tell "
                "children of different categories apart, e.g. 'sgd.momentum'."
            )
        if not self.dimension:
            raise SpaceError("The search space has nothing to tune; add a parameter not fixed.")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SearchSpace) and self._json == other._json

    def __hash__(self) -> int:
        return hash(self._json)

    @property
    def dimension(self) -> int:
        """Number of unit coordinates, `D`."""
        return sum(node.parameter.width for node in self._nodes)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all parameters, conditional and fixed ones too, in the order of the tree."""
        return tuple(node.parameter.name for node in self._nodes)

    @property
    def tuned_names(self) -> tuple[str, ...]:
        """Names of the `P` parameters that are not fixed, in the order of the tree."""
        return tuple(node.parameter.name for node in self._nodes if node.parameter.width)

    @cached_property
    def is_continuous(self) -> Bool[np.ndarray, " D"]:
        """Coordinates a gradient may move: floats, and integers of many levels, snapped after."""
        return np.array(
            [n.parameter.is_continuous for n in self._nodes for _ in range(n.parameter.width)],
            dtype=bool,
        )

    def encode(self, configs: Sequence[Mapping[str, object]]) -> Float[np.ndarray, "N D"]:
        """Unit points of `N` configurations.

        Raises:
            ValueOutsideSpaceError: If a configuration is not admitted; see `check`.
        """
        return self._encode_configs(configs, "Configuration {}: ")

    def encode_columns(self, columns: Mapping[str, np.ndarray]) -> Float[np.ndarray, "N D"]:
        """Unit points of a table of `N` rows, one column of native values per parameter.

        Columns of conditional parameters hold None or NaN where the parameter does not exist, and
        are left out where it never does.

        Raises:
            ValueOutsideSpaceError: If a row is not admitted; see `check`.
            SpaceError: If columns differ in length.
        """
        return self._encode(columns, "Row {}: ")

    def check(self, config: Mapping[str, object]) -> None:
        """Refuse a configuration the space does not admit.

        Raises:
            ValueOutsideSpaceError: If a name is unknown, a value is missing, not admitted, or given
                to a parameter that does not exist in this configuration.
        """
        self._encode_configs([config], "")

    def decode(self, units: Float[np.ndarray, "N D"]) -> list[dict[str, Value]]:
        """Configurations of `N` unit points, in native Python values, fixed parameters included.

        Coordinates beyond [0, 1] count as its ends.

        Raises:
            SpaceError: If there are not `D` coordinates, or one is not finite.
        """
        self._check_units(units)
        configs: list[dict[str, Value]] = [{} for _ in range(units.shape[0])]
        for node, exists in zip(self._nodes, self._existence(units), strict=True):
            values = node.parameter.decode(units[exists, node.columns])
            for row, value in zip(np.flatnonzero(exists).tolist(), values, strict=True):
                configs[row][node.parameter.name] = value
        return configs

    def snap(self, units: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "N D"]:
        """The unit points of the configurations that `N` points decode to.

        Snapping twice changes nothing. Coordinates of parameters that do not exist become 0.5.

        Raises:
            SpaceError: If there are not `D` coordinates, or one is not finite.
        """
        self._check_units(units)
        snapped = np.empty(units.shape)
        for node in self._nodes:
            snapped[:, node.columns] = node.parameter.snap(units[:, node.columns])
        return self._neutralised(snapped)

    def at_quantiles(self, quantiles: Float[np.ndarray, "N P"]) -> Float[np.ndarray, "N D"]:
        """Snapped unit points at quantiles in [0, 1], one for each of the `tuned_names`.

        Uniform quantiles make floats and integers uniform along their scale, and every listed
        number and category equally likely.

        Raises:
            SpaceError: If there are not `P` quantiles in each row.
        """
        tuned = [node for node in self._nodes if node.parameter.width]
        if quantiles.shape[1] != len(tuned):
            raise SpaceError(f"Got {quantiles.shape[1]} quantiles for {len(tuned)} parameters.")
        units = np.empty((quantiles.shape[0], self.dimension))
        for node, column in zip(tuned, quantiles.T, strict=True):
            units[:, node.columns] = node.parameter.at_quantiles(column)
        return self._neutralised(units)

    def neighbours(self, unit: Float[np.ndarray, " D"]) -> Float[np.ndarray, "K D"]:
        """All `K` snapped points one step away from a point, which is snapped first.

        A step changes one existing parameter: an integer or listed number to the next smaller or
        larger one, a category to any other. Floats take no steps. Children that a new category
        brings into being start in the middle of their range, or at their first category.

        Raises:
            SpaceError: If there are not `D` coordinates, or one is not finite.
        """
        origin = self.snap(unit[None, :])
        around = [np.zeros((0, self.dimension))]
        for node, exists in zip(self._nodes, self._existence(origin), strict=True):
            if exists[0]:
                steps = node.parameter.steps(origin[0, node.columns])
                moved = np.repeat(origin, steps.shape[0], axis=0)
                moved[:, node.columns] = steps
                around.append(moved)
        return self.snap(np.concatenate(around))

    def to_json(self) -> str:
        """The canonical JSON text; `hyperbo.space.serialise` describes the format."""
        return self._json

    @classmethod
    def from_json(cls, text: str) -> "SearchSpace":
        """The space that a JSON text describes; `hyperbo.space.serialise` describes the format.

        Raises:
            SpaceError: If the text is not in the format, or the space is not well defined.
        """
        return cls(read_parameters(text))

    def digest(self) -> str:
        """SHA-256 of the canonical JSON, in hexadecimal: equal just for equal spaces."""
        return hashlib.sha256(self._json.encode()).hexdigest()

    @cached_property
    def _json(self) -> str:
        return write_parameters(self.parameters)

    @cached_property
    def _nodes(self) -> "tuple[_Node, ...]":
        return tuple(_flatten(self.parameters))

    def _existence(self, units: Float[np.ndarray, "N D"]) -> list[Bool[np.ndarray, " N"]]:
        """For each parameter, in which rows it exists."""
        existence: list[Bool[np.ndarray, " N"]] = []
        for node in self._nodes:
            exists = np.ones(units.shape[0], dtype=bool)
            if node.condition is not None:
                exists = existence[node.condition.parent] & node.condition.holds(units)
            existence.append(exists)
        return existence

    def _neutralised(self, units: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "N D"]:
        """The points with the coordinates of parameters that do not exist at 0.5."""
        neutral = units.copy()
        for node, exists in zip(self._nodes, self._existence(units), strict=True):
            neutral[~exists, node.columns] = _NEUTRAL
        return neutral

    def _encode_configs(
        self, configs: Sequence[Mapping[str, object]], place: str
    ) -> Float[np.ndarray, "N D"]:
        """Encode configurations as columns; `place` says in errors which one is meant."""
        names = dict.fromkeys((*self.names, *(name for config in configs for name in config)))
        columns = {name: np.empty(len(configs), dtype=object) for name in names}
        for row, config in enumerate(configs):
            for name, value in config.items():
                columns[name][row] = value
        return self._encode(columns, place)

    def _encode(self, columns: Mapping[str, np.ndarray], place: str) -> Float[np.ndarray, "N D"]:
        """Encode columns; `place` says in errors which row is meant."""
        count = self._count_rows(columns)
        units = np.full((count, self.dimension), _NEUTRAL)
        existence: list[Bool[np.ndarray, " N"]] = []
        for node in self._nodes:
            exists = np.ones(count, dtype=bool)
            if node.condition is not None:
                exists = existence[node.condition.parent] & node.condition.holds(units)
            existence.append(exists)
            column = columns.get(node.parameter.name, np.full(count, np.nan))
            given = _check_column(node, column, exists, place)
            units[given, node.columns] = node.parameter.encode(column[given])
        return units

    def _count_rows(self, columns: Mapping[str, np.ndarray]) -> int:
        """The length of all columns."""
        unknown = [name for name in columns if name not in self.names]
        if unknown:
            close = difflib.get_close_matches(str(unknown[0]), self.names, n=1)
            hint = f"Did you mean {close[0]!r}?" if close else "Leave it out."
            raise ValueOutsideSpaceError(
                f"Parameter {unknown[0]!r} is not in the search space, which has "
                f"{list(self.names)!r}. {hint}"
            )
        shapes = {column.shape for column in columns.values()}
        if len(shapes) > 1 or any(len(shape) != 1 for shape in shapes):
            raise SpaceError(
                f"Columns have shapes {sorted(shapes)!r}; wanted one value per row in each."
            )
        return shapes.pop()[0] if shapes else 0

    def _check_units(self, units: Float[np.ndarray, "N D"]) -> None:
        if units.ndim != 2 or units.shape[1] != self.dimension:
            raise SpaceError(
                f"Points have shape {units.shape}; this space wants (N, {self.dimension})."
            )
        if not np.isfinite(units).all():
            raise SpaceError("Points of the unit cube hold NaN or infinite coordinates.")


@dataclass(frozen=True)
class _Condition:
    """That a categorical parameter has a given category."""

    parent: int
    parameter: CategoricalParameter
    columns: slice
    category: int

    def holds(self, units: Float[np.ndarray, "N D"]) -> Bool[np.ndarray, " N"]:
        return self.parameter.choose(units[:, self.columns]) == self.category

    def __str__(self) -> str:
        return f"{self.parameter.name!r} is {self.parameter.categories[self.category]!r}"


@dataclass(frozen=True)
class _Node:
    """A parameter, its columns of the unit cube, and what it hangs on."""

    parameter: Parameter
    columns: slice
    condition: _Condition | None


def _flatten(parameters: Sequence[Parameter]) -> Iterator[_Node]:
    """The tree's parameters depth first."""
    stack: list[tuple[Parameter, _Condition | None]] = [(each, None) for each in parameters[::-1]]
    position = column = 0
    while stack:
        parameter, condition = stack.pop()
        columns = slice(column, column + parameter.width)
        yield _Node(parameter, columns, condition)
        if isinstance(parameter, CategoricalParameter):
            below = [
                (child, _Condition(position, parameter, columns, category))
                for category, name in enumerate(parameter.categories)
                for child in parameter.children.get(name, ())
            ]
            stack.extend(below[::-1])
        position, column = position + 1, columns.stop


def _check_column(
    node: _Node, column: np.ndarray, exists: Bool[np.ndarray, " N"], place: str
) -> Bool[np.ndarray, " N"]:
    """Where the column holds values, all of which the parameter admits.

    Raises:
        ValueOutsideSpaceError: At the first row that is not admitted.
    """
    parameter = node.parameter
    given = ~is_absent(column)
    missing = exists & ~given
    if missing.any() and not isinstance(parameter, FixedParameter):
        row = int(np.argmax(missing))
        raise ValueOutsideSpaceError(
            f"{place.format(row)}Parameter {parameter.name!r} has no value (it is missing, None or "
            f"NaN); wanted {parameter.wanted}. Give it one."
        )
    stray = given & ~exists
    if stray.any():
        row = int(np.argmax(stray))
        raise ValueOutsideSpaceError(
            f"{place.format(row)}Parameter {parameter.name!r} is {_shown(column[row])}, but it "
            f"exists only when {node.condition}. Leave it out."
        )
    refused = np.flatnonzero(given)[~parameter.admits(column[given])]
    if refused.size:
        row = int(refused[0])
        raise ValueOutsideSpaceError(
            f"{place.format(row)}Parameter {parameter.name!r} is {_shown(column[row])}; wanted "
            f"{parameter.wanted}. Correct the value, or change the search space."
        )
    return given


def _shown(value: object) -> str:
    """A value as Python writes it, cut short."""
    return reprlib.repr(as_native(value))
