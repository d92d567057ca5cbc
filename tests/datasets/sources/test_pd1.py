"""PD1's layout, on rows made in the columns of the official release."""

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hyperbo.tasks import match
from hyperbo_datasets.errors import SourceError, TableError
from hyperbo_datasets.sources import pd1
from hyperbo_datasets.to_tasks import to_pools, to_tasks

CNN = {"dataset": "mnist", "model": "max_pooling_cnn", "hps.batch_size": 256}
LANGUAGE = {"dataset": "lm1b", "model": "transformer", "hps.batch_size": 2048}
POINTS = [(0.01, 0.5, 0.9, 0.2), (0.3, 1.0, 0.99, 0.5), (5.0, 2.0, 0.0, 0.9)]


def row(
    task: dict[str, Any], point: tuple[float, ...], error: float | None, status: str = "done"
) -> dict[str, Any]:
    """A line of the release, with the columns that matter and some that do not."""
    rate, power, momentum, factor = point
    return {
        **task,
        "trial_dir": "somewhere",
        "status": status,
        "hps.lr_hparams.initial_value": rate,
        "hps.lr_hparams.power": power,
        "hps.opt_hparams.momentum": momentum,
        "hps.lr_hparams.decay_steps_factor": factor,
        "global_step": None if error is None else [100, 200],
        "valid/error_rate": None if error is None else [0.9, error],
        "best_valid/error_rate": error,
        "study_group": "a,b,c,d,256",
    }


def lines(rows: list[dict[str, Any]]) -> bytes:
    """Rows as JSON lines."""
    return "".join(json.dumps(each) + "\n" for each in rows).encode()


@pytest.fixture
def files() -> dict[str, bytes]:
    """A small release: a matched grid over two tasks in two phases, and unmatched points."""
    relu, tanh = CNN | {"hps.activation_fn": "relu"}, CNN | {"hps.activation_fn": "tanh"}
    old = [row(relu, POINTS[0], 0.7), row(LANGUAGE, POINTS[0], 0.8)]
    new = [row(relu, point, 0.02 * (1 + i)) for i, point in enumerate(POINTS)]
    new += [row(tanh, point, 0.03) for point in POINTS]
    new += [
        row(LANGUAGE, POINTS[0], 0.6),
        row(LANGUAGE, POINTS[1], 0.65),
        row(LANGUAGE, POINTS[2], None, "diverged"),
    ]
    other = [row(LANGUAGE, (0.5, 0.1, 0.999, 0.01), 0.62)]
    return {
        "pd1_matched_phase0_results.jsonl": lines(old),
        "pd1_matched_phase1_results.jsonl": lines(new),
        "pd1_unmatched_phase1_results.jsonl": lines(other),
    }


@pytest.fixture
def folder(files: dict[str, bytes], tmp_path: Path) -> Path:
    """The release unpacked, its files gzipped."""
    for name, content in files.items():
        with gzip.open(tmp_path / f"{name}.gz", "wb") as file:
            file.write(content)
    return tmp_path


def test_tasks_are_told_apart_by_activation_and_batch_size(folder: Path) -> None:
    """The activation function is part of the task; without it two tasks would be mixed."""
    assert set(pd1.load(folder).tasks) == {
        "mnist_max_pooling_cnn_relu_256",
        "mnist_max_pooling_cnn_tanh_256",
        "lm1b_transformer_2048",
    }


def test_what_both_phases_tried_is_taken_from_phase_one(folder: Path) -> None:
    """The preliminary run's value gives way; each configuration counts once."""
    pools = {pool.name: pool for pool in to_pools(pd1.load(folder, pd1.MATCHED))}

    np.testing.assert_allclose(sorted(-pools["lm1b_transformer_2048"].native), [0.6, 0.65, 0.65])


def test_phase_zero_alone_can_be_read(folder: Path) -> None:
    """Selecting phase 0 gives its own values."""
    selection = pd1.Selection(phases=frozenset({0}))

    assert sorted(pd1.load(folder, selection).frame["best_valid/error_rate"]) == [0.7, 0.8]


