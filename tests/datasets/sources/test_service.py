"""Finished studies as a table."""

import numpy as np
import pytest

from hyperbo.space import CategoricalParameter, FloatParameter, SearchSpace
from hyperbo_datasets.errors import SourceError, TableError
from hyperbo_datasets.metric import Maximise, Metric, Minimise
from hyperbo_datasets.sources.service import Run, Study, load
from hyperbo_datasets.to_tasks import to_tasks

SPACE = SearchSpace(
    (
        FloatParameter("x", 0.0, 1.0),
        CategoricalParameter("kind", ("a", "b"), {"b": (FloatParameter("y", 0.0, 1.0),)}),
    )
)
ACCURACY = Metric("accuracy", Maximise())


def test_each_study_is_a_task() -> None:
    """Values and conditional parameters arrive; an infeasible run bears the worst value."""
    studies = [
        Study("one", [Run({"x": 0.1, "kind": "a"}, 0.9), Run({"x": 0.2, "kind": "a"}, 0.7)]),
        Study(
            "two", [Run({"x": 0.1, "kind": "b", "y": 0.5}, 0.8), Run({"x": 1.0, "kind": "a"}, None)]
        ),
    ]
    table = load("toy", SPACE, ACCURACY, studies, "a service")

    one, two = to_tasks(table)
    assert (one.name, two.name) == ("one", "two")
    np.testing.assert_array_equal(one.values, [0.9, 0.7])
    np.testing.assert_array_equal(two.values, [0.8, 0.8])
    np.testing.assert_array_equal(two.inputs, SPACE.encode(
        [{"x": 0.1, "kind": "b", "y": 0.5}, {"x": 1.0, "kind": "a"}]
    ))  # fmt: skip


def test_repeats_are_told_apart() -> None:
    """One configuration twice in a study is two runs, and the same configuration in another."""
    run = Run({"x": 0.1, "kind": "a"}, 0.9, seconds=3.0)
    table = load("toy", SPACE, ACCURACY, [Study("a", [run, run]), Study("b", [run])], "a service")

    assert list(table.frame["seed"]) == [0, 1, 0]
    assert table.frame["config_id"].nunique() == 1
    assert list(table.frame["cost"]) == [3.0] * 3


def test_nearly_the_same_point_in_two_studies() -> None:
    """The same suggestion but for rounding is one configuration, and no contradiction."""
    studies = [
        Study("a", [Run({"x": 0.1, "kind": "a"}, 0.9)]),
        Study("b", [Run({"x": 0.1 * (1.0 + 1e-14), "kind": "a"}, 0.8)]),
    ]
    table = load("toy", SPACE, ACCURACY, studies, "a service")

    assert table.frame["config_id"].nunique() == 1


def test_metric_named_like_a_column() -> None:
    """A metric called `cost`, or like a parameter, gets a name of its own."""
    studies = [Study("a", [Run({"x": 0.1, "kind": "a"}, 5.0)])]

    for name in ("cost", "x"):
        table = load("toy", SPACE, Metric(name, Minimise()), studies, "a service")
        assert table.metric.name == f"{name}_"
        assert list(table.frame[f"{name}_"]) == [5.0]


def test_run_outside_the_space() -> None:
    """A trial that the space does not admit is refused by name."""
    with pytest.raises(TableError, match="'x' lie outside"):
        load("toy", SPACE, ACCURACY, [Study("a", [Run({"x": 7.0, "kind": "a"}, 1.0)])], "a service")


def test_studies_of_one_name() -> None:
    """Two studies of one name cannot be told apart."""
    study = Study("a", [Run({"x": 0.5, "kind": "a"}, 1.0)])

    with pytest.raises(SourceError, match="told apart"):
        load("toy", SPACE, ACCURACY, [study, study], "a service")
