"""Checkpoint files: the old one or the new one, never a part."""

import os
from pathlib import Path

import numpy as np
import pytest

from hyperbo.errors import CheckpointError
from hyperbo.pretraining.checkpoint import Checkpoint, load_checkpoint, save_checkpoint

ARRAYS = {"vector": np.linspace(0.0, 1.0, 7), "scalar": np.asarray(3, dtype=np.int32)}


def test_reads_what_was_written(tmp_path: Path) -> None:
    """Every bit, type and shape comes back, scalars included."""
    path = tmp_path / "deep" / "checkpoint"
    save_checkpoint(path, Checkpoint("mine", ARRAYS))
    found = load_checkpoint(path, "mine")
    assert found is not None
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found.arrays[name], array)
        assert found.arrays[name].dtype == array.dtype
        assert found.arrays[name].shape == array.shape


def test_none_where_there_is_no_file(tmp_path: Path) -> None:
    """A run that never wrote one starts from the start."""
    assert load_checkpoint(tmp_path / "checkpoint", "mine") is None


@pytest.mark.parametrize("kept", [0, 5, 60, -3])
def test_a_damaged_file_is_an_error(tmp_path: Path, kept: int) -> None:
    """Cut short anywhere, the file is refused with a remedy."""
    path = tmp_path / "checkpoint"
    save_checkpoint(path, Checkpoint("mine", ARRAYS))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match=r"damaged.*Delete it"):
        load_checkpoint(path, "mine")


def test_a_failed_write_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk gives out half way, the old checkpoint stands and nothing else does."""
    path = tmp_path / "checkpoint"
    save_checkpoint(path, Checkpoint("old", ARRAYS))

    def full(_: int) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(path, Checkpoint("new", ARRAYS))
    assert load_checkpoint(path, "old") is not None
    assert list(tmp_path.iterdir()) == [path]
