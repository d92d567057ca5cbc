"""One table that turns tokens into features and features into logits."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, PRNGKeyArray

_SMALL = 1024
"""Up to this many rows a product with one-hot rows is quicker than a gather and its scatter."""


class TiedEmbedding(eqx.Module):
    """An embedding whose rows, times the root of the width, come in, and whose columns go out.

    Rows start with variance 1/D, so that the stream starts with variance one, and the logits of
    a normalised stream too.

    Attributes:
        table: One row a token.

    References:
        Press and Wolf (2017), arXiv:1608.05859.
    """

    table: Float[Array, "V D"]

    def __init__(self, key: PRNGKeyArray, vocabulary: int, width: int) -> None:
        self.table = jr.normal(key, (vocabulary, width), jnp.float32) / width**0.5

    def encode(self, tokens: Int[Array, "*shape"]) -> Float[Array, "*shape D"]:
        """Features of tokens."""
        vocabulary, width = self.table.shape
        if vocabulary <= _SMALL:
            rows = jax.nn.one_hot(tokens, vocabulary, dtype=jnp.float32) @ self.table
        else:
            rows = self.table[tokens]
        return rows * width**0.5

    def decode(self, x: Float[Array, "*shape D"]) -> Float[Array, "*shape V"]:
        """Logits of features."""
        return x @ self.table.T
