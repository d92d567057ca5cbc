"""The tree of parameters and its unit cube."""

import pickle
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperbo.errors import SpaceError, ValueOutsideSpaceError
from hyperbo.space import (
    CategoricalParameter,
    FixedParameter,
    FloatParameter,
    IntegerParameter,
    Log,
    SearchSpace,
    sample_uniform,
)

DrawSpace = Callable[[st.DataObject], SearchSpace]

SGD: dict[str, object] = {
    "rate": 0.1,
    "optimizer": "sgd",
    "momentum": 0.9,
    "schedule": "cosine",
    "warmup": 2,
    "cycles": 1,
    "layers": 3,
    "batch": 64,
    "epochs": 50,
}
ADAM: dict[str, object] = {
    "rate": 0.01,
    "optimizer": "adam",
    "epsilon": 1e-4,
    "layers": 5,
    "batch": 16,
    "epochs": 50,
}
# rate; adam, sgd, none; epsilon; momentum; constant, cosine; warmup; layers; batch
UNITS = np.array(
    [
        [2 / 3, 0.0, 1.0, 0.0, 0.5, 1 / 3, 0.0, 1.0, 0.5, 0.5, 0.625],
        [0.5, 1.0, 0.0, 0.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.9, 0.125],
    ]
)


def without(config: dict[str, object], *names: str) -> dict[str, object]:
    """The configuration without some names."""
    return {name: value for name, value in config.items() if name not in names}


def draw_units(data: st.DataObject, space: SearchSpace, count: int = 8) -> np.ndarray:
    """Random points, some beyond the unit cube, some on its corners and ties."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    units = rng.uniform(-0.1, 1.1, (count, space.dimension))
    return np.where(rng.random(units.shape) < 0.2, np.round(units * 4) / 4, units)


def as_columns(space: SearchSpace, configs: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Configurations as columns of Python objects, None where a parameter does not exist."""
    columns = {name: np.empty(len(configs), dtype=object) for name in space.names}
    for row, config in enumerate(configs):
        for name, value in config.items():
            columns[name][row] = value
    return columns


def test_layout_is_depth_first(tree: SearchSpace) -> None:
    """Parents come before children, children in the order of their categories."""
    assert tree.names == (
        *("rate", "optimizer", "epsilon", "momentum", "schedule", "warmup", "cycles"),
        *("layers", "batch", "epochs"),
    )
    assert tree.tuned_names == tuple(n for n in tree.names if n not in ("cycles", "epochs"))
    assert tree.dimension == 11


def test_only_floats_and_long_integers_are_continuous(tree: SearchSpace) -> None:
    """A gradient may move the floats of the tree, and no coordinate of a category or step."""
    assert np.flatnonzero(tree.is_continuous).tolist() == [0, 4, 5]


def test_encodes_to_the_layout(tree: SearchSpace) -> None:
    """Each value lands in its own coordinate; those of absent children are one half."""
    np.testing.assert_allclose(tree.encode([SGD, ADAM]), UNITS, atol=1e-12)


def test_decodes_native_values(tree: SearchSpace) -> None:
    """A point decodes to Python values in the order of the tree, children where they exist."""
    decoded = tree.decode(UNITS)

    assert [list(config) for config in decoded] == [list(SGD), list(ADAM)]
    assert decoded == [pytest.approx(SGD), pytest.approx(ADAM)]
    for got, wanted in zip(decoded, [SGD, ADAM], strict=True):
        assert [type(got[name]) for name in got] == [type(wanted[name]) for name in got]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_configurations_round_trip(data: st.DataObject, draw_space: DrawSpace) -> None:
    """What a point decodes to is admitted, and encodes to the snapped point."""
    space = draw_space(data)
    units = draw_units(data, space)

    configs = space.decode(units)

    np.testing.assert_allclose(space.encode(configs), space.snap(units), atol=1e-9)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_snapping_twice_changes_nothing(data: st.DataObject, draw_space: DrawSpace) -> None:
    """A snapped point is its own snapped point to the last bit, and decodes to the same."""
    space = draw_space(data)
    units = draw_units(data, space)

    snapped = space.snap(units)

    np.testing.assert_array_equal(space.snap(snapped), snapped)
    assert space.decode(snapped) == space.decode(units)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_children_exist_with_their_category(data: st.DataObject, draw_space: DrawSpace) -> None:
    """A decoded configuration holds just the parameters that a walk down the tree meets."""
    space = draw_space(data)

    for config in space.decode(draw_units(data, space)):
        expected: list[str] = []
        stack = list(space.parameters)
        while stack:
            parameter = stack.pop()
            expected.append(parameter.name)
            if isinstance(parameter, CategoricalParameter):
                chosen = config[parameter.name]
                stack.extend(
                    child
                    for category, children in parameter.children.items()
                    if type(category) is type(chosen) and category == chosen
                    for child in children
                )
        assert sorted(config) == sorted(expected)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_columns_encode_like_configurations(data: st.DataObject, draw_space: DrawSpace) -> None:
    """A table of columns and its rows as configurations are the same points."""
    space = draw_space(data)
    configs = space.decode(draw_units(data, space))

    np.testing.assert_array_equal(
        space.encode_columns(as_columns(space, configs)), space.encode(configs)
    )


