"""What workloads of classification share: labelled examples and their cross-entropy."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int, Num

from hyperbo_datasets.collect.workloads.cross_entropy import cross_entropy

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


def mean_cross_entropy(logits: Float[Array, "N C"], labels: Int[Array, " N"]) -> Float[Array, ""]:
    """Mean surprise at the labels, in nats."""
    return cross_entropy(logits, labels).mean()


def score_all(
    model: Callable[[Num[Array, "B *shape"]], Float[Array, "B C"]], inputs: Num[Array, "N *shape"]
) -> Float[Array, "N C"]:
    """The logits of every example, some at a time."""
    count, chunk = len(inputs), min(_CHUNK, len(inputs))
    missing = -count % chunk
    padded = jnp.pad(inputs, ((0, missing), *((0, 0) for _ in inputs.shape[1:])))
    logits = lax.map(model, padded.reshape(-1, chunk, *inputs.shape[1:]))
    kept: Float[Array, "N C"] = logits.reshape(-1, logits.shape[-1])[:count]
    return kept
