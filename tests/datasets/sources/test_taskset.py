"""TaskSet's JSON layout, on files made in it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hyperbo_datasets.errors import SourceError, TableError
from hyperbo_datasets.metric import Identity
from hyperbo_datasets.sources import taskset
from hyperbo_datasets.to_tasks import to_pools

ADAM4P = [
    {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
    {"learning_rate": 1.0, "beta1": 0.0, "beta2": 0.9, "epsilon": 1.0},
]


def run(hp: dict[str, float], losses: list[float]) -> dict[str, Any]:
    """One run in the layout."""
    return {"hp": hp, **{part: {"loss": losses} for part in ("train", "valid", "test")}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two tasks x the same two settings; one run diverges."""
    first = [run(ADAM4P[0], [2.0, 1.0, 0.5]), run(ADAM4P[1], [2.0, float("nan"), float("nan")])]
    second = [run(ADAM4P[1], [3.0, 2.5, 2.0]), run(ADAM4P[0], [3.0, 2.0, 1.0])]
    (tmp_path / "mlp_family_seed1_0_2.json").write_text(json.dumps(first))
    (tmp_path / "rnn_family_seed2.json").write_text(json.dumps(second))
    return tmp_path


def test_final_losses_become_the_tasks_values(folder: Path) -> None:
    """The last evaluation counts, minimised and warped; the file names the task."""
    pools = {pool.name: pool for pool in to_pools(taskset.load(folder))}

    assert set(pools) == {"mlp_family_seed1", "rnn_family_seed2"}
    np.testing.assert_allclose(pools["rnn_family_seed2"].native, [-2.0, -1.0])
    np.testing.assert_allclose(
        pools["rnn_family_seed2"].values, -np.log(np.array([2.0, 1.0]) + 1e-6)
    )


def test_settings_are_numbered_across_tasks(folder: Path) -> None:
    """The same setting has the same id, in whatever order a file holds it."""
    pools = {pool.name: pool for pool in to_pools(taskset.load(folder))}

    assert (
        pools["mlp_family_seed1"].config_ids.tolist()
        == pools["rnn_family_seed2"].config_ids[::-1].tolist()
    )


def test_a_curve_ends_where_it_diverges(folder: Path) -> None:
    """A NaN loss ends the run with a diverged row; what was measured before is kept."""
    table = taskset.load(folder)
    lost = table.frame.loc[table.frame["task"] == "mlp_family_seed1"].iloc[3:]
    pools = {pool.name: pool for pool in to_pools(table)}

    assert lost["status"].tolist() == ["completed", "diverged"]
    assert lost["step"].tolist() == [0, 1]
    np.testing.assert_allclose(pools["mlp_family_seed1"].native, [-0.5, -0.5])


def test_the_space_is_the_grid_that_was_tuned(folder: Path) -> None:
    """Files of adam4p give its four parameters; momenta are finest near one."""
    table = taskset.load(folder)
    encoded = table.space.encode([ADAM4P[0]])[0]

    assert table.space.names == ("learning_rate", "beta1", "beta2", "epsilon")
    np.testing.assert_allclose(encoded, [5 / 9, 1 / 6, 3 / 6, 2 / 13], atol=1e-12)


def test_negative_losses_need_another_warp(tmp_path: Path) -> None:
    """Density models have losses below zero: refused by default, fine without a warp."""
    (tmp_path / "maf.json").write_text(json.dumps([run(hp, [1.0, -3.0]) for hp in ADAM4P]))

    with pytest.raises(TableError, match="identity warp"):
        taskset.load(tmp_path)
    (pool,) = to_pools(taskset.load(tmp_path, warp=Identity()))
    np.testing.assert_allclose(pool.values, [3.0, 3.0])


@pytest.mark.parametrize(
    "runs",
    [
        {"hp": 1},
        [{"hp": {"learning_rate": 0.1}}],
        [{"hp": {"learning_rate": 0.1}, "valid": {"loss": []}}],
        [{"hp": {"learning_rate": 0.1}, "valid": {"loss": ["x"]}}],
        [{"hp": {"dampening": 0.1}, "valid": {"loss": [1.0]}}],
        [run(ADAM4P[0], [1.0]), run({"learning_rate": 0.1}, [1.0])],
        [],
    ],
)
def test_other_layouts_are_refused(runs: object, tmp_path: Path) -> None:
    """Missing parts, empty curves, unknown or mixed hyperparameters: one clear error."""
    (tmp_path / "task.json").write_text(json.dumps(runs))

    with pytest.raises(SourceError):
        taskset.load(tmp_path)
