"""Masked residues."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray

from hyperbo_datasets.collect.networks.encoder import EncoderConfig
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.collect.workloads.protein import (
    MaskedProteins,
    MaskedWindows,
    mask_residues,
)

ALPHABET = 21
ENCODER = EncoderConfig(ALPHABET + 1, 16, 1, 2, 16)


def _residues() -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    rng = np.random.default_rng(0)
    residues = rng.integers(1, ALPHABET, (400, 33), dtype=np.int32)
    return residues, np.arange(33) < rng.integers(10, 34, (400, 1))


def _windows() -> MaskedWindows:
    return mask_residues(np.random.default_rng(1), *_residues(), ALPHABET)


def _workload(windows: MaskedWindows) -> MaskedProteins:
    return MaskedProteins(TaskName("dice", "encoder", 8), 5, windows, windows, ENCODER)


def test_fifteen_in_a_hundred_are_asked_for() -> None:
    """The share of present residues is that, within four standard errors; padding never is."""
    windows = _windows()
    present = int(windows.is_present.sum())

    share = windows.is_asked.sum() / present

    assert not (windows.is_asked & ~windows.is_present).any()
    assert jnp.abs(share - 0.15) < 4.0 * (0.15 * 0.85 / present) ** 0.5


def test_most_of_them_are_hidden() -> None:
    """Of those asked for eight in ten show the token for hidden ones, within four errors."""
    windows = _windows()
    asked = int(windows.is_asked.sum())

    hidden = (windows.shown == ALPHABET).sum() / asked

    assert jnp.abs(hidden - 0.8) < 4.0 * (0.8 * 0.2 / asked) ** 0.5


def test_all_others_are_shown() -> None:
    """Where nothing is asked, the residue itself is read."""
    windows = _windows()

    assert ((windows.shown == windows.residues) | windows.is_asked).all()


def test_only_what_is_asked_for_counts(key: jax.Array) -> None:
    """Other answers elsewhere, and whatever stands in padding, leave loss and error as they are."""
    windows = _windows()
    workload = _workload(windows)
    model = eqx.filter_jit(workload.init)(key)
    elsewhere = MaskedWindows(
        jnp.where(windows.is_present, windows.shown, 3),
        jnp.where(windows.is_asked, windows.residues, 5),
        windows.is_asked,
        windows.is_present,
    )

    assert eqx.filter_jit(workload.loss)(model, elsewhere) == pytest.approx(
        float(eqx.filter_jit(workload.loss)(model, windows))
    )
    assert eqx.filter_jit(workload.error_rate)(model, elsewhere) == eqx.filter_jit(
        workload.error_rate
    )(model, windows)


def test_equals_the_answers_picked_out(key: jax.Array) -> None:
    """Loss and error are plain means over the logits at the places asked for."""
    windows = _windows()
    workload = _workload(windows)
    model = eqx.filter_jit(workload.init)(key)
    places = np.asarray(windows.is_asked)
    logits = np.asarray(jax.jit(jax.vmap(model))(windows.shown, windows.is_present))[places]
    answers = np.asarray(windows.residues)[places]

    likelihoods = np.asarray(jax.nn.log_softmax(logits))[np.arange(len(answers)), answers]

    assert eqx.filter_jit(workload.loss)(model, windows) == pytest.approx(
        -likelihoods.mean(), rel=1e-4
    )
    assert eqx.filter_jit(workload.error_rate)(model, windows) == pytest.approx(
        np.mean(logits.argmax(axis=1) != answers), rel=1e-5
    )


def test_a_model_that_says_nan_is_wrong(key: jax.Array) -> None:
    """Its error rate is one, not NaN."""
    workload = _workload(_windows())
    broken = jax.tree.map(lambda leaf: leaf * jnp.nan, eqx.filter_jit(workload.init)(key))

    assert eqx.filter_jit(workload.error_rate)(broken, workload.validation) == 1.0


def test_a_batch_that_asks_for_nothing_costs_nothing(key: jax.Array) -> None:
    """Its loss is zero and its slope finite, so that no run ends in NaN for it."""
    windows = mask_residues(np.random.default_rng(1), *_residues(), ALPHABET, share=0.0)
    workload = _workload(windows)

    loss, slope = jax.jit(jax.value_and_grad(workload.loss))(
        eqx.filter_jit(workload.init)(key), windows
    )

    assert loss == 0.0
    assert all((leaf == 0.0).all() for leaf in jax.tree.leaves(slope))
