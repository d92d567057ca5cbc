"""Language modelling."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from hyperbo_datasets.collect.networks.architecture import DecoderConfig
from hyperbo_datasets.collect.networks.gemma import GemmaConfig
from hyperbo_datasets.collect.networks.gemma2 import Gemma2Config
from hyperbo_datasets.collect.networks.griffin import GriffinConfig
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.collect.workloads.text import LanguageModelling
from tests.datasets.collect.workloads.conftest import Train

VOCABULARY = 7
GEMMA = GemmaConfig(VOCABULARY, 16, 1, 2, 1, 8, 16)
GEMMA2 = Gemma2Config(VOCABULARY, 16, 2, 2, 1, 8, 16, 4, 8)
GRIFFIN = GriffinConfig(VOCABULARY, 16, 3, 2, 16, 16, 4)


def _workload(architecture: DecoderConfig) -> LanguageModelling:
    """Windows of a periodic text: after each token comes the one three further."""
    starts = np.arange(40)[:, None]
    windows = jnp.asarray((starts + 3 * np.arange(13)) % VOCABULARY, jnp.int32)
    name = TaskName("cycle", "small", 8)
    return LanguageModelling(name, 60, windows[:30], windows[30:], architecture)


def test_a_blind_model_pays_the_log_of_the_vocabulary(key: jax.Array) -> None:
    """Where the table is zero all tokens are equally likely."""
    workload = _workload(GEMMA)
    model = eqx.filter_jit(workload.init)(key)
    blind = eqx.tree_at(lambda model: model.embedding.table, model, replace_fn=jnp.zeros_like)

    assert eqx.filter_jit(workload.loss)(blind, workload.training) == pytest.approx(
        np.log(VOCABULARY), rel=1e-5
    )


def test_scores_the_token_after_each_token(key: jax.Array) -> None:
    """The loss and the error are those of the last T tokens, given the logits of the first T."""
    workload = _workload(GEMMA)
    model = eqx.filter_jit(workload.init)(key)
    logits = jax.jit(jax.vmap(model))(workload.validation[:, :-1])
    labels = workload.validation[:, 1:]

    likelihoods = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[..., None], axis=-1)
    wrong = jnp.mean(logits.argmax(axis=-1) != labels)

    loss, error = (
        eqx.filter_jit(workload.loss)(model, workload.validation),
        eqx.filter_jit(workload.error_rate)(model, workload.validation),
    )
    assert loss == pytest.approx(float(-likelihoods.mean()), rel=1e-5)
    assert error == pytest.approx(float(wrong), rel=1e-5)


def test_a_model_that_says_nan_is_wrong(key: jax.Array) -> None:
    """Its error rate is one, not NaN."""
    workload = _workload(GEMMA)
    broken = jax.tree.map(lambda leaf: leaf * jnp.nan, eqx.filter_jit(workload.init)(key))

    assert eqx.filter_jit(workload.error_rate)(broken, workload.validation) == 1.0


@pytest.mark.parametrize(
    "architecture", [GEMMA, GEMMA2, GRIFFIN], ids=lambda each: type(each).__name__
)
def test_learns_a_periodic_text(key: jax.Array, train: Train, architecture: DecoderConfig) -> None:
    """Sixty steps of Nesterov momentum tell every next token of a text that repeats itself."""
    workload = _workload(architecture)
    model = eqx.filter_jit(workload.init)(key)

    trained = train(workload, model, 0.1)

    assert eqx.filter_jit(workload.error_rate)(trained, workload.validation) == 0.0


def test_mapped_over_models_is_one_by_one(key: jax.Array) -> None:
    """Losses and slopes of a stack of models are those of each by itself."""
    workload = _workload(GRIFFIN)
    stack = jax.jit(jax.vmap(workload.init))(jr.split(key, 3))
    batch = workload.training[:4]

    slope = jax.value_and_grad(workload.loss)
    losses, gradients = jax.jit(jax.vmap(slope, in_axes=(0, None)))(stack, batch)
    alone = jax.jit(slope)
    for place in range(3):
        model = jax.tree.map(lambda leaf, place=place: leaf[place], stack)
        loss, gradient = alone(model, batch)
        same = jax.tree.map(lambda leaf, place=place: leaf[place], gradients)
        assert losses[place] == pytest.approx(float(loss), rel=1e-5)
        for pair in zip(jax.tree.leaves(same), jax.tree.leaves(gradient), strict=True):
            assert jnp.allclose(*pair, atol=1e-5)
