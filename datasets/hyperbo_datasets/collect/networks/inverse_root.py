"""The inverse root of a mean square, by which normalisations multiply."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def inverse_root(mean_square: Float[Array, "*shape"], epsilon: float) -> Float[Array, "*shape"]:
    """One over the root of the mean square and a little more; NaN where the mean overflowed.

    Zero would be the arithmetic answer there: a network that has burst would then say nothing, have
    no gradient, and go on for ever with a finite loss, as if it had not diverged.

    Args:
        mean_square: Of the features; infinite if they are beyond the root of the largest float.
        epsilon: What is added to it.
    """
    inverse = jax.lax.rsqrt(mean_square + jnp.float32(epsilon))
    return jnp.where(jnp.isfinite(mean_square), inverse, jnp.nan)