def test_absent_children_may_be_nan_or_left_out(tree: SearchSpace) -> None:
    """NaN stands for a value that does not exist; a column nobody needs may be left out."""
    columns = as_columns(tree, [ADAM, ADAM])
    columns |= {"momentum": np.full(2, np.nan), "warmup": np.full(2, np.nan)}
    needed = {name: column for name, column in columns.items() if name in ADAM}

    np.testing.assert_array_equal(tree.encode_columns(columns), tree.encode([ADAM, ADAM]))
    np.testing.assert_array_equal(tree.encode_columns(needed), tree.encode([ADAM, ADAM]))


def test_float_columns_with_gaps_hold_integers(tree: SearchSpace) -> None:
    """A conditional integer that became a float column with NaN is read as the integer."""
    columns = as_columns(tree, [SGD, ADAM]) | {"warmup": np.array([2.0, np.nan])}

    np.testing.assert_allclose(tree.encode_columns(columns), UNITS, atol=1e-12)


def test_fixed_values_may_be_left_out(tree: SearchSpace) -> None:
    """Fixed parameters say nothing new, so a configuration need not repeat them."""
    np.testing.assert_array_equal(
        tree.encode([without(SGD, "epochs", "cycles")]), tree.encode([SGD])
    )


def test_no_configuration_is_no_point(tree: SearchSpace) -> None:
    """Nothing encodes to nothing and back."""
    assert tree.decode(tree.encode([])) == []
    assert tree.encode_columns({}).shape == (0, tree.dimension)


def test_integers_come_back_as_often_as_each_other() -> None:
    """Uniform points of a space decode to every integer within four standard errors of alike."""
    count = 40_000
    space = SearchSpace((IntegerParameter("n", 1, 4), FloatParameter("x", 0.0, 1.0)))
    drawn = space.decode(np.random.default_rng(4).random((count, 2)))

    shares = np.bincount([config["n"] for config in drawn])[1:] / count

    assert (np.abs(shares - 0.25) < 4 * (0.25 * 0.75 / count) ** 0.5).all()


def test_coordinates_of_absent_parameters_do_not_matter(tree: SearchSpace) -> None:
    """Points that differ only where parameters do not exist snap to the same point."""
    rng = np.random.default_rng(5)
    units = np.repeat(UNITS[1:], 50, axis=0)
    units[:, 5:9] = rng.random((50, 4))

    np.testing.assert_array_equal(tree.snap(units), np.repeat(tree.snap(UNITS[1:]), 50, axis=0))


def test_neighbours_change_one_parameter_by_one_step(tree: SearchSpace) -> None:
    """The neighbours of a point, in native values, are those listed by hand."""
    neighbours = tree.decode(tree.neighbours(UNITS[0]))

    bare = without(SGD, "momentum", "schedule", "warmup", "cycles", "optimizer")
    expected = [
        bare | {"optimizer": "adam", "epsilon": 1e-4},
        bare | {"optimizer": "none"},
        without(SGD, "warmup", "cycles") | {"schedule": "constant"},
        SGD | {"warmup": 1},
        SGD | {"warmup": 3},
        SGD | {"layers": 2},
        SGD | {"layers": 4},
        SGD | {"batch": 32},
        SGD | {"batch": 128},
    ]
    assert len(neighbours) == len(expected)
    for got, wanted in zip(neighbours, expected, strict=True):
        assert got == pytest.approx(wanted)


