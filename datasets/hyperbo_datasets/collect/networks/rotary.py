"""Rotary position embedding: queries and keys turned by angles that grow with their position."""

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


@dataclass(frozen=True)
class Rotary:
    """Turns pairs of features; a score of two turned vectors depends on their distance only.

    The pairs are a feature of the first half and its mate in the second half, as in Gemma.
    Equinox's own embedding numbers positions from zero and turns all features; this one takes any
    positions, which decoding needs, and may leave features alone, which Griffin does.

    Attributes:
        width: Features that are turned, an even number; those after them pass unchanged.
        longest: The longest wavelength is 2 pi times this.

    References:
        Su et al. (2021), arXiv:2104.09864.
    """

    width: int
    longest: float = 10_000.0

    def __call__(
        self, x: Float[Array, "T H F"], positions: Int[Array, " T"]
    ) -> Float[Array, "T H F"]:
        """The features of all heads, turned."""
        half = self.width // 2
        frequencies = self.longest ** (-jnp.arange(half, dtype=jnp.float32) / half)
        angles = jnp.outer(positions.astype(jnp.float32), frequencies)[:, None, :]
        cos, sin = jnp.cos(angles), jnp.sin(angles)
        first, second, rest = x[..., :half], x[..., half : self.width], x[..., self.width :]
        turned = [first * cos - second * sin, second * cos + first * sin, rest]
        return jnp.concatenate(turned if rest.shape[-1] else turned[:2], axis=-1)
