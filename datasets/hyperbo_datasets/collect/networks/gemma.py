"""Gemma: a decoder of pre-normed attention and GeGLU blocks with multi-query attention."""

from dataclasses import dataclass

import jax.random as jr
from jaxtyping import PRNGKeyArray

from hyperbo_datasets.collect.networks.architecture import DecoderConfig
from hyperbo_datasets.collect.networks.attention import Attention, AttentionShape
from hyperbo_datasets.collect.networks.blocks import PreNormBlock
from hyperbo_datasets.collect.networks.decoder import Decoder
from hyperbo_datasets.collect.networks.embedding import TiedEmbedding
from hyperbo_datasets.collect.networks.feed_forward import GeGLU
from hyperbo_datasets.collect.networks.norms import RMSNorm
from hyperbo_datasets.collect.networks.rotary import Rotary
from hyperbo_datasets.collect.networks.visibility import Past


@dataclass(frozen=True)
class GemmaConfig(DecoderConfig):
    """Sizes of a Gemma decoder.

    Attributes:
        width: Features of the stream.
        layers: Blocks.
        heads: Query heads.
        key_value_heads: Key and value heads; one in Gemma 2B, as many as `heads` in 7B.
        head_width: Features of a head; the heads together may be wider than the stream.
        hidden: Features inside the feed-forward layer, after the gate.

    References:
        Gemma Team (2024), arXiv:2403.08295.
    """

    width: int
    layers: int
    heads: int
    key_value_heads: int
    head_width: int
    hidden: int

    def init(self, key: PRNGKeyArray) -> Decoder:
        """A decoder with fresh parameters.

        How the published models started is not published: weights are normal with variance one
        over their inputs.
        """
        key_embedding, key_blocks = jr.split(key)
        shape = AttentionShape(
            self.heads,
            self.key_value_heads,
            self.head_width,
            self.head_width**-0.5,
            Rotary(self.head_width),
            Past(),
        )
        blocks = tuple(
            _init_block(key_block, self.width, self.hidden, shape)
            for key_block in jr.split(key_blocks, self.layers)
        )
        embedding = TiedEmbedding(key_embedding, self.vocabulary, self.width)
        return Decoder(embedding, blocks, RMSNorm(self.width), cap=None)


GEMMA_2B = GemmaConfig(256_128, 2048, 18, 8, 1, 256, 16_384)
GEMMA_7B = GemmaConfig(256_128, 3072, 28, 16, 16, 256, 24_576)
GEMMA_SMALL = GemmaConfig(96, 32, 2, 4, 1, 8, 64)
"""Trains in about a second on a processor's core; give it the corpus's vocabulary."""


def _init_block(key: PRNGKeyArray, width: int, hidden: int, shape: AttentionShape) -> PreNormBlock:
    key_attention, key_feed_forward = jr.split(key)
    attention = Attention(key_attention, width, shape)
    return PreNormBlock(width, attention, GeGLU(key_feed_forward, width, hidden))