def test_floats_have_no_neighbours() -> None:
    """A space of floats alone gives no neighbours."""
    space = SearchSpace((FloatParameter("x", 0.0, 1.0), FloatParameter("y", 0.0, 1.0)))

    assert space.neighbours(np.array([0.2, 0.8])).shape == (0, 2)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_neighbours_are_other_decodable_points(data: st.DataObject, draw_space: DrawSpace) -> None:
    """Neighbours are snapped, differ from the point and from each other."""
    space = draw_space(data)
    unit = draw_units(data, space, count=1)

    neighbours = space.neighbours(unit[0])

    np.testing.assert_array_equal(space.snap(neighbours), neighbours)
    around = {row.tobytes() for row in np.concatenate([space.snap(unit), neighbours])}
    assert len(around) == len(neighbours) + 1


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (without(SGD, "rate"), ("'rate' has no value", "a number from 1e-05 to 10.0")),
        (SGD | {"rate": None}, ("'rate' has no value", "None")),
        (SGD | {"rate": float("nan")}, ("'rate' has no value", "NaN")),
        (SGD | {"rate": 11.0}, ("'rate' is 11.0", "1e-05 to 10.0", "Correct")),
        (SGD | {"rate": np.float64(-1.0)}, ("'rate' is -1.0",)),
        (SGD | {"rate": "0.1"}, ("'rate' is '0.1'", "a number")),
        (SGD | {"rate": True}, ("'rate' is True",)),
        (SGD | {"rate": "x" * 1000}, ("'rate' is 'xxx", "...")),
        (SGD | {"layers": 2.5}, ("'layers' is 2.5", "an integer from 1 to 5")),
        (SGD | {"batch": 48}, ("'batch' is 48", "[16, 32, 64, 128]")),
        (SGD | {"optimizer": "rmsprop"}, ("'optimizer' is 'rmsprop'", "['adam', 'sgd', 'none']")),
        (SGD | {"optimizer": 1}, ("'optimizer' is 1",)),
        (without(SGD, "warmup"), ("'warmup' has no value",)),
        (ADAM | {"momentum": 0.9}, ("'momentum' is 0.9", "only when 'optimizer' is 'sgd'")),
        (ADAM | {"cycles": 1}, ("'cycles' is 1", "only when 'schedule' is 'cosine'")),
        (SGD | {"epochs": 51}, ("'epochs' is 51", "the fixed value 50")),
        (SGD | {"leyers": 3}, ("'leyers' is not in the search space", "Did you mean 'layers'")),
        (SGD | {"unlike": 3}, ("'unlike' is not in the search space", "Leave it out")),
    ],
)
def test_bad_configurations_are_refused(
    tree: SearchSpace, config: dict[str, object], words: tuple[str, ...]
) -> None:
    """A configuration not admitted says which value of which parameter, and what was wanted."""
    with pytest.raises(ValueOutsideSpaceError) as caught:
        tree.check(config)

    assert all(each in str(caught.value) for each in words), str(caught.value)


def test_good_configurations_are_admitted(tree: SearchSpace) -> None:
    """Checking an admitted configuration says nothing and leaves it as it is."""
    before = dict(SGD)

    tree.check(SGD)

    assert before == SGD