def test_diverged_trials_are_rows(folder: Path) -> None:
    """A trial without evaluation keeps its place in the matched grid and bears the worst value."""
    table = pd1.load(folder, pd1.MATCHED)
    (lost,) = table.frame.index[table.frame["status"] == "diverged"]
    (pool,) = to_pools(table, task_names=["lm1b_transformer_2048"])

    assert np.isnan(table.frame["best_valid/error_rate"][lost])
    assert (~pool.is_completed).sum() == 1
    np.testing.assert_allclose(pool.values[~pool.is_completed], -np.log(0.65 + 5e-5))


def test_matched_trials_match(folder: Path) -> None:
    """All tasks share the three points, so divergence can be trained on them."""
    matched = match(to_tasks(pd1.load(folder, pd1.MATCHED)))

    assert matched.values.shape == (3, 3)


def test_inputs_follow_the_published_scales(folder: Path) -> None:
    """Learning rate log on [1e-5, 10], 1 - momentum log on [1e-3, 1], the others linear."""
    (pool,) = to_pools(pd1.load(folder, pd1.MATCHED), task_names=["mnist_max_pooling_cnn_relu_256"])
    wanted = [
        [
            (factor - 0.01) / 0.98,
            (np.log10(rate) + 5.0) / 6.0,
            (power - 0.1) / 1.9,
            -np.log10(1.0 - momentum) / 3.0,
        ]
        for rate, power, momentum, factor in POINTS
    ]

    np.testing.assert_allclose(pool.inputs, wanted, atol=1e-12)


def test_the_archive_reads_like_the_folder(
    files: dict[str, bytes], folder: Path, tmp_path: Path
) -> None:
    """pd1.tar.gz need not be unpacked, whether or not its members are gzipped."""
    archive = tmp_path / "pd1.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for index, (name, content) in enumerate(files.items()):
            packed = gzip.compress(content) if index else content
            member = tarfile.TarInfo(f"pd1/{name}{'.gz' if index else ''}")
            member.size = len(packed)
            tar.addfile(member, io.BytesIO(packed))

    from_archive, from_folder = pd1.load(archive), pd1.load(folder)
    order = ["task", "config_id"]
    left = from_archive.frame.astype({"task": str}).sort_values(order, ignore_index=True)
    right = from_folder.frame.astype({"task": str}).sort_values(order, ignore_index=True)
    assert left.equals(right)


def test_repeats_of_a_point_are_seeds(tmp_path: Path) -> None:
    """A point that one file holds twice is two runs of one configuration."""
    rows = [row(LANGUAGE, POINTS[0], 0.5), row(LANGUAGE, POINTS[0], 0.6)]
    (tmp_path / "pd1_unmatched_phase1_results.jsonl").write_bytes(lines(rows))
    frame = pd1.load(tmp_path).frame

    assert frame["config_id"].tolist() == [0, 0]
    assert frame["seed"].tolist() == [0, 1]


def test_a_truncated_file_is_a_source_error(folder: Path) -> None:
    """The end of a gzipped file missing: one error, and the remedy."""
    path = folder / "pd1_matched_phase1_results.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(SourceError, match="truncated"):
        pd1.load(folder)


def test_missing_columns_are_located(tmp_path: Path) -> None:
    """A line without a needed column is told by its number and the column."""
    bad = row(LANGUAGE, POINTS[0], 0.5)
    del bad["hps.lr_hparams.power"]
    content = lines([row(LANGUAGE, POINTS[1], 0.5), bad])
    (tmp_path / "pd1_matched_phase1_results.jsonl").write_bytes(content)

    with pytest.raises(SourceError, match=r"Trial 2 .*hps\.lr_hparams\.power"):
        pd1.load(tmp_path)


def test_a_folder_without_the_files_is_refused(tmp_path: Path) -> None:
    """The message says which files were looked for."""
    with pytest.raises(SourceError, match="holds no trials"):
        pd1.load(tmp_path)


def test_points_outside_the_space_are_refused(tmp_path: Path) -> None:
    """A learning rate beyond the published range is not PD1's."""
    content = lines([row(LANGUAGE, (100.0, 1.0, 0.9, 0.5), 0.5)])
    (tmp_path / "pd1_matched_phase1_results.jsonl").write_bytes(content)

    with pytest.raises(TableError, match="outside the search space"):
        pd1.load(tmp_path)
