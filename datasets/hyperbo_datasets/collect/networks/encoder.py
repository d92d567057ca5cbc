"""A transformer whose tokens see one another in both directions, for telling hidden ones."""

from dataclasses import dataclass

import equinox as eqx
import jax.random as jr
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from hyperbo_datasets.collect.networks.attention import Attention, AttentionShape
from hyperbo_datasets.collect.networks.embedding import TiedEmbedding
from hyperbo_datasets.collect.networks.feed_forward import GeGLU
from hyperbo_datasets.collect.networks.norms import RMSNorm
from hyperbo_datasets.collect.networks.rotary import Rotary
from hyperbo_datasets.collect.networks.visibility import Everything


class EncoderBlock(eqx.Module):
    """Attention to all that is not padding, then a feed-forward layer, each normed before.

    Attributes:
        attention_norm: Before attention.
        attention: Through which tokens see one another.
        feed_forward_norm: Before the feed-forward layer.
        feed_forward: What works on each token by itself.
    """

    attention_norm: RMSNorm
    attention: Attention
    feed_forward_norm: RMSNorm
    feed_forward: GeGLU

    def __init__(self, key: PRNGKeyArray, width: int, hidden: int, shape: AttentionShape) -> None:
        key_attention, key_feed_forward = jr.split(key)
        self.attention_norm = RMSNorm(width)
        self.attention = Attention(key_attention, width, shape)
        self.feed_forward_norm = RMSNorm(width)
        self.feed_forward = GeGLU(key_feed_forward, width, hidden)

    def __call__(
        self, x: Float[Array, "T D"], is_present: Bool[Array, " T"]
    ) -> Float[Array, "T D"]:
        """The stream after the block; padding is seen by nobody."""
        x = x + self.attention(self.attention_norm(x), is_present)
        return x + self.feed_forward(self.feed_forward_norm(x))


class Encoder(eqx.Module):
    """Says at each place how likely each token is there, from those on both sides.

    Attributes:
        embedding: The table of tokens, used on the way in and on the way out.
        blocks: What the stream goes through.
        norm: Before the logits.
    """

    embedding: TiedEmbedding
    blocks: tuple[EncoderBlock, ...]
    norm: RMSNorm

    def __call__(
        self, tokens: Int[Array, " T"], is_present: Bool[Array, " T"]
    ) -> Float[Array, "T V"]:
        """Logits of the token at each place; those of padding mean nothing.

        Args:
            tokens: Some of which stand for hidden ones.
            is_present: False for padding, which changes no other place's logits.
        """
        x = self.embedding.encode(tokens)
        for block in self.blocks:
            x = block(x, is_present)
        return self.embedding.decode(self.norm(x))


@dataclass(frozen=True)
class EncoderConfig:
    """Sizes of an encoder with multi-head attention.

    Attributes:
        vocabulary: Tokens there are, that for hidden ones included.
        width: Features of the stream; the heads share them out.
        layers: Blocks.
        heads: Of attention.
        hidden: Features inside the feed-forward layer, after the gate.
    """

    vocabulary: int
    width: int
    layers: int
    heads: int
    hidden: int

    def init(self, key: PRNGKeyArray) -> Encoder:
        """An encoder with fresh parameters, normal with variance one over the inputs."""
        key_embedding, key_blocks = jr.split(key)
        head_width = self.width // self.heads
        shape = AttentionShape(
            self.heads,
            self.heads,
            head_width,
            head_width**-0.5,
            Rotary(head_width),
            Everything(),
        )
        blocks = tuple(
            EncoderBlock(key_block, self.width, self.hidden, shape)
            for key_block in jr.split(key_blocks, self.layers)
        )
        embedding = TiedEmbedding(key_embedding, self.vocabulary, self.width)
        return Encoder(embedding, blocks, RMSNorm(self.width))


ENCODER_SMALL = EncoderConfig(28, 32, 2, 2, 64)
"""Trains in about a second on a processor's core; give it the alphabet's size and one more."""

ENCODER_PUBLISHED = EncoderConfig(28, 1280, 33, 20, 5120)
"""Sizes of ESM-1b (Rives et al. 2021), with the layers of this file."""
