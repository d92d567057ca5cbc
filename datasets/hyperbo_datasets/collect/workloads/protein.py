"""Masked residues: tell hidden amino acids of a protein from those on both sides."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from hyperbo_datasets.collect.networks.encoder import Encoder, EncoderConfig
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.collect.workloads.base import Workload
from hyperbo_datasets.collect.workloads.cross_entropy import cross_entropy
from hyperbo_datasets.collect.workloads.scoring import in_parts, windows_at_once

_HIDDEN, _SWAPPED = 0.8, 0.1
"""Of the places that are asked for; the rest of them show their residue."""


class MaskedWindows(eqx.Module):
    """Windows of residues, some of them hidden.

    Attributes:
        shown: What a model reads: at most places the residue, at those that are asked for mostly
            the token for hidden ones.
        residues: What is really there.
        is_asked: Where the model is trained and scored.
        is_present: False for padding after a sequence's end.
    """

    shown: Int[Array, "N T"]
    residues: Int[Array, "N T"]
    is_asked: Bool[Array, "N T"]
    is_present: Bool[Array, "N T"]


class MaskedProteins(Workload):
    """A transformer that sees both sides learns to tell hidden residues.

    Which places are asked for is part of the examples: a run is then a function of its seed alone,
    and all runs are scored on the same places.

    Attributes:
        name: The task's name.
        steps: Training steps of a run.
        training: What is learned from.
        validation: Windows alike, of other proteins.
        architecture: The encoder's sizes; its vocabulary has the token for hidden residues.

    References:
        Devlin et al. (2019), arXiv:1810.04805; Rives et al. (2021), doi:10.1073/pnas.2016239118.
    """

    name: TaskName = eqx.field(static=True)
    steps: int = eqx.field(static=True)
    training: MaskedWindows
    validation: MaskedWindows
    architecture: EncoderConfig = eqx.field(static=True)

    def init(self, key: PRNGKeyArray) -> Encoder:
        """A fresh encoder."""
        return self.architecture.init(key)

    def loss(self, model: Encoder, batch: MaskedWindows) -> Float[Array, ""]:
        """Mean cross-entropy of the residues that are asked for, in nats."""
        logits = jax.vmap(model)(batch.shown, batch.is_present)
        return _mean_where_asked(cross_entropy(logits, batch.residues), batch)

    def error_rate(self, model: Encoder, examples: MaskedWindows) -> Float[Array, ""]:
        """Share of the residues that are asked for and are not the likeliest by the model."""
        logits = in_parts(
            lambda windows: jax.vmap(model)(*windows),
            (examples.shown, examples.is_present),
            windows_at_once(examples.shown.shape[1]),
        )
        likeliest = jnp.argmax(logits, axis=-1).astype(jnp.int32)
        is_right = jnp.isfinite(logits).all(axis=-1) & (likeliest == examples.residues)
        return _mean_where_asked((~is_right).astype(jnp.float32), examples)


def mask_residues(
    rng: np.random.Generator,
    residues: Int[np.ndarray, "N T"],
    is_present: Bool[np.ndarray, "N T"],
    alphabet: int,
    share: float = 0.15,
) -> MaskedWindows:
    """Windows of which a share of residues is asked for, drawn at random.

    Of those, eight in ten are hidden, one in ten is swapped for a residue drawn at random, and one
    in ten is shown; so that a model cannot trust what it is shown.

    Args:
        rng: Where the draws come from.
        residues: Tokens below `alphabet`.
        is_present: False for padding, which is never asked for.
        alphabet: Residues there are; the token for hidden ones is this number.
        share: Of the residues that are present, on average.
    """
    is_asked = is_present & (rng.random(residues.shape) < share)
    fate = rng.random(residues.shape)
    swapped = rng.integers(0, alphabet, residues.shape)
    changed = np.where(fate < _HIDDEN, alphabet, swapped)
    shown = np.where(is_asked & (fate < _HIDDEN + _SWAPPED), changed, residues)
    return MaskedWindows(
        jnp.asarray(shown, jnp.int32),
        jnp.asarray(residues, jnp.int32),
        jnp.asarray(is_asked),
        jnp.asarray(is_present),
    )


def _mean_where_asked(values: Float[Array, "B T"], windows: MaskedWindows) -> Float[Array, ""]:
    """The mean over the places that are asked for; zero if there are none."""
    asked = windows.is_asked.astype(jnp.float32)
    # A product would spread the NaN of a place that is not asked for.
    total = jnp.sum(jnp.where(windows.is_asked, values, 0.0))
    return total / jnp.maximum(asked.sum(), 1.0)
