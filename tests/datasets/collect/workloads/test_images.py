"""Image classification."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import pytest

from hyperbo_datasets.collect.networks.classifier import ClassifierConfig
from hyperbo_datasets.collect.networks.max_pooling_cnn import MaxPoolingCNNConfig
from hyperbo_datasets.collect.networks.mlp import MLPConfig
from hyperbo_datasets.collect.networks.simple_cnn import SimpleCNNConfig
from hyperbo_datasets.collect.networks.wide_resnet import WideResNetConfig
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.collect.workloads.base import Model
from hyperbo_datasets.collect.workloads.classification import Labelled
from hyperbo_datasets.collect.workloads.images import ImageClassification

SHAPE = (8, 8, 1)
MLP = MLPConfig.small(SHAPE, 4)
CONFIGS = [
    MLP,
    SimpleCNNConfig.small(SHAPE, 4),
    MaxPoolingCNNConfig.small(SHAPE, 4),
    WideResNetConfig.small(SHAPE, 4),
]


def _quadrants(key: jax.Array, count: int) -> Labelled:
    """Images of noise, brighter in the quadrant that their label names."""
    key_labels, key_noise = jr.split(key)
    labels = jr.randint(key_labels, (count,), 0, 4, jnp.int32)
    rows, columns = jnp.divmod(jnp.arange(4, dtype=jnp.int32), 2)
    is_in_half = jnp.arange(8, dtype=jnp.int32) // 4 == jnp.arange(2, dtype=jnp.int32)[:, None]
    bright = is_in_half[rows, :, None] & is_in_half[columns, None, :]
    noise = 0.5 * jr.normal(key_noise, (count, 8, 8), jnp.float32)
    return Labelled((bright[labels] + noise)[..., None], labels)


def _workload(network: ClassifierConfig) -> ImageClassification:
    key_training, key_validation = jr.split(jr.key(7))
    return ImageClassification(
        name=TaskName("quadrants", "any", 16),
        steps=40,
        network=network,
        training=_quadrants(key_training, 200),
        validation=_quadrants(key_validation, 150),
    )


@eqx.filter_jit
def _loss(workload: ImageClassification, model: Model, examples: Labelled) -> jax.Array:
    return workload.loss(model, examples)


@eqx.filter_jit
def _error_rate(workload: ImageClassification, model: Model, examples: Labelled) -> jax.Array:
    return workload.error_rate(model, examples)


@pytest.mark.parametrize("network", CONFIGS, ids=lambda each: type(each).__name__)
def test_learns(
    key: jax.Array,
    train: Callable[[ImageClassification, Model, float], Model],
    network: ClassifierConfig,
) -> None:
    """Forty steps bring loss and error rate well below those of a guess among four classes."""
    workload = _workload(network)
    model = train(workload, workload.init(key), 0.03)

    assert _loss(workload, model, workload.training) < 0.5
    assert _error_rate(workload, model, workload.validation) < 0.2


def test_too_large_a_rate_diverges(
    key: jax.Array, train: Callable[[ImageClassification, Model, float], Model]
) -> None:
    """At a rate of a million all logits end as NaN or all the same: nothing is learned."""
    workload = _workload(MLP)
    model = train(workload, workload.init(key), 1e6)

    assert _error_rate(workload, model, workload.validation) > 0.6


def test_a_model_of_nan_is_always_wrong(key: jax.Array) -> None:
    """Logits that are NaN are an error rate of one."""
    workload = _workload(MLP)
    broken = jax.tree.map(lambda leaf: leaf * jnp.nan, workload.init(key))

    assert _error_rate(workload, broken, workload.validation) == 1.0


def test_gradient_is_finite_at_extreme_logits(key: jax.Array) -> None:
    """Logits of a million overflow nothing."""
    workload = _workload(MLP)
    extreme = jax.tree.map(lambda leaf: 1e3 * leaf, workload.init(key))
    gradient = jax.jit(jax.grad(lambda model: workload.loss(model, workload.training)))(extreme)

    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))


def test_bytes_are_scaled(key: jax.Array) -> None:
    """Images as bytes give the loss and the error rate of the same ones between 0 and 1."""
    numbers = jr.randint(key, (30, *SHAPE), 0, 256, jnp.int32)
    labels = jr.randint(key, (30,), 0, 4, jnp.int32)
    as_bytes = Labelled(numbers.astype(jnp.uint8), labels)
    scaled = Labelled(numbers.astype(jnp.float32) / jnp.float32(255), labels)
    workload = _workload(MLP)
    model = workload.init(key)

    assert jnp.isclose(_loss(workload, model, as_bytes), _loss(workload, model, scaled))
    assert _error_rate(workload, model, as_bytes) == _error_rate(workload, model, scaled)


def test_compiles_once(key: jax.Array) -> None:
    """A program compiled for a workload serves another whose data have the same shapes."""
    workload = _workload(MLP)
    other = eqx.tree_at(lambda each: each.training.inputs, workload, workload.training.inputs + 1.0)
    model = workload.init(key)
    traced: list[TaskName] = []

    @eqx.filter_jit
    def loss(workload: ImageClassification, model: Model) -> jax.Array:
        traced.append(workload.name)
        return workload.loss(model, workload.training)

    assert loss(workload, model) != loss(other, model)
    assert len(traced) == 1
