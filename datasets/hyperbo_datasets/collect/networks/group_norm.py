"""Normalisation of an image's channels that keeps no state between steps."""

from typing import Self

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperbo_datasets.collect.networks.inverse_root import inverse_root

_EPSILON = 1e-5
"""Added to the variance, so that a constant image has a finite gradient."""


class GroupNorm(eqx.Module):
    """Each group of channels of each image brought to mean zero and variance one, then scaled.

    Batch normalisation would need running averages: state beside the parameters, an example that
    depends on its batch, and one more thing that a diverging run spoils. Groups need none, and
    behave alike at every batch size.

    References:
        Wu and He (2018), arXiv:1803.08494.
    """

    scale: Float[Array, " C"]
    shift: Float[Array, " C"]
    groups: int = eqx.field(static=True)

    @classmethod
    def init(cls, channels: int, groups: int) -> Self:
        """A layer that scales by one; the channels must divide into the groups."""
        return cls(jnp.ones(channels, jnp.float32), jnp.zeros(channels, jnp.float32), groups)

    def __call__(self, images: Float[Array, "C H W N"]) -> Float[Array, "C H W N"]:
        """The normalised images, examples last."""
        grouped = images.reshape(self.groups, -1, *images.shape[1:])
        centred = grouped - grouped.mean(axis=(1, 2, 3), keepdims=True)
        variance = jnp.square(centred).mean(axis=(1, 2, 3), keepdims=True)
        normal = (centred * inverse_root(variance, _EPSILON)).reshape(images.shape)
        return normal * self.scale[:, None, None, None] + self.shift[:, None, None, None]
