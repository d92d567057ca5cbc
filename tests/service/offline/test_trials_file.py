"""Files of trials."""

from pathlib import Path

import numpy as np
import pytest

from hyperbo.space import (
    CategoricalParameter,
    DiscreteParameter,
    FixedParameter,
    FloatParameter,
    SearchSpace,
)
from hyperbo_datasets.metric import Identity, Maximise, Metric, Minimise, NegativeLogError
from hyperbo_service.errors import TrialsFileError
from hyperbo_service.offline.trials_file import read_trials, to_trials

SPACE = SearchSpace(
    (
        CategoricalParameter(
            "optimizer", ("sgd", "adam"), {"sgd": (FloatParameter("momentum", 0.0, 1.0),)}
        ),
        DiscreteParameter("batch", (16, 32, 64)),
        FixedParameter("version", 3),
    )
)
METRIC = Metric("score", Maximise(), Identity())
PATH = Path("trials.csv")


def test_cells_spell_typed_values(tmp_path: Path) -> None:
    """Texts of a CSV file become categories, listed numbers and absent children."""
    path = tmp_path / "trials.csv"
    path.write_text("optimizer,momentum,batch,version,score\nsgd,0.5,32,3,1.5\nadam,,64,,2\n")

    trials = to_trials(read_trials(path), SPACE, METRIC, path)

    expected = SPACE.encode(
        [{"optimizer": "sgd", "momentum": 0.5, "batch": 32}, {"optimizer": "adam", "batch": 64}]
    )
    np.testing.assert_array_equal(trials.history.inputs, expected)
    np.testing.assert_array_equal(trials.history.values, [1.5, 2.0])


def test_values_are_warped_as_the_prior_was_trained() -> None:
    """What the model sees is minus the log of the error plus epsilon; the best stays native."""
    metric = Metric("error", Minimise(), NegativeLogError(1.0, 1e-3))
    space = SearchSpace((FloatParameter("x", 0.0, 1.0),))

    trials = to_trials([{"x": 0.1, "error": 0.5}, {"x": 0.2, "error": 0.25}], space, metric, PATH)

    np.testing.assert_allclose(trials.history.values, -np.log([0.501, 0.251]), rtol=1e-12)
    assert trials.best == 0.25


def test_lost_trials_bear_the_worst_value() -> None:
    """A diverged trial counts as the worst that completed, whatever it measured before."""
    space = SearchSpace((FloatParameter("x", 0.0, 1.0),))
    rows = [
        {"x": 0.1, "score": 3.0},
        {"x": 0.2, "score": 99.0, "status": "diverged"},
        {"x": 0.3, "score": 1.0, "status": "completed"},
    ]

    trials = to_trials(rows, space, METRIC, PATH)

    by_input = dict(zip(trials.history.inputs[:, 0], trials.history.values, strict=True))
    assert by_input == {0.1: 3.0, 0.3: 1.0, 0.2: 1.0}
    assert (trials.completed, trials.lost, trials.best) == (2, 1, 3.0)


def test_lost_trials_alone_are_not_tried_again() -> None:
    """Where nothing completed there is no worst value: the points count as given out."""
    space = SearchSpace((FloatParameter("x", 0.0, 1.0),))

    trials = to_trials([{"x": 0.1, "status": "failed"}], space, METRIC, PATH)

    assert trials.history.values.size == 0
    assert trials.history.pending.tolist() == [[0.1]]
    assert (trials.pending, trials.lost) == (0, 1)


def test_repeated_columns_are_refused(tmp_path: Path) -> None:
    """Two columns of one name would hide each other's values."""
    path = tmp_path / "trials.csv"
    path.write_text("x,x,score\n1,2,3\n")

    with pytest.raises(TrialsFileError, match="more than once"):
        read_trials(path)


@pytest.mark.parametrize("content", ['{"x": 1}', "[1]", "[{"])
def test_json_of_another_layout_is_refused(tmp_path: Path, content: str) -> None:
    """A JSON file must be a list of objects."""
    path = tmp_path / "trials.json"
    path.write_text(content)

    with pytest.raises(TrialsFileError, match=r"trials\.json"):
        read_trials(path)
