"""Classification of table rows."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import jax.random as jr

from hyperbo_datasets.collect.networks.mlp import MLPConfig
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.collect.workloads.base import Model
from hyperbo_datasets.collect.workloads.classification import Labelled
from hyperbo_datasets.collect.workloads.tabular import TabularClassification


def _workload() -> TabularClassification:
    features = jr.normal(jr.key(7), (400, 3), jnp.float32)
    labels = (features[:, 0] * features[:, 1] > 0).astype(jnp.int32)
    return TabularClassification(
        name=TaskName("product", "mlp", 32),
        steps=100,
        network=MLPConfig((3,), 2, hidden=(16,)),
        training=Labelled(features[:300], labels[:300]),
        validation=Labelled(features[300:], labels[300:]),
    )


def test_learns_what_no_line_separates(
    key: jax.Array, train: Callable[[TabularClassification, Model, float], Model]
) -> None:
    """A hundred steps find the sign of a product, which a linear model only guesses."""
    workload = _workload()
    model = train(workload, workload.init(key), 0.1)

    assert jax.jit(lambda: workload.error_rate(model, workload.validation))() < 0.15


def test_a_model_of_nan_is_always_wrong(key: jax.Array) -> None:
    """Logits that are NaN are an error rate of one."""
    workload = _workload()
    broken = jax.tree.map(lambda leaf: leaf * jnp.nan, workload.init(key))

    assert jax.jit(lambda: workload.error_rate(broken, workload.validation))() == 1.0
