"""Language modelling: say the next token of a text, at every token."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from hyperbo_datasets.collect.networks.architecture import DecoderConfig
from hyperbo_datasets.collect.networks.decoder import Decoder
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.collect.workloads.base import Workload, wrong_share
from hyperbo_datasets.collect.workloads.cross_entropy import cross_entropy
from hyperbo_datasets.collect.workloads.scoring import in_parts, windows_at_once


class LanguageModelling(Workload):
    """A decoder learns to say each next token of a window of text.

    Attributes:
        name: The task's name.
        steps: Training steps of a run.
        training: Windows of T + 1 tokens, all below the vocabulary: the first T are read, and the
            last T are foretold.
        validation: Windows alike, of text that is not in the training windows.
        architecture: The decoder's sizes.
    """

    name: TaskName = eqx.field(static=True)
    steps: int = eqx.field(static=True)
    training: Int[Array, "N W"]
    validation: Int[Array, "E W"]
    architecture: DecoderConfig = eqx.field(static=True)

    def init(self, key: PRNGKeyArray) -> Decoder:
        """A fresh decoder."""
        return self.architecture.init(key)

    def loss(self, model: Decoder, batch: Int[Array, "B W"]) -> Float[Array, ""]:
        """Mean cross-entropy of the next token, in nats."""
        logits = jax.vmap(model)(batch[:, :-1])
        return jnp.mean(cross_entropy(logits, batch[:, 1:]))

    def error_rate(self, model: Decoder, examples: Int[Array, "E W"]) -> Float[Array, ""]:
        """Share of next tokens that are not the likeliest by the model."""
        read, foretold = examples[:, :-1], examples[:, 1:]
        logits = in_parts(jax.vmap(model), read, windows_at_once(read.shape[1]))
        return wrong_share(logits, foretold)
