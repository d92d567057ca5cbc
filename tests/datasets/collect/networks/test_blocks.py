"""Residual blocks, against their equations written out."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from jaxtyping import Array, Float, Int

from hyperbo_datasets.collect.networks.blocks import (
    Layer,
    PreNormBlock,
    SandwichNormBlock,
    State,
)
from hyperbo_datasets.collect.networks.feed_forward import GeGLU
from hyperbo_datasets.collect.networks.norms import RMSNorm
from tests.datasets.collect.networks.by_hand import gelu

WIDTH = 6


class Cubed(Layer):
    """A mixer whose result is known, and is not what it would be of another norm's scale."""

    def __call__(self, x: Float[Array, "T D"]) -> Float[Array, "T D"]:
        """The cubes, and one."""
        return x**3 + 1.0

    def init_state(self, length: int) -> State:  # noqa: ARG002 - remembers nothing
        """Nothing."""
        return ()

    def step(
        self,
        x: Float[Array, " D"],
        position: Int[Array, ""],  # noqa: ARG002 - the same everywhere
        state: State,
    ) -> tuple[Float[Array, " D"], State]:
        """The same at one token."""
        return x**3 + 1.0, state


def norm(x: Float[np.ndarray, "T D"], of: RMSNorm) -> Float[np.ndarray, "T D"]:
    """Divided by the root mean square, times one plus the scale."""
    root = np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + 1e-6)
    return x / root * (1.0 + np.asarray(of.scale))


def geglu(x: Float[np.ndarray, "T D"], of: GeGLU) -> Float[np.ndarray, "T D"]:
    """One half, through a GELU, gates the other."""
    gate, value = np.split(x @ np.asarray(of.expansion.weight), 2, axis=-1)
    return (gelu(gate) * value) @ np.asarray(of.contraction.weight)


def pre_norm(x: Float[np.ndarray, "T D"], of: PreNormBlock) -> Float[np.ndarray, "T D"]:
    """What each part says of the normed stream is added to it."""
    x = x + norm(x, of.mixer_norm) ** 3 + 1.0
    return x + geglu(norm(x, of.feed_forward_norm), of.feed_forward)


def sandwich(x: Float[np.ndarray, "T D"], of: SandwichNormBlock) -> Float[np.ndarray, "T D"]:
    """What each part says is normed too."""
    x = x + norm(norm(x, of.mixer_norm) ** 3 + 1.0, of.mixed_norm)
    return x + norm(geglu(norm(x, of.feed_forward_norm), of.feed_forward), of.worked_norm)


@pytest.mark.parametrize(
    ("kind", "equation"), [(PreNormBlock, pre_norm), (SandwichNormBlock, sandwich)]
)
def test_block_is_its_equation(key: jax.Array, kind: type, equation: object) -> None:
    """On whole sequences and token by token, with no two norms of the same scale."""
    key_block, key_x = jr.split(key)
    rng = np.random.default_rng(0)
    block = jax.tree.map(
        lambda leaf: leaf + jnp.asarray(rng.normal(scale=0.3, size=leaf.shape), jnp.float32),
        kind(WIDTH, Cubed(), GeGLU(key_block, WIDTH, 8)),
    )
    x = jr.normal(key_x, (5, WIDTH), jnp.float32)

    wanted = equation(np.asarray(x, np.float64), block)  # type: ignore[operator]
    steps = [block.step(token, jnp.int32(place), ())[0] for place, token in enumerate(x)]

    np.testing.assert_allclose(block(x), wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(jnp.stack(steps), wanted, rtol=1e-4, atol=1e-5)
