"""Methods that learn from the training tasks: what each is pre-trained by."""

from dataclasses import replace

import equinox as eqx
import jax.random as jr
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from hyperbo.benchmark.trained_methods import (
    PretrainedRecipe,
    divergence_recipe,
    hyperbo_recipe,
)
from hyperbo.errors import TaskError
from hyperbo.pretraining import (
    Adam,
    divergence_at_points,
    pretrain_from_key,
    standardise,
)
from hyperbo.surrogates.presets import hyperbo_prior
from hyperbo.tasks import Task

STEPS = 2
SHARED = np.random.default_rng(0).random((8, 2))
TRAINING = [
    Task(name, SHARED, -np.square(SHARED - top).sum(axis=1))
    for name, top in (("a", 0.3), ("b", 0.5), ("c", 0.45))
]


def parameters(model: object) -> np.ndarray:
    """All learned numbers of a model."""
    flat, _ = ravel_pytree(eqx.filter(model, eqx.is_inexact_array))
    return np.asarray(flat)


def short(recipe: PretrainedRecipe) -> PretrainedRecipe:
    """The same with a few steps."""
    return replace(recipe, steps=STEPS)


def test_ekl_is_trained_by_the_divergence() -> None:
    """Its prior is the default's, from the same key, but trained at the shared points."""
    expected = pretrain_from_key(
        jr.key(1),
        hyperbo_prior,
        standardise(TRAINING),
        objective=divergence_at_points,
        method=Adam(STEPS),
    )

    found = short(divergence_recipe()).pretrain(1, TRAINING)

    np.testing.assert_array_equal(parameters(found), parameters(expected))


def test_ekl_is_another_method() -> None:
    """It is told from the default by name and by what it minimises, and by nothing else."""
    ekl, default = divergence_recipe(), hyperbo_recipe()

    assert ekl.name == "HyperBO, EKL"
    assert replace(ekl, name=default.name, objective=default.objective) == default
    assert ekl.objective is not default.objective


def test_ekl_starts_on_a_pool() -> None:
    """Prepared, it tries rows of a pool, each once, and the same ones in another run."""
    method, pool = short(divergence_recipe()).prepare(0, TRAINING), SHARED + 0.01
    courses = []
    for _ in range(2):
        tuner, rows = method.start_on_pool(0, pool), np.zeros(0, dtype=int)
        for _ in range(2):
            rows = np.append(rows, tuner.suggest(rows, -pool[rows, 0]))
        courses.append(rows.tolist())

    assert courses[0] == courses[1]
    assert len(set(courses[0])) == 2


def test_ekl_needs_shared_points() -> None:
    """Where the training tasks share no configuration, the likelihood is named as the way out."""
    strangers = [
        Task(task.name, SHARED + 0.001 * number, task.values)
        for number, task in enumerate(TRAINING)
    ]

    with pytest.raises(TaskError, match=r"share no point.*Train with the likelihood"):
        divergence_recipe().prepare(0, strangers)