def test_errors_name_the_row(tree: SearchSpace) -> None:
    """In a table the first bad row is named, in a list of configurations the configuration."""
    configs: list[dict[str, object]] = [ADAM, SGD, SGD | {"momentum": 1.0}]

    with pytest.raises(ValueOutsideSpaceError, match=r"Configuration 2: Parameter 'momentum'"):
        tree.encode(configs)
    with pytest.raises(ValueOutsideSpaceError, match=r"Row 2: Parameter 'momentum' is 1\.0"):
        tree.encode_columns(as_columns(tree, configs))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"x": np.zeros(2), "n": np.ones(3)}, "one value per row"),
        ({"x": np.zeros((2, 1)), "n": np.ones((2, 1))}, "one value per row"),
        ({"x": np.zeros(2)}, "Row 0: Parameter 'n' has no value"),
        ({"x": np.zeros(2), "n": np.ones(2), "loss": np.ones(2)}, "'loss' is not in the"),
    ],
)
def test_bad_tables_are_refused(columns: dict[str, np.ndarray], words: str) -> None:
    """Ragged, missing and unknown columns are refused by name."""
    space = SearchSpace((FloatParameter("x", 0.0, 1.0), IntegerParameter("n", 0, 3)))

    with pytest.raises(SpaceError, match=words):
        space.encode_columns(columns)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_points_that_are_not_finite_are_refused(tree: SearchSpace, bad: float) -> None:
    """NaN in a point stops it from being decoded or snapped."""
    units = UNITS.copy()
    units[1, 3] = bad

    for use in (tree.decode, tree.snap, lambda points: tree.neighbours(points[1])):
        with pytest.raises(SpaceError, match="NaN or infinite"):
            use(units)


def test_points_of_another_dimension_are_refused(tree: SearchSpace) -> None:
    """A point with too many or too few coordinates belongs to another space."""
    with pytest.raises(SpaceError, match=r"wants \(N, 11\)"):
        tree.decode(np.zeros((2, 10)))
    with pytest.raises(SpaceError, match="10 quantiles for 8 parameters"):
        tree.at_quantiles(np.zeros((2, 10)))


@pytest.mark.usefixtures("as_users_run")
@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ((), "nothing to tune"),
        ((FixedParameter("f", 1),), "nothing to tune"),
        ((FloatParameter("x", 0, 1), FixedParameter("x", 1)), r"repeat: \['x'\]"),
        (
            (
                CategoricalParameter(
                    "c", ("a", "b"), {k: (FloatParameter("x", 0, 1),) for k in "ab"}
                ),
            ),
            r"repeat: \['x'\]",
        ),
        (("x",), "wanted parameters"),
    ],
)
def test_ill_defined_spaces_are_refused(parameters: Any, words: str) -> None:
    """A space needs something to tune, and names unique in the whole tree."""
    with pytest.raises(SpaceError, match=words):
        SearchSpace(parameters)


def test_equal_spaces_are_one_key(tree: SearchSpace) -> None:
    """Spaces are equal, and hash alike, just when their definitions are; True is not 1."""
    one, true = (SearchSpace((CategoricalParameter("c", (0, kind)),)) for kind in (1, 2))
    truth = SearchSpace((CategoricalParameter("c", (False, True)),))
    number = SearchSpace((CategoricalParameter("c", (0, 1)),))

    assert {tree: "found"}[SearchSpace(tree.parameters)] == "found"
    assert one == number
    assert len({one, true, truth, number, tree}) == 4


def test_survives_pickling(tree: SearchSpace) -> None:
    """A space reaches another process whole, also after it was used."""
    tree.snap(UNITS)

    copy = pickle.loads(pickle.dumps(tree))  # noqa: S301 - our own bytes

    assert copy == tree
    np.testing.assert_array_equal(copy.encode([SGD, ADAM]), tree.encode([SGD, ADAM]))


def test_large_tables_encode_faster_than_row_by_row() -> None:
    """70,000 rows of seven columns encode many times faster than as configurations."""
    space = SearchSpace(
        (
            *(FloatParameter(f"x{number}", 1e-4, 1.0, Log()) for number in range(4)),
            *(IntegerParameter(f"n{number}", 1, 1024, Log()) for number in range(3)),
        )
    )
    units = sample_uniform(space, 70_000, np.random.default_rng(6))
    configs = space.decode(units)
    columns = {name: np.array([config[name] for config in configs]) for name in space.names}

    start = time.process_time()
    encoded = space.encode_columns(columns)
    vectorised = time.process_time() - start
    space.encode(configs[:700])
    row_by_row = 100 * (time.process_time() - start - vectorised)

    np.testing.assert_allclose(encoded, units, atol=1e-12)
    assert 4 * vectorised < row_by_row
