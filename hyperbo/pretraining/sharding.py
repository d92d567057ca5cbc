"""Spreading tasks over devices, so that each computes its own tasks' likelihoods."""

from collections.abc import Sequence
from typing import TypeVar

import equinox as eqx
import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from hyperbo.tasks import TaskBatch

Tree = TypeVar("Tree")


def shard_tasks(batch: TaskBatch, devices: Sequence[jax.Device]) -> TaskBatch:
    """Lay a batch over devices, task by task.

    Where the devices do not divide the tasks, tasks without any real point are added; they change
    no objective. The loss and its gradient equal a single device's.

    Args:
        batch: Tasks to learn from.
        devices: Where to lay them, e.g. `jax.devices()`.
    """
    missing = -batch.mask.shape[0] % len(devices)
    names = batch.names + tuple(f"padding-{index}" for index in range(missing))
    by_task = NamedSharding(Mesh(np.asarray(devices), ("tasks",)), PartitionSpec("tasks"))  # type: ignore[no-untyped-call]

    def lay(leaf: np.ndarray, fill: float) -> jax.Array:
        width = [(0, missing)] + [(0, 0)] * (leaf.ndim - 1)
        return jax.device_put(np.pad(leaf, width, constant_values=fill), by_task)

    inputs = lay(np.asarray(batch.inputs), 0.5)
    values = lay(np.asarray(batch.values), 0.0)
    mask = lay(np.asarray(batch.mask), 0)
    return TaskBatch(inputs, values, mask, names)


def replicate_like(tree: Tree, pattern: object) -> Tree:
    """Copy a tree's arrays to every device that the pattern's arrays lie on.

    A compiled function returns them there; laid there from the start, it compiles once.
    """
    meshes = [
        leaf.sharding.mesh
        for leaf in jax.tree.leaves(pattern)
        if isinstance(leaf, jax.Array) and isinstance(leaf.sharding, NamedSharding)
    ]
    if not meshes:
        return tree
    arrays, rest = eqx.partition(tree, eqx.is_array)
    everywhere = NamedSharding(meshes[0], PartitionSpec())  # type: ignore[no-untyped-call]
    return eqx.combine(jax.device_put(arrays, everywhere), rest)


def gather(tree: Tree) -> Tree:
    """Copy a tree's arrays to the default device, as if they had never been elsewhere."""
    return jax.tree.map(
        lambda leaf: jax.numpy.asarray(np.asarray(leaf)) if eqx.is_array(leaf) else leaf, tree
    )
