"""What tests of workloads share."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from hyperbo_datasets.collect.workloads.base import Model, Workload

Train = Callable[[Workload, Model, float], Model]


@pytest.fixture
def train() -> Train:
    """Trains a model for all of a workload's steps by Nesterov's momentum, at one rate."""

    def train(workload: Workload, model: Model, rate: float) -> Model:
        rows = jnp.asarray(workload.batches(np.random.default_rng(0)))
        return _train(workload, model, rate, rows)

    return train


@eqx.filter_jit
def _train(workload: Workload, model: Model, rate: float, rows: jax.Array) -> Model:
    optimizer = optax.sgd(rate, momentum=0.9, nesterov=True)

    def step(
        state: tuple[Model, optax.OptState], row: jax.Array
    ) -> tuple[tuple[Model, optax.OptState], None]:
        model, memory = state
        batch = jax.tree.map(lambda each: each[row], workload.training)
        updates, memory = optimizer.update(jax.grad(workload.loss)(model, batch), memory)
        return (optax.apply_updates(model, updates), memory), None

    (model, _), _ = jax.lax.scan(step, (model, optimizer.init(model)), rows)
    return model
