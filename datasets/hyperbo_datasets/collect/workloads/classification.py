"""What workloads of classification share: labelled examples and their cross-entropy."""

from collections.abc import Callable

import equinox as eqx
import jax
import optax
from jax import lax
from jaxtyping import Array, Float, Int, Num

_CHUNK = 128
"""Examples that are scored at once: bounds the memory of many models over a large set."""


class Labelled(eqx.Module):
    """Examples with a class each.

    Attributes:
        inputs: What is classified, one row an example.
        labels: The class of each, from 0.
    """

    inputs: Num[Array, "N *shape"]
    labels: Int[Array, " N"]


def cross_entropy(logits: Float[Array, "N C"], labels: Int[Array, " N"]) -> Float[Array, ""]:
    """Mean negative log likelihood of the labels, in nats."""
    wanted = jax.nn.one_hot(labels, logits.shape[-1], dtype=logits.dtype)
    loss: Float[Array, ""] = optax.softmax_cross_entropy(logits, wanted).mean()
    return loss


def score_all(
    model: Callable[[Array], Float[Array, " C"]], inputs: Num[Array, "N *shape"]
) -> Float[Array, "N C"]:
    """The logits of every example, some at a time."""
    logits: Float[Array, "N C"] = lax.map(model, inputs, batch_size=min(_CHUNK, inputs.shape[0]))
    return logits
