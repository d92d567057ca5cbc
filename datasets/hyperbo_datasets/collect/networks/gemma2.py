"""Gemma 2: local and global attention in turn, norms on both sides, capped logits."""

from dataclasses import dataclass

import jax.random as jr
from jaxtyping import PRNGKeyArray

from hyperbo_datasets.collect.networks.architecture import DecoderConfig
from hyperbo_datasets.collect.networks.attention import Attention, AttentionShape
from hyperbo_datasets.collect.networks.blocks import SandwichNormBlock
from hyperbo_datasets.collect.networks.decoder import Decoder
from hyperbo_datasets.collect.networks.embedding import TiedEmbedding
from hyperbo_datasets.collect.networks.feed_forward import GeGLU
from hyperbo_datasets.collect.networks.norms import RMSNorm
from hyperbo_datasets.collect.networks.rotary import Rotary
from hyperbo_datasets.collect.networks.visibility import Past, RecentPast, Visibility


@dataclass(frozen=True)
class Gemma2Config(DecoderConfig):
    """Sizes of a Gemma 2 decoder.

    Attributes:
        width: Features of the stream.
        layers: Blocks; the first looks at the recent past, the second at all, and so on in turn.
        heads: Query heads.
        key_value_heads: Key and value heads; half as many as `heads` in the published models.
        head_width: Features of a head.
        hidden: Features inside the feed-forward layer, after the gate.
        window: Keys that a query sees in a local block, its own included.
        query_width: Scores are divided by the root of this: `head_width`, but `width / heads` in
            the 27B model.
        attention_cap: Bound of attention scores.
        logit_cap: Bound of the logits.

    References:
        Gemma Team (2024), arXiv:2408.00118.
    """

    width: int
    layers: int
    heads: int
    key_value_heads: int
    head_width: int
    hidden: int
    window: int
    query_width: int
    attention_cap: float | None = 50.0
    logit_cap: float | None = 30.0

    def init(self, key: PRNGKeyArray) -> Decoder:
        """A decoder with fresh parameters, as in Gemma normal with variance one over the inputs."""
        key_embedding, key_blocks = jr.split(key)
        blocks = tuple(
            self._init_block(key_block, self._shape(layer))
            for layer, key_block in enumerate(jr.split(key_blocks, self.layers))
        )
        embedding = TiedEmbedding(key_embedding, self.vocabulary, self.width)
        return Decoder(embedding, blocks, RMSNorm(self.width), cap=self.logit_cap)

    def _init_block(self, key: PRNGKeyArray, shape: AttentionShape) -> SandwichNormBlock:
        key_attention, key_feed_forward = jr.split(key)
        attention = Attention(key_attention, self.width, shape)
        feed_forward = GeGLU(key_feed_forward, self.width, self.hidden)
        return SandwichNormBlock(self.width, attention, feed_forward)

    def _shape(self, layer: int) -> AttentionShape:
        visibility: Visibility = RecentPast(self.window) if layer % 2 == 0 else Past()
        return AttentionShape(
            self.heads,
            self.key_value_heads,
            self.head_width,
            self.query_width**-0.5,
            Rotary(self.head_width),
            visibility,
            self.attention_cap,
        )


GEMMA2_2B = Gemma2Config(256_128, 2304, 26, 8, 4, 256, 9216, 4096, 256)
GEMMA2_9B = Gemma2Config(256_128, 3584, 42, 16, 8, 256, 14_336, 4096, 256)
GEMMA2_27B = Gemma2Config(256_128, 4608, 46, 32, 16, 128, 36_864, 4096, 144)
GEMMA2_SMALL = Gemma2Config(96, 32, 2, 4, 2, 8, 64, 8, 8)
"""Trains in about a second on a processor's core; give it the corpus's vocabulary."""
