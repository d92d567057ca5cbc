"""Knowledge distillation: a decoder learns from what a larger one says, not from the text alone."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Float16, Int, PRNGKeyArray

from hyperbo_datasets.collect.networks.architecture import DecoderConfig
from hyperbo_datasets.collect.networks.decoder import Decoder
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.collect.workloads.base import Workload, wrong_share
from hyperbo_datasets.collect.workloads.cross_entropy import soft_cross_entropy
from hyperbo_datasets.collect.workloads.scoring import in_parts, windows_at_once


class TaughtWindows(eqx.Module):
    """Windows of text, and how likely a teacher finds each token at each place.

    Attributes:
        tokens: The first T tokens of a window are read; the last T are foretold.
        probabilities: Of the token after each of the first T, by the teacher, at its temperature.
    """

    tokens: Int[Array, "N W"]
    probabilities: Float16[Array, "N T V"]


class Distillation(Workload):
    r"""The same student as in language modelling, taught by a distribution.

    Its loss is the mean of $-\sum_x P_T(x \mid c) \log P_S(x \mid c)$ over the places of a window;
    it is scored, as its twin `LanguageModelling` is, by the tokens that really come next, so that
    the two may be compared.

    Attributes:
        name: The task's name.
        steps: Training steps of a run.
        training: What is learned from.
        validation: Windows without a teacher, of text that is not in the training windows.
        architecture: The student's sizes.

    References:
        Hinton et al. (2015), arXiv:1503.02531; Gemma Team (2024), arXiv:2408.00118.
    """

    name: TaskName = eqx.field(static=True)
    steps: int = eqx.field(static=True)
    training: TaughtWindows
    validation: Int[Array, "E W"]
    architecture: DecoderConfig = eqx.field(static=True)

    def init(self, key: PRNGKeyArray) -> Decoder:
        """A fresh student."""
        return self.architecture.init(key)

    def loss(self, model: Decoder, batch: TaughtWindows) -> Float[Array, ""]:
        """Mean cross-entropy against the teacher, in nats."""
        logits = jax.vmap(model)(batch.tokens[:, :-1])
        rounded = batch.probabilities.astype(jnp.float32)
        targets = rounded / rounded.sum(axis=-1, keepdims=True)
        return jnp.mean(soft_cross_entropy(logits, targets))

    def error_rate(self, model: Decoder, examples: Int[Array, "E W"]) -> Float[Array, ""]:
        """Share of next tokens that are not the likeliest by the student."""
        read, foretold = examples[:, :-1], examples[:, 1:]
        logits = in_parts(jax.vmap(model), read, windows_at_once(read.shape[1]))
        return wrong_share(logits, foretold)
