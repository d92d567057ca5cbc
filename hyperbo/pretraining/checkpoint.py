"""Checkpoints of a training run: one safetensors file, replaced whole or not at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors
from safetensors.numpy import save

from hyperbo.errors import CheckpointError
from hyperbo.files import write_atomically


@dataclass(frozen=True)
class Checkpoint:
    """A run's state, as named arrays, and the fingerprint of the run that it belongs to.

    Attributes:
        fingerprint: Digest of everything that decides the run's course.
        arrays: The state.
    """

    fingerprint: str
    arrays: Mapping[str, np.ndarray]


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; whoever reads the path finds the old one or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = save(dict(checkpoint.arrays), metadata={"fingerprint": checkpoint.fingerprint})
    write_atomically(path, lambda unfinished: unfinished.write_bytes(content))


def load_checkpoint(path: Path, fingerprint: str) -> Checkpoint | None:
    """The checkpoint at `path`, or None where there is none yet.

    Args:
        path: Where it was written.
        fingerprint: Digest of the run that wants to go on from it.

    Raises:
        CheckpointError: If the file is damaged, or belongs to another run.
    """
    if not path.exists():
        return None
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            found = (file.metadata() or {}).get("fingerprint", "")
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except safetensors.SafetensorError as error:
        raise CheckpointError(
            f"The checkpoint {path} is damaged ({error}). Delete it to train from the start."
        ) from error
    if found != fingerprint:
        raise CheckpointError(
            f"The checkpoint {path} belongs to a run with another prior, data, key or settings. "
            "Give this run another path, or delete the checkpoint to train from the start."
        )
    return Checkpoint(found, arrays)
