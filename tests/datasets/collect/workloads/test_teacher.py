"""The teacher of a distillation."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from hyperbo_datasets.collect.networks.gemma import GemmaConfig
from hyperbo_datasets.collect.workloads.cross_entropy import cross_entropy
from hyperbo_datasets.collect.workloads.teacher import Schooling, teach, train_teacher

SCHOOLING = Schooling(GemmaConfig(7, 16, 1, 2, 1, 8, 16), 30, 8, 1e-2)


def _windows() -> jax.Array:
    return jnp.asarray((np.arange(40)[:, None] + 3 * np.arange(13)) % 7, jnp.int32)


def test_is_a_function_of_its_arguments(key: jax.Array) -> None:
    """Trained again from the same key it is the same to the last bit; from another it is not."""
    first, again = (train_teacher(key, SCHOOLING, _windows()) for _ in range(2))
    other = train_teacher(jr.fold_in(key, 1), SCHOOLING, _windows())

    assert (first.embedding.table == again.embedding.table).all()
    assert not (first.embedding.table == other.embedding.table).all()


def test_has_learned(key: jax.Array) -> None:
    """Its loss on what it was taught is a fraction of a fresh model's."""
    windows = _windows()
    teacher, fresh = (
        train_teacher(key, SCHOOLING, windows),
        jax.jit(SCHOOLING.architecture.init)(key),
    )

    losses = [
        jnp.mean(cross_entropy(jax.jit(jax.vmap(model))(windows[:, :-1]), windows[:, 1:]))
        for model in (teacher, fresh)
    ]

    assert losses[0] < 0.5 * losses[1]


def test_says_probabilities(key: jax.Array) -> None:
    """They sum to one within the rounding of half precision, and heat spreads them evenly."""
    teacher, windows = jax.jit(SCHOOLING.architecture.init)(key), _windows()

    warm, hot = teach(teacher, windows), teach(teacher, windows, temperature=1e4)

    assert warm.probabilities.dtype == jnp.float16
    assert jnp.allclose(warm.probabilities.astype(jnp.float32).sum(axis=-1), 1.0, atol=3e-3)
    assert jnp.allclose(hot.probabilities.astype(jnp.float32), 1.0 / 7.0, atol=1e-3)
    expected = jax.nn.softmax(jax.jit(jax.vmap(teacher))(windows[:, :-1]))
    assert jnp.allclose(warm.probabilities.astype(jnp.float32), expected, atol=1e-3)


def test_blocks_change_nothing(key: jax.Array) -> None:
    """More windows than are read at once are marked as one by one."""
    teacher = jax.jit(SCHOOLING.architecture.init)(key)
    windows = jnp.tile(_windows(), (7, 1))

    probabilities = teach(teacher, windows).probabilities

    assert (probabilities[-40:] == probabilities[:40]).all()
