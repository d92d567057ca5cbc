"""Knowledge distillation."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import pytest

from hyperbo_datasets.collect.networks.gemma import GemmaConfig
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.collect.workloads.distillation import Distillation, TaughtWindows
from hyperbo_datasets.collect.workloads.text import LanguageModelling

STUDENT = GemmaConfig(7, 16, 1, 2, 1, 8, 16)


def _twins(windows: jax.Array, probabilities: jax.Array) -> tuple[LanguageModelling, Distillation]:
    taught = TaughtWindows(windows, probabilities.astype(jnp.float16))
    return (
        LanguageModelling(TaskName("dice", "small", 4), 5, windows, windows, STUDENT),
        Distillation(TaskName("dice", "small-distilled", 4), 5, taught, windows, STUDENT),
    )


def _windows(key: jax.Array) -> jax.Array:
    return jr.randint(key, (6, 9), 0, 7, jnp.int32)


def test_a_certain_teacher_is_the_text_itself(key: jax.Array) -> None:
    """Where the teacher puts all on the real token, loss and slope are cross-entropy's."""
    key_windows, key_model = jr.split(key)
    windows = _windows(key_windows)
    plain, distilled = _twins(windows, jax.nn.one_hot(windows[:, 1:], 7))
    model = eqx.filter_jit(plain.init)(key_model)

    loss, slope = jax.jit(jax.value_and_grad(plain.loss))(model, plain.training)
    taught_loss, taught_slope = jax.jit(jax.value_and_grad(distilled.loss))(
        model, distilled.training
    )

    assert taught_loss == pytest.approx(float(loss), rel=1e-6)
    for pair in zip(jax.tree.leaves(slope), jax.tree.leaves(taught_slope), strict=True):
        assert jnp.allclose(*pair, atol=1e-6)


def test_a_student_that_says_what_its_teacher_says_has_no_slope(key: jax.Array) -> None:
    """The loss is least, the teacher's entropy, where both say the same."""
    key_windows, key_model = jr.split(key)
    windows = _windows(key_windows)
    model = jax.jit(STUDENT.init)(key_model)
    said = jax.nn.softmax(jax.jit(jax.vmap(model))(windows[:, :-1]))
    distilled = _twins(windows, said)[1]

    loss, slope = jax.jit(jax.value_and_grad(distilled.loss))(model, distilled.training)

    entropy = -jnp.mean(jnp.sum(said * jnp.log(said), axis=-1))
    assert loss == pytest.approx(float(entropy), rel=1e-3)
    assert max(jnp.abs(leaf).max() for leaf in jax.tree.leaves(slope)) < 2e-3


def test_is_scored_as_its_twin_is(key: jax.Array) -> None:
    """Same student, same hard labels, same error rate, whatever the teacher says."""
    key_windows, key_model = jr.split(key)
    windows = _windows(key_windows)
    plain, distilled = _twins(windows, jnp.full((6, 8, 7), 1.0 / 7.0))
    model = eqx.filter_jit(plain.init)(key_model)

    errors = [eqx.filter_jit(each.error_rate)(model, windows) for each in (plain, distilled)]

    assert errors[0] == errors[1]
