"""A smooth bound on logits."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def soft_cap(logits: Float[Array, "*shape"], cap: float | None) -> Float[Array, "*shape"]:
    """Squeeze logits into the open interval from `-cap` to `cap`; None leaves them as they are.

    The identity near zero; the order of logits never changes.

    Example:
        >>> round(float(soft_cap(jnp.asarray(1000.0), 30.0)), 3)
        30.0
    """
    return logits if cap is None else cap * jnp.tanh(logits / cap)
