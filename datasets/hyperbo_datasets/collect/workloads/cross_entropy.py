"""Cross-entropy of logits, against hard labels and against a distribution."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def cross_entropy(
    logits: Float[Array, "*shape C"], labels: Int[Array, "*shape"]
) -> Float[Array, "*shape"]:
    """Surprise at each label, in nats.

    Against one-hot rows, whose gradient is a product; that of a look-up is a scatter, which is
    slow on a processor.
    """
    targets = jax.nn.one_hot(labels, logits.shape[-1], dtype=logits.dtype)
    return soft_cross_entropy(logits, targets)


def soft_cross_entropy(
    logits: Float[Array, "*shape C"], targets: Float[Array, "*shape C"]
) -> Float[Array, "*shape"]:
    """Mean surprise at a draw from each row of `targets`, which sum to one, in nats."""
    return jax.nn.logsumexp(logits, axis=-1) - jnp.sum(targets * logits, axis=-1)
