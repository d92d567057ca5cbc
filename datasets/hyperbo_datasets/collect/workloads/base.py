"""The contract of a workload: a model, the data it learns, and how a run of it is scored."""

import abc
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from hyperbo_datasets.collect.task_names import TaskName

Model: TypeAlias = Any
"""A network with its parameters: an Equinox module."""

Examples: TypeAlias = Any
"""Arrays whose first axis counts examples: what a batch is taken from."""


class Workload(eqx.Module):
    """One training task: everything but the optimiser and its hyperparameters.

    A workload is a value: its data are arrays, so that a compiled program takes them as arguments,
    and all else is static. Models hold float32 parameters and return float32, whatever the
    process's default is: pass `dtype=jnp.float32` wherever an array is made.

    All methods but `batches` are traced, and mapped over many models at once.

    Attributes:
        name: The task's name.
        steps: Training steps of a run.
        training: The examples that are learned from.
        validation: The examples that a run is scored by; all of them, at each evaluation.
    """

    name: eqx.AbstractVar[TaskName]
    steps: eqx.AbstractVar[int]
    training: eqx.AbstractVar[Examples]
    validation: eqx.AbstractVar[Examples]

    @abc.abstractmethod
    def init(self, key: PRNGKeyArray) -> Model:
        """A freshly initialised model."""

    @abc.abstractmethod
    def loss(self, model: Model, batch: Examples) -> Float[Array, ""]:
        """Mean training loss of a batch, in nats where it is a likelihood; smaller is better."""

    @abc.abstractmethod
    def error_rate(self, model: Model, examples: Examples) -> Float[Array, ""]:
        """What a run is scored by, between 0 (perfect) and 1; smaller is better.

        For classification, the share of wrong predictions, against the hard labels whatever the
        loss was; a model that says NaN is wrong.
        """

    def batches(self, rng: np.random.Generator) -> Int[np.ndarray, "S B"]:
        """Rows of the training examples that each step learns from.

        Each epoch goes through all examples once, in a new order; a batch may span two epochs.
        """
        count = _count(self.training)
        wanted = self.steps * self.name.batch_size
        epochs = [rng.permutation(count) for _ in range(-(-wanted // count))]
        rows = np.concatenate(epochs)[:wanted].astype(np.int32)
        return rows.reshape(self.steps, self.name.batch_size)


def wrong_share(logits: Float[Array, "*shape C"], labels: Int[Array, "*shape"]) -> Float[Array, ""]:
    """Share of predictions whose largest logit is not the label's; one with NaN is wrong."""
    is_finite = jnp.isfinite(logits).all(axis=-1)
    is_wrong = ~is_finite | (jnp.argmax(logits, axis=-1).astype(labels.dtype) != labels)
    # A mean is a product with a rounded reciprocal: it may exceed one, but never falls below zero.
    return jnp.minimum(is_wrong.mean(dtype=jnp.float32), 1.0)


def _count(examples: Examples) -> int:
    return int(jax.tree.leaves(examples)[0].shape[0])
